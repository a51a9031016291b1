import type { CaptureError } from '../commands.js';
import { allDigits } from './ascii.js';

/** The digits of a postal code. Letters cannot be keyed, so the gateway compares digits only. */
export function checkPostalCode(digits: Uint8Array, min: number, max: number): CaptureError | null {
  const fits = digits.length >= min && digits.length <= max;
  return fits && allDigits(digits) ? null : 'invalid-postal-code';
}
