import type { CaptureError, CollectCommand } from '../commands.js';
import { checkAccountNumber, checkRoutingNumber } from './bank-account.js';
import { type CardBrand, longestNumber, securityCodeLength } from './brands.js';
import { checkCardNumber } from './card-number.js';
import { type CalendarDay, checkDate } from './date.js';
import { checkDigits } from './digits.js';
import { checkExpiry } from './expiry.js';
import { checkMenuKey } from './menu-key.js';
import { checkPostalCode } from './postal-code.js';
import { checkSecurityCode } from './security-code.js';

/** What a field is judged by beside its own digits. */
export interface FieldFacts {
  /** Brand of the card that a security code belongs to; null when it is not known. */
  readonly cardBrand: CardBrand | null;
  /** The day it is now: an expiry of an earlier month is refused. */
  readonly now: CalendarDay;
}

/** Judges a finished field: null when it is valid. */
export function checkField(
  field: CollectCommand['field'],
  digits: Uint8Array,
  facts: FieldFacts,
): CaptureError | null {
  switch (field.kind) {
    case 'cardNumber':
      return checkCardNumber(digits, field.brands);
    case 'expiry':
      return checkExpiry(digits, facts.now);
    case 'securityCode':
      return checkSecurityCode(digits, facts.cardBrand);
    case 'postalCode':
      return checkPostalCode(digits, field.min, field.max);
    case 'routingNumber':
      return checkRoutingNumber(digits);
    case 'accountNumber':
      return checkAccountNumber(digits, field.min, field.max);
    case 'digits':
      return checkDigits(digits, field.min, field.max);
    case 'date':
      return field.date === undefined ? 'invalid-date' : checkDate(digits, field.date, facts.now);
    case 'menu':
      return checkMenuKey(digits, field.choices ?? '');
  }
}

/** The number of digits at which a field that begins so is complete. */
export function completeLength(
  field: CollectCommand['field'],
  digits: Uint8Array,
  facts: FieldFacts,
): number {
  if (field.kind === 'cardNumber') return Math.min(field.max, longestNumber(digits));
  if (field.kind === 'securityCode' && facts.cardBrand !== null) return securityCodeLength(facts.cardBrand);
  return field.max;
}
