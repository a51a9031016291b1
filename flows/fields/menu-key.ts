import type { CaptureError } from '../commands.js';

/** One key that is among the choices, each a character of `choices`. */
export function checkMenuKey(digits: Uint8Array, choices: string): CaptureError | null {
  for (let index = 0; index < choices.length; index += 1) {
    if (digits.length === 1 && digits[0] === choices.charCodeAt(index)) return null;
  }
  return 'invalid-input';
}
