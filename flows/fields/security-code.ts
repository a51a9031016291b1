import type { CaptureError } from '../commands.js';
import { allDigits } from './ascii.js';
import { type CardBrand, securityCodeLength } from './brands.js';

/** Three digits, four for American Express; either when the brand of the card is not known. */
export function checkSecurityCode(digits: Uint8Array, brand: CardBrand | null): CaptureError | null {
  const fits =
    brand === null ? digits.length === 3 || digits.length === 4 : digits.length === securityCodeLength(brand);
  return fits && allDigits(digits) ? null : 'invalid-security-code';
}
