import { prefix } from './ascii.js';

export type CardBrand =
  | 'visa'
  | 'mastercard'
  | 'amex'
  | 'discover'
  | 'diners'
  | 'jcb'
  | 'unionpay'
  | 'maestro';

interface BrandRange {
  readonly brand: CardBrand;
  /** Leading digits that the range is written with. */
  readonly digits: number;
  readonly from: number;
  readonly to: number;
}

function range(brand: CardBrand, from: number, to = from): BrandRange {
  return { brand, digits: String(from).length, from, to };
}

/**
 * Issuer identification ranges (ISO/IEC 7812-1) as the networks publish them; compared with the table of
 * Wikipedia, "Payment card number", and the Mastercard BIN expansion to 222100-272099. 622126-622925 is
 * shared by Discover and UnionPay and counts as UnionPay, who issue the cards.
 */
const RANGES: readonly BrandRange[] = [
  range('visa', 4),
  range('mastercard', 51, 55),
  range('mastercard', 2221, 2720),
  range('amex', 34),
  range('amex', 37),
  range('discover', 6011),
  range('discover', 644, 649),
  range('discover', 65),
  range('diners', 300, 305),
  range('diners', 3095),
  range('diners', 36),
  range('diners', 38, 39),
  range('jcb', 3528, 3589),
  range('unionpay', 62),
  range('maestro', 50),
  range('maestro', 56, 58),
  range('maestro', 6304),
  range('maestro', 6390),
  range('maestro', 67),
];

/** Lengths of a card number by brand, shortest first. */
const LENGTHS: Readonly<Record<CardBrand, readonly number[]>> = {
  visa: [13, 16, 19],
  mastercard: [16],
  amex: [15],
  discover: [16, 17, 18, 19],
  diners: [14, 15, 16, 17, 18, 19],
  jcb: [16, 17, 18, 19],
  unionpay: [16, 17, 18, 19],
  maestro: [12, 13, 14, 15, 16, 17, 18, 19],
};

/** ISO/IEC 7812-1: a number has 19 digits at most. */
const LONGEST = 19;

/** The brand of a whole or growing card number; null while, or because, no range fits. */
export function brandOf(digits: Uint8Array): CardBrand | null {
  const found = RANGES.find((candidate) => {
    if (digits.length < candidate.digits) return false;
    const start = prefix(digits, candidate.digits);
    return start >= candidate.from && start <= candidate.to;
  });
  return found?.brand ?? null;
}

/** True when numbers of the brand have this many digits. */
export function brandHasLength(brand: CardBrand, length: number): boolean {
  return LENGTHS[brand].includes(length);
}

/** The most digits a number that begins so can have. */
export function longestNumber(digits: Uint8Array): number {
  const brand = brandOf(digits);
  return brand === null ? LONGEST : (LENGTHS[brand].at(-1) ?? LONGEST);
}

/** Digits of the security code: 4 on the front of an American Express card, 3 on all others. */
export function securityCodeLength(brand: CardBrand): number {
  return brand === 'amex' ? 4 : 3;
}
