import type { SecureValue } from '../secure/secure-value.js';

/** The secure inputs of a charge, as a gateway's answer is compared with them. */
export type KeyedCard = ReadonlyMap<string, SecureValue>;

const ZERO = 0x30;
const NINE = 0x39;
const MASK = 0x31;

const isDigit = (code: number): boolean => code >= ZERO && code <= NINE;

/** Characters that people and programs put between groups of a card number: space, hyphen, dot. */
const isSeparator = (code: number): boolean => code === 0x20 || code === 0x2d || code === 0x2e;

/** Where `digits` end in `bytes` when they begin at `start`, separators allowed between them; -1 when not there. */
function endOfMatch(bytes: Uint8Array, start: number, digits: Uint8Array): number {
  let at = start;
  for (let i = 0; i < digits.length; i += 1) {
    while (i > 0 && isSeparator(bytes[at] ?? 0)) at += 1;
    if (bytes[at] !== digits[i]) return -1;
    at += 1;
  }
  return at;
}

/**
 * Overwrites each echo of the keyed card number with ones, in place, before the answer becomes a string:
 * strings cannot be zeroed. The JSON around it stays valid.
 */
export function maskEchoes(bytes: Uint8Array, card: KeyedCard): void {
  card.get('cardNumber')?.use('data-action', (digits) => {
    for (let start = 0; start + digits.length <= bytes.length; start += 1) {
      const end = endOfMatch(bytes, start, digits);
      for (let i = start; i < end; i += 1) if (isDigit(bytes[i] ?? 0)) bytes[i] = MASK;
    }
  });
}

/** The digits of a text as ASCII codes, everything else left out. */
function digitsOf(text: string): number[] {
  const codes: number[] = [];
  for (const char of text.normalize('NFKC')) {
    const code = char.charCodeAt(0);
    if (isDigit(code)) codes.push(code);
  }
  return codes;
}

function contains(
  codes: readonly number[],
  wanted: (i: number) => number | undefined,
  length: number,
): boolean {
  for (let start = 0; start + length <= codes.length; start += 1) {
    let same = 0;
    while (same < length && codes[start + same] === wanted(same)) same += 1;
    if (same === length) return true;
  }
  return false;
}

/** True when the digits of a text, whatever stands between them, hold the keyed card number, or its mask. */
export function showsCardNumber(text: string, card: KeyedCard): boolean {
  const codes = digitsOf(text);
  const number = card.get('cardNumber');
  if (number === undefined) return false;
  return number.use(
    'data-action',
    (digits) =>
      contains(codes, (i) => digits[i], digits.length) || contains(codes, () => MASK, digits.length),
  );
}

/**
 * True when one run of digits in the text is the keyed security code, or all digits of it together are.
 * A run that merely contains it is not meant: one confirmation number in a hundred does so by chance.
 */
export function showsSecurityCode(text: string, card: KeyedCard): boolean {
  const code = card.get('securityCode');
  if (code === undefined) return false;
  const runs = [
    ...text
      .normalize('NFKC')
      .split(/[^0-9]+/)
      .map(digitsOf),
    digitsOf(text),
  ];
  return code.use('data-action', (digits) =>
    runs.some((run) => run.length === digits.length && contains(run, (i) => digits[i], digits.length)),
  );
}
