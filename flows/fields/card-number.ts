import type { CaptureError } from '../commands.js';
import { allDigits, luhn } from './ascii.js';
import { brandHasLength, brandOf } from './brands.js';

/** A card number of an accepted brand; an empty list accepts every brand known here. */
export function checkCardNumber(digits: Uint8Array, brands: readonly string[]): CaptureError | null {
  if (!allDigits(digits) || digits.length < 12 || digits.length > 19 || !luhn(digits)) {
    return 'invalid-card-number';
  }
  const brand = brandOf(digits);
  if (brand === null) return 'invalid-card-type';
  if (!brandHasLength(brand, digits.length)) return 'invalid-card-number';
  return brands.length === 0 || brands.includes(brand) ? null : 'invalid-card-type';
}
