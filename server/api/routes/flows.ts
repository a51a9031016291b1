import Type from 'typebox';
import type { FlowSet } from '../../../flows/flow.js';
import type { Api } from '../api.js';
import { ErrorReply } from '../error-replies.js';
import { FlowSummary, flowSummary } from '../flow-views.js';
import { FLOWS } from '../parameters.js';

const tags = ['flows'];
const refusals = { 401: ErrorReply, 429: ErrorReply };

/** The flows that calls are answered with. */
export function flowRoutes(app: Api, flows: FlowSet): void {
  app.get(
    FLOWS,
    {
      schema: {
        tags,
        summary: 'List flows',
        description: 'Every loaded flow, by name.',
        response: { 200: Type.Object({ flows: Type.Array(FlowSummary) }), ...refusals },
      },
    },
    () => ({ flows: [...flows.values()].map(flowSummary).sort((a, b) => (a.name < b.name ? -1 : 1)) }),
  );
}
