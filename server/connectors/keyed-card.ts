import type { SecureValue } from '../secure/secure-value.js';

type SecureInputs = ReadonlyMap<string, SecureValue>;

/** What a gateway's answer is compared with. */
export interface KeyedCard {
  readonly secure: SecureInputs;
  /** The answer held the security code, which {@link maskEchoes} replaced by ones. */
  readonly codeMasked: boolean;
}

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

/** Overwrites each run of digits that is exactly `digits`; says whether there was one. */
function maskRuns(bytes: Uint8Array, digits: Uint8Array): boolean {
  let masked = false;
  let start = 0;
  for (let at = 0; at <= bytes.length; at += 1) {
    if (isDigit(bytes[at] ?? 0)) continue;
    const run = bytes.subarray(start, at);
    if (run.length === digits.length && run.every((code, i) => code === digits[i])) {
      run.fill(MASK);
      masked = true;
    }
    start = at + 1;
  }
  return masked;
}

/**
 * Overwrites each echo of the keyed card number and security code with ones, in place, before the answer
 * becomes a string: strings cannot be zeroed. JSON stays valid. Says whether a security code was masked.
 */
export function maskEchoes(bytes: Uint8Array, secure: SecureInputs): boolean {
  secure.get('cardNumber')?.use('data-action', (digits) => {
    for (let start = 0; start + digits.length <= bytes.length; start += 1) {
      const end = endOfMatch(bytes, start, digits);
      for (let i = start; i < end; i += 1) if (isDigit(bytes[i] ?? 0)) bytes[i] = MASK;
    }
  });
  return secure.get('securityCode')?.use('data-action', (digits) => maskRuns(bytes, digits)) ?? false;
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

type DigitAt = (i: number) => number | undefined;

const ones: DigitAt = () => MASK;

function contains(codes: readonly number[], wanted: DigitAt, length: number): boolean {
  for (let start = 0; start + length <= codes.length; start += 1) {
    let same = 0;
    while (same < length && codes[start + same] === wanted(same)) same += 1;
    if (same === length) return true;
  }
  return false;
}

/** True when the digits of a text, whatever stands between them, hold the keyed card number, or its mask. */
export function showsCardNumber(text: string, card: KeyedCard): boolean {
  const number = card.secure.get('cardNumber');
  if (number === undefined) return false;
  const codes = digitsOf(text);
  return number.use(
    'data-action',
    (digits) => contains(codes, (i) => digits[i], digits.length) || contains(codes, ones, digits.length),
  );
}

/**
 * True when one run of digits in the text is the keyed security code, or its mask, or all digits of the text
 * together are. A run that merely contains it is not meant: of confirmation numbers of ten digits, one in a
 * hundred and twenty-five contains a given code by chance.
 */
export function showsSecurityCode(text: string, { secure, codeMasked }: KeyedCard): boolean {
  const code = secure.get('securityCode');
  if (code === undefined) return false;
  const runs = [
    ...text
      .normalize('NFKC')
      .split(/[^0-9]+/)
      .map(digitsOf),
    digitsOf(text),
  ];
  return code.use('data-action', (digits) =>
    runs.some(
      (run) =>
        run.length === digits.length &&
        (contains(run, (i) => digits[i], run.length) || (codeMasked && contains(run, ones, run.length))),
    ),
  );
}
