import Type from 'typebox';
import type { Api } from '../api.js';
import { ErrorReply, Problem } from '../error-replies.js';
import type { FlowChecker } from '../flow-checker.js';
import type { Permit } from '../flow-permission.js';
import { DOCUMENT_BYTES, FLOWS } from '../parameters.js';

const Body = Type.Object(
  { document: Type.String({ description: 'the text of a flow document: YAML' }) },
  {
    additionalProperties: false,
    examples: [{ document: 'name: closed\ntype: inbound\ntasks:\n  main:\n    - do: disconnect\n' }],
  },
);

const Verdict = Type.Object({
  valid: Type.Boolean({ description: 'no problem was found' }),
  problems: Type.Array(Problem),
});

/** Checks documents as the loader does, and keeps none. */
export function flowValidationRoute(app: Api, checker: FlowChecker, permit: Permit): void {
  app.addHook('preClose', () => checker.close());
  app.post(
    `${FLOWS}/validate`,
    {
      onRequest: permit('view'),
      bodyLimit: DOCUMENT_BYTES,
      schema: {
        tags: ['flows'],
        summary: 'Check a flow document',
        description:
          'Answers what `tacet check` would say of the document beside the loaded flows; a flow of the same name counts as ' +
          'replaced by it. Nothing is loaded or kept. Documents are checked one at a time.',
        body: Body,
        response: {
          200: Verdict,
          400: ErrorReply,
          401: ErrorReply,
          403: ErrorReply,
          413: ErrorReply,
          415: ErrorReply,
          429: ErrorReply,
          503: ErrorReply,
        },
      },
    },
    async (request) => {
      const problems = await checker.check(request.body.document);
      return { valid: problems.length === 0, problems: [...problems] };
    },
  );
}
