import type { CollectFailure } from './commands.js';

/** Whether a field is not asked for again after this error, whatever attempts are left. */
export function isFinal(error: CollectFailure['error']): boolean {
  return error === 'caller-hung-up' || error === 'cancelled-by-agent' || error === 'focus';
}
