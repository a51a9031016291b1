import type { CallDataResult, CaptureCommand } from '../../flows/commands.js';

/** From the begin of a prompt to the first key that answers it, and from key to key. */
export const THINK_MS = 700;
export const KEY_MS = 100;

/** Where the caller is when asked what comes next. Times are in ms since the call began. */
export interface Moment {
  readonly now: number;
  /** When something happens by itself: a prompt ends, a time-out comes. */
  readonly until: number;
  /** The attempt at a field that is open, counted over the whole call; null when none is. */
  readonly field: number | null;
}

/** What can come from outside while a flow runs. */
export type Act =
  /** A key by its ASCII code. */
  | { readonly do: 'key'; readonly code: number }
  | { readonly do: 'hang-up' }
  /** The agent ends the secure session. */
  | { readonly do: 'cancel' }
  /** The agent commands the field that is being keyed. */
  | { readonly do: 'command'; readonly command: CaptureCommand };

/** Somebody who calls: a person at a terminal, or a script. */
export interface Caller {
  /** The next act and its time, from `now` to `until`; null when there is none before `until`. */
  next(moment: Moment): Promise<{ readonly at: number; readonly act: Act } | null>;
  /** What a data action answers that no script answers for; null hangs up. */
  answer(): Promise<CallDataResult | null>;
}
