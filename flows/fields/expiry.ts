import type { CaptureError } from '../commands.js';
import { allDigits, numberAt } from './ascii.js';

/** A month of a year, both as people count them: `{ year: 2026, month: 11 }`. */
export interface CalendarMonth {
  readonly year: number;
  readonly month: number;
}

/** Cards are issued for a few years; more than this is a mistyped year. */
const YEARS_AHEAD = 20;

/** MMYY, not before `now`: a card is good to the last day of its month. */
export function checkExpiry(digits: Uint8Array, now: CalendarMonth): CaptureError | null {
  if (digits.length !== 4 || !allDigits(digits)) return 'invalid-date';
  const month = numberAt(digits, 0, 2);
  const year = Math.floor(now.year / 100) * 100 + numberAt(digits, 2, 2);
  if (month < 1 || month > 12 || year > now.year + YEARS_AHEAD) return 'invalid-date';
  const isPast = year < now.year || (year === now.year && month < now.month);
  return isPast ? 'invalid-date' : null;
}
