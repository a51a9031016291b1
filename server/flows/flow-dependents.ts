import type { Flow, FlowSet, FlowType } from '../../flows/flow.js';
import { flowUses, type Known, useProblem } from '../../flows/uses.js';

/** A call in progress, by the flows that it is on. */
export interface RunningCall {
  readonly conversationId: string;
  readonly flows: readonly Flow[];
}

/** Somebody who names a flow, and the types that it may be of. */
export interface Need {
  readonly by: string;
  readonly types: readonly FlowType[];
}

const ANY: readonly FlowType[] = ['inbound', 'secure'];

function needOf(user: Flow, name: string): Need[] {
  return flowUses(user)
    .filter(({ use }) => use.kind === 'flow' && use.name === name)
    .map(({ action, use }) => ({ by: `flow ${user.name} (${action.path})`, types: use.types ?? ANY }));
}

/** Routes and other flows that name a flow. */
export function needsOf(
  name: string,
  flows: Iterable<Flow>,
  routes: readonly { readonly user: string; readonly flow: string }[],
): readonly Need[] {
  const routed = routes.filter(({ flow }) => flow === name);
  return [
    ...routed.map(({ user }): Need => ({ by: `route ${user}`, types: ['inbound'] })),
    ...[...flows].filter((flow) => flow.name !== name).flatMap((flow) => needOf(flow, name)),
  ];
}

/** Calls in progress that are on a published version of a flow, or on one that names it. */
export function callsThatNeed(name: string, calls: Iterable<RunningCall>): readonly string[] {
  return [...calls]
    .filter(({ flows }) =>
      flows.some((flow) => (flow.name === name && flow.version !== null) || needOf(flow, name).length > 0),
    )
    .map(({ conversationId }) => `conversation ${conversationId}`);
}

/** What a flow names that is not there, in words. */
export function missingUses(flow: Flow, flows: FlowSet, known: Known): readonly string[] {
  return flowUses(flow).flatMap(({ action, use }) => {
    const problem = useProblem(use, flows, known);
    return problem ? [`${action.path}: ${problem.message}`] : [];
  });
}
