import Type, { type Static } from 'typebox';
import { Acknowledgement } from '../../flows/acknowledgement.js';
import { actionsOf, FLOW_TYPES, type Flow } from '../../flows/flow.js';
import { flowGraph } from '../../flows/graph.js';
import { isSecure } from '../../flows/secure-use.js';

/** What the API shows of flows: what their authors wrote, and nothing of a call. */

export const FlowSummary = Type.Object({
  name: Type.String(),
  version: Type.Union([Type.Integer(), Type.Null()], {
    description: 'that was published over the API; null: the flow is that of a file',
  }),
  type: Type.Enum(FLOW_TYPES),
  description: Type.String({ description: 'empty when the document has none' }),
  secure: Type.Boolean({
    description: 'an action of it runs in secure mode; all of them in a flow of type secure',
  }),
  actions: Type.Integer({ description: 'how many it has, those in the paths of others included' }),
});
export type FlowSummary = Static<typeof FlowSummary>;

export function flowSummary(flow: Flow): FlowSummary {
  const { name, version, type, description } = flow;
  const actions = [...actionsOf(flow)];
  const secure = actions.some((action) => isSecure(flow, action));
  return { name, version, type, description, secure, actions: actions.length };
}

const VARIABLE_TYPES = ['string', 'number', 'boolean', 'secure'] as const;

export const FlowView = Type.Object({
  ...FlowSummary.properties,
  document: Type.String({ description: 'the YAML document, as it was loaded' }),
  acknowledgement: Type.Union([Acknowledgement, Type.Null()], {
    description: 'who decided that the flow may show parts of secure values; null where nobody has',
  }),
  variables: Type.Array(Type.Object({ name: Type.String(), type: Type.Enum(VARIABLE_TYPES) }), {
    description: 'as declared, those of type secure last; the values belong to calls and are not shown',
  }),
});
export type FlowView = Static<typeof FlowView>;

export function flowView(flow: Flow): FlowView {
  const plain = Object.entries(flow.variables).map(([name, { type }]) => ({ name, type }));
  const secure = flow.secureVariables.map((name) => ({ name, type: 'secure' as const }));
  const { source: document, acknowledgement } = flow;
  return { ...flowSummary(flow), document, acknowledgement, variables: [...plain, ...secure] };
}

const place = (description: string) =>
  Type.String({ description, examples: ['tasks.main[2].onDeclined[0]'] });

const GraphNode = Type.Object({
  id: place('place of the action in the document'),
  action: Type.String(),
  name: Type.String({ description: "the author's name, or the action's own" }),
  secure: Type.Boolean({ description: 'it runs in secure mode' }),
  key: Type.Boolean({ description: 'it is secure, or holds a secure action in one of its paths or tasks' }),
});

const GraphEdge = Type.Object({
  from: Type.String(),
  to: Type.String(),
  path: Type.String({
    description: 'the path out of the action (`then`, `onFailure`, ...), task, nextLoop, exitLoop, or next',
  }),
});

export const GraphView = Type.Object({
  flow: Type.String(),
  type: Type.Enum(FLOW_TYPES),
  secure: Type.Boolean({ description: 'an action of it runs in secure mode' }),
  entry: place('where a run begins'),
  onError: Type.Union([Type.String(), Type.Null()], {
    description: 'where the error path begins; null: the call is disconnected',
  }),
  nodes: Type.Array(GraphNode, { description: 'in the order of the document, outer actions first' }),
  edges: Type.Array(GraphEdge),
});
export type GraphView = Static<typeof GraphView>;

export function graphView(flow: Flow): GraphView {
  const { nodes, edges, ...graph } = flowGraph(flow);
  return { ...graph, nodes: [...nodes], edges: [...edges] };
}
