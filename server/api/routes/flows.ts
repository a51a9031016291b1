import Type from 'typebox';
import type { Flow } from '../../../flows/flow.js';
import { TacetError } from '../../errors.js';
import type { Flows } from '../../flows/published-flows.js';
import type { Api } from '../api.js';
import { ErrorReply } from '../error-replies.js';
import type { Permit } from '../flow-permission.js';
import { FlowSummary, FlowView, flowSummary, flowView, GraphView, graphView } from '../flow-views.js';
import { FLOW, FLOWS, FlowParams } from '../parameters.js';

const tags = ['flows'];
const refusals = { 401: ErrorReply, 403: ErrorReply, 429: ErrorReply };

function named(flows: Flows, name: string): Flow {
  const flow = flows.get(name);
  if (!flow) throw new TacetError('flow-not-found');
  return flow;
}

/** The flows that calls are answered with. */
export function flowRoutes(app: Api, flows: Flows, permit: Permit): void {
  app.get(
    FLOWS,
    {
      onRequest: permit('view'),
      schema: {
        tags,
        summary: 'List flows',
        description: 'Every loaded flow, by name; with `type`, those of one type.',
        querystring: Type.Object({ type: Type.Optional(FlowSummary.properties.type) }),
        response: { 200: Type.Object({ flows: Type.Array(FlowSummary) }), 400: ErrorReply, ...refusals },
      },
    },
    ({ query: { type } }) => {
      const wanted = [...flows.values()].filter((flow) => type === undefined || flow.type === type);
      return { flows: wanted.map(flowSummary).sort((a, b) => (a.name < b.name ? -1 : 1)) };
    },
  );
  app.get(
    FLOW,
    {
      onRequest: permit('view'),
      schema: {
        tags,
        summary: 'One flow',
        description: 'With its document and the variables that it declares.',
        params: FlowParams,
        response: { 200: FlowView, 404: ErrorReply, ...refusals },
      },
    },
    (request) => flowView(named(flows, request.params.name)),
  );
  app.get(
    `${FLOW}/graph`,
    {
      onRequest: permit('view'),
      schema: {
        tags,
        summary: 'A flow as nodes and edges',
        description:
          '`secure` marks the actions that run in secure mode, `key` each of them and what holds one in its paths. ' +
          'A failure without a path of its own goes to `onError`.',
        params: FlowParams,
        response: { 200: GraphView, 404: ErrorReply, ...refusals },
      },
    },
    (request) => graphView(named(flows, request.params.name)),
  );
}
