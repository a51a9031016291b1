import type { CollectFailure } from './commands.js';

const FINAL = ['caller-hung-up', 'caller-interrupted-with-star', 'cancelled-by-agent', 'focus'] as const;

export type FinalError = (typeof FINAL)[number];

/** Whether a field is not asked for again after this error, whatever attempts are left. */
export function isFinal(error: CollectFailure['error']): error is FinalError {
  return (FINAL as readonly string[]).includes(error);
}
