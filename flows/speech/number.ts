import type { PlainValue } from '../commands.js';
import { SpeechError } from './wording.js';

/** Nobody follows a longer one, and a double holds no more digits. */
const HIGHEST = 1e15;

/** Enough for any figure that is said, and few enough to hide what binary fractions leave behind. */
const DECIMALS = 6;

/** A number as it is said, rounded to six decimals. Throws {@link SpeechError}. */
export function spokenNumber(value: PlainValue): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw new SpeechError(
      'the value is no number',
      'give a number, or convert a text with int() or double()',
    );
  }
  if (Math.abs(value) >= HIGHEST) {
    throw new SpeechError(
      'the number is too large to be spoken',
      'give one of 15 digits at most, or use digits',
    );
  }
  // Never -0, which would be said with its sign.
  return Number(value.toFixed(DECIMALS)) || 0;
}
