import type { Use } from './actions/action.js';
import { ACTIONS } from './actions/registry.js';
import { type Action, actionsOf, type Flow, type FlowType } from './flow.js';
import { nearest } from './nearest.js';

/** What flows can name beside each other, by kind. */
export type Known = Readonly<Record<Exclude<Use['kind'], 'flow'>, ReadonlySet<string>>>;

/** What a name of another flow is looked up in. */
export type FlowTypes = ReadonlyMap<string, { readonly type: FlowType }>;

/** What an action names outside its document. */
export function usesOf(action: Action, { type }: Pick<Flow, 'type'>): readonly Use[] {
  return ACTIONS.get(action.do)?.uses?.(action.fields, type) ?? [];
}

/** Every use of a flow, with the action that names it. */
export function flowUses(flow: Flow): readonly { readonly action: Action; readonly use: Use }[] {
  return [...actionsOf(flow)].flatMap((action) => usesOf(action, flow).map((use) => ({ action, use })));
}

const WORDS: Readonly<Record<Use['kind'], string>> = {
  flow: 'flow',
  connector: 'connector',
  dataAction: 'data action',
  agent: 'agent',
  queue: 'queue',
  trunk: 'trunk',
};

/** What is wrong with a use, or null. Without `known` only flows are looked up. */
export function useProblem(
  use: Use,
  flows: FlowTypes,
  known: Known | null,
): { readonly message: string; readonly remedy: string } | null {
  if (use.kind === 'flow') return flowProblem(use, flows);
  const names = known?.[use.kind];
  if (!names || names.has(use.name)) return null;
  const meant = nearest(use.name, names);
  const all = [...names].join(', ') || 'none is configured';
  return {
    message: `there is no ${WORDS[use.kind]} '${use.name}'`,
    remedy: meant ? `did you mean '${meant}'?` : `configure it, or name one of: ${all}`,
  };
}

function flowProblem({ name, types }: Use, flows: FlowTypes): ReturnType<typeof useProblem> {
  const target = flows.get(name);
  if (target && (!types || types.includes(target.type))) return null;
  const fitting = [...flows].flatMap(([other, { type }]) => (!types || types.includes(type) ? [other] : []));
  const meant = nearest(name, fitting);
  const wanted = types ? `name a flow of type ${types.join(' or ')}` : 'name a flow';
  const [only] = types?.length === 1 ? types : [];
  const what = only === 'module' || only === 'bot' ? only : 'flow';
  return {
    message: target ? `the flow '${name}' is of type ${target.type}` : `there is no ${what} '${name}'`,
    remedy: target || !meant ? wanted : `did you mean '${meant}'?`,
  };
}
