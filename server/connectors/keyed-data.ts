import type { SecureValue } from '../secure/secure-value.js';

type SecureInputs = ReadonlyMap<string, SecureValue>;

/** Inputs that no answer may bring back. A routing number is public, the rest identifies nobody. */
const SECRETS = ['cardNumber', 'accountNumber', 'securityCode'] as const;
export type Secret = (typeof SECRETS)[number];

/**
 * Shorter ones turn up by chance inside other numbers: of confirmation numbers of ten digits, one in a hundred and
 * twenty-five contains a given security code. They are looked for as numbers of their own.
 */
const SHORTEST_INSIDE = 8;

/** What a gateway's answer is compared with. */
export interface KeyedData {
  readonly secure: SecureInputs;
  /** The answer held a short secret, which {@link maskEchoes} replaced by ones. */
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

/** Overwrites the digits wherever they are, separators among them or not. */
function maskInside(bytes: Uint8Array, digits: Uint8Array): void {
  for (let start = 0; start + digits.length <= bytes.length; start += 1) {
    const end = endOfMatch(bytes, start, digits);
    for (let i = start; i < end; i += 1) if (isDigit(bytes[i] ?? 0)) bytes[i] = MASK;
  }
}

/**
 * Overwrites each echo of what was keyed in secret with ones, in place, before the answer becomes a string: strings
 * cannot be zeroed. JSON stays valid. Says whether a short one was masked.
 */
export function maskEchoes(bytes: Uint8Array, secure: SecureInputs): boolean {
  let codeMasked = false;
  for (const name of SECRETS) {
    secure.get(name)?.use('data-action', (digits) => {
      if (digits.length >= SHORTEST_INSIDE) maskInside(bytes, digits);
      else codeMasked = maskRuns(bytes, digits) || codeMasked;
    });
  }
  return codeMasked;
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

/** The digits of a text, whatever stands between them, hold a secret, or its mask. */
function isInside(text: string, digits: Uint8Array): boolean {
  const codes = digitsOf(text);
  return contains(codes, (i) => digits[i], digits.length) || contains(codes, ones, digits.length);
}

/** One run of digits in the text is a secret, or its mask, or all digits of the text together are. */
function isRun(text: string, digits: Uint8Array, codeMasked: boolean): boolean {
  const parts = text.normalize('NFKC').split(/[^0-9]+/);
  const runs = [...parts.map(digitsOf), digitsOf(text)].filter((run) => run.length === digits.length);
  return runs.some(
    (run) => contains(run, (i) => digits[i], run.length) || (codeMasked && contains(run, ones, run.length)),
  );
}

/** What was keyed in secret and shows in a text; null when nothing does. */
export function secretIn(text: string, { secure, codeMasked }: KeyedData): Secret | null {
  const shown = SECRETS.find((name) =>
    secure.get(name)?.use('data-action', (digits) => {
      if (digits.length < SHORTEST_INSIDE) return isRun(text, digits, codeMasked);
      return isInside(text, withoutZeros(digits)) || isInside(text, digits);
    }),
  );
  return shown ?? null;
}

/** As a JSON number would show it. */
function withoutZeros(digits: Uint8Array): Uint8Array {
  const first = digits.findIndex((code) => code !== ZERO);
  return digits.length - first >= SHORTEST_INSIDE ? digits.subarray(Math.max(0, first)) : digits;
}
