import type { CaptureError } from '../commands.js';
import { allDigits } from './ascii.js';

/** Any digits, as many as the author asked for. */
export function checkDigits(digits: Uint8Array, min: number, max: number): CaptureError | null {
  const fits = digits.length >= min && digits.length <= max;
  return fits && allDigits(digits) ? null : 'invalid-input';
}
