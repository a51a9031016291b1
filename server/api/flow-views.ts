import Type, { type Static } from 'typebox';
import { actionsOf, type Flow } from '../../flows/flow.js';
import { Header } from '../../flows/schema.js';
import { isSecure } from '../../flows/secure-use.js';

/** What the API shows of flows: what their authors wrote, and nothing of a call. */

export const FlowSummary = Type.Object({
  name: Type.String(),
  type: Header.properties.type,
  description: Type.String({ description: 'empty when the document has none' }),
  secure: Type.Boolean({
    description: 'an action of it runs in secure mode; all of them in a flow of type secure',
  }),
  actions: Type.Integer({ description: 'how many it has, those in the paths of others included' }),
});
export type FlowSummary = Static<typeof FlowSummary>;

export function flowSummary(flow: Flow): FlowSummary {
  const { name, type, description } = flow;
  const actions = [...actionsOf(flow)];
  const secure = actions.some((action) => isSecure(flow, action));
  return { name, type, description, secure, actions: actions.length };
}

const VARIABLE_TYPES = ['string', 'number', 'boolean', 'secure'] as const;

export const FlowView = Type.Object({
  ...FlowSummary.properties,
  document: Type.String({ description: 'the YAML document, as it was loaded' }),
  variables: Type.Array(Type.Object({ name: Type.String(), type: Type.Enum(VARIABLE_TYPES) }), {
    description: 'as declared, those of type secure last; the values belong to calls and are not shown',
  }),
});
export type FlowView = Static<typeof FlowView>;

export function flowView(flow: Flow): FlowView {
  const plain = Object.entries(flow.variables).map(([name, { type }]) => ({ name, type }));
  const secure = flow.secureVariables.map((name) => ({ name, type: 'secure' as const }));
  return { ...flowSummary(flow), document: flow.source, variables: [...plain, ...secure] };
}
