import type { CallDataResult, FlowCommand } from '../../flows/commands.js';
import { failed } from '../data-actions/data-action.js';
import type { DataActions } from '../data-actions/data-actions.js';
import type { SecureValues } from '../secure/secure-values.js';
import type { CallEventBody } from './events.js';
import type { Leg } from './leg.js';
import { withProcessingAudio } from './processing-audio.js';

export interface CallDataOptions {
  readonly leg: Leg;
  readonly dataActions: DataActions;
  /** What the caller has keyed into secure variables of this run. */
  readonly values: SecureValues;
  /** Names the run, for the idempotency key. */
  readonly runId: string;
  /** Gives the request up at once. */
  readonly signal: AbortSignal;
  readonly publish: (event: CallEventBody) => void;
}

/** Asks a data action, with the processing audio meanwhile. Of what goes out and comes back nothing is published. */
export async function callData(
  { action, inputs, processingAudio, occurrence }: FlowCommand & { do: 'callData' },
  { leg, dataActions, values, runId, signal, publish }: CallDataOptions,
): Promise<CallDataResult> {
  // No expression can see a secure value; what looks like one all the same does not leave.
  if (values.showIn(inputs)) {
    publish({ type: 'flow.data', action, status: 'failure', durationMs: 0 });
    return failed('secure-value', 'an input shows a value of the secure session');
  }
  const idempotencyKey = `${runId}:${occurrence}`;
  const { result, durationMs } = await withProcessingAudio(leg, processingAudio, () =>
    dataActions.call(action, { inputs, idempotencyKey, signal }),
  );
  publish({ type: 'flow.data', action, status: result.status, durationMs });
  return { ...result, outputs: values.redact(result.outputs) };
}
