import Type, { type Static } from 'typebox';
import { MOST_EXTRA_MS } from '../../../flows/collector.js';
import type { CaptureCommand } from '../../../flows/commands.js';
import type { Conversations } from '../../call/conversations.js';
import { SecureSessionView } from '../../call/views.js';
import type { Logger } from '../../log/logger.js';
import type { Api } from '../api.js';
import { ErrorReply } from '../error-replies.js';
import { SECURE_SESSIONS, SessionParams } from '../parameters.js';

const strict = { additionalProperties: false } as const;

const Command = Type.Union([
  Type.Object({ command: Type.Enum(['askAgain', 'clear', 'cancel', 'complete'] as const) }, strict),
  Type.Object(
    {
      command: Type.Literal('extendTime'),
      seconds: Type.Integer({ minimum: 1, maximum: MOST_EXTRA_MS / 1000 }),
    },
    strict,
  ),
  Type.Object(
    {
      command: Type.Literal('focus'),
      field: Type.String({ minLength: 1, maxLength: 100, description: 'name of the field to go to' }),
    },
    strict,
  ),
]);

/** The same union told apart by `command`, so that a refusal speaks of the command that was meant. */
const Body = Type.Unsafe<Static<typeof Command>>({
  type: 'object',
  required: ['command'],
  discriminator: { propertyName: 'command' },
  oneOf: Command.anyOf,
  examples: [{ command: 'askAgain' }],
});

function commandOf(body: Static<typeof Command>): CaptureCommand {
  switch (body.command) {
    case 'extendTime':
      return { do: 'extendTime', ms: body.seconds * 1000 };
    case 'focus':
      return { do: 'focus', field: body.field };
    default:
      return { do: body.command };
  }
}

/** The agent's commands to the field that is being keyed. */
export function captureRoute(app: Api, conversations: Conversations, log: Logger): void {
  app.post(
    `${SECURE_SESSIONS}/:sessionId/capture`,
    {
      schema: {
        tags: ['secure sessions'],
        summary: 'Command the field that is being keyed',
        description:
          '`askAgain`, `clear`, `cancel`, `complete`, `extendTime` with `seconds`, `focus` with `field`. 200: it is done. ' +
          '409: no field is being keyed, or the command does not fit now; then nothing has changed.',
        params: SessionParams,
        body: Body,
        response: {
          200: SecureSessionView,
          400: ErrorReply,
          401: ErrorReply,
          404: ErrorReply,
          409: ErrorReply,
          413: ErrorReply,
          415: ErrorReply,
          429: ErrorReply,
        },
      },
    },
    async (request) => {
      const { id, sessionId } = request.params;
      const command = commandOf(request.body);
      const by = request.tokenName;
      const session = await conversations.commandCapture(id, sessionId, command, by);
      const names = { by, conversation: id, session: sessionId, command: command.do };
      log.info(names, 'capture command');
      return session;
    },
  );
}
