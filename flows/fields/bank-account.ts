import type { CaptureError } from '../commands.js';
import { allDigits, numberAt } from './ascii.js';

/** Routing numbers have nine digits. */
export const ROUTING_NUMBER_LENGTH = 9;
/** Most digits of an account number in an ACH entry (Nacha Operating Rules, DFI account number). */
export const LONGEST_ACCOUNT_NUMBER = 17;
/** No bank has shorter ones. */
export const SHORTEST_ACCOUNT_NUMBER = 4;

/** First two digits that were ever given out: Federal Reserve districts, thrifts, electronic ones, traveller's cheques. */
const PREFIXES: readonly (readonly [number, number])[] = [
  [1, 12],
  [21, 32],
  [61, 72],
  [80, 80],
];

const WEIGHTS = [3, 7, 1];

/** An ABA routing number: nine digits, a prefix that exists, and the check digit (weights 3, 7, 1; modulus 10). */
export function checkRoutingNumber(digits: Uint8Array): CaptureError | null {
  if (digits.length !== ROUTING_NUMBER_LENGTH || !allDigits(digits)) return 'invalid-bank-routing-number';
  const prefix = numberAt(digits, 0, 2);
  const sum = digits.reduce((total, code, at) => total + (code - 48) * (WEIGHTS[at % 3] ?? 0), 0);
  const known = PREFIXES.some(([from, to]) => prefix >= from && prefix <= to);
  return known && sum % 10 === 0 ? null : 'invalid-bank-routing-number';
}

/** Account numbers have no check digit that all banks share. */
export function checkAccountNumber(digits: Uint8Array, min: number, max: number): CaptureError | null {
  const fits = digits.length >= min && digits.length <= max && allDigits(digits);
  return fits ? null : 'invalid-bank-account-number';
}
