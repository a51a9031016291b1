import type { PlainValue, Transform } from '../commands.js';
import { brandOf } from './brands.js';

/** Shortest value that may show a part of itself: fewer digits would give away most of it. */
const SHORTEST_SHOWN = 12;
/** Half of an account number may be shown to the one who keyed it. */
const SHORTEST_ACCOUNT_SHOWN = 8;

/**
 * The only functions that return something made of keyed digits (PCI DSS 3.4.1: at most the first six and
 * the last four). `last4` and `bin` of fewer than 12 digits, `accountEnd` of fewer than 8, and `brand` of an unknown one, are
 * empty.
 */
export function transform(name: Transform, digits: Uint8Array): PlainValue {
  switch (name) {
    case 'last4':
      return digits.length < SHORTEST_SHOWN ? '' : ascii(digits.subarray(-4));
    case 'bin':
      return digits.length < SHORTEST_SHOWN ? '' : ascii(digits.subarray(0, 6));
    case 'brand':
      return brandOf(digits) ?? '';
    case 'accountEnd':
      return digits.length < SHORTEST_ACCOUNT_SHOWN ? '' : ascii(digits.subarray(-4));
    case 'length':
      return digits.length;
  }
}

function ascii(digits: Uint8Array): string {
  return String.fromCharCode(...digits);
}
