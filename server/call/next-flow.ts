import type { FlowCommand } from '../../flows/commands.js';
import type { Flow, FlowType } from '../../flows/flow.js';
import type { Flows } from '../flows/published-flows.js';
import type { SecureValues } from '../secure/secure-values.js';

/** Where a transfer to a flow leads and what that flow is handed. What was keyed before stays behind. */
export interface NextFlow {
  readonly next: Flow;
  readonly invocationData: string;
}

/**
 * The flow of this type that the command hands the call to, all values zeroed; null when there is none, or when its
 * invocation data shows one of them: a transfer to a flow is blind, so the call ends then.
 */
export function nextFlow(
  { flow, invocationData }: FlowCommand & { do: 'transferToFlow' },
  type: FlowType,
  flows: Pick<Flows, 'get'>,
  values: SecureValues,
): NextFlow | null {
  const next = flows.get(flow);
  if (next?.type !== type || values.showIn({ invocationData })) return null;
  values.clear();
  return { next, invocationData };
}
