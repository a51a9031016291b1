import type { SecureValue } from '../secure/secure-value.js';

type SecureInputs = ReadonlyMap<string, SecureValue>;

/** Digits allowed in each secure input, fewest and most. ISO/IEC 7812-1: a card number has at most 19. */
const LENGTHS: Readonly<Record<string, readonly [number, number]>> = {
  cardNumber: [12, 19],
  expiry: [4, 4],
  securityCode: [3, 4],
  postalCode: [1, 12],
};

const CARD_PART_MAX = 192;

const isDigits = (digits: Uint8Array): boolean => digits.every((code) => code >= 0x30 && code <= 0x39);

/**
 * Why these inputs cannot be charged, or null. Checked before a connector sends anything: then nothing
 * was charged.
 */
export function cardProblem(secure: SecureInputs): string | null {
  if (!secure.has('cardNumber')) return 'card-number-missing';
  for (const [name, value] of secure) {
    const range = LENGTHS[name];
    if (range === undefined) return 'unknown-secure-input';
    if (value.wiped) return 'card-data-gone';
    const [min, max] = range;
    if (value.length < min || value.length > max) return 'bad-card-data';
    if (!value.use('data-action', isDigits)) return 'bad-card-data';
  }
  return null;
}

/** Writes ASCII literals and keyed digits one after the other, never by way of a string of digits. */
class ByteWriter {
  // An ArrayBuffer of its own lies outside the JavaScript heap: the garbage collector never moves it,
  // so no copy is left behind when it is zeroed.
  readonly #bytes = Buffer.from(new ArrayBuffer(CARD_PART_MAX));
  #length = 0;

  text(literal: string): void {
    this.#length += this.#bytes.write(literal, this.#length, 'latin1');
  }

  digits(value: SecureValue, from = 0, to = value.length): void {
    value.use('data-action', (digits) => {
      for (let i = from; i < to; i += 1) {
        this.#bytes[this.#length] = digits[i] ?? 0;
        this.#length += 1;
      }
    });
  }

  written(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
}

/**
 * The end of the request body, `"card":{...}}`, in memory of its own, which the caller zeroes. The inputs
 * passed {@link cardProblem}. Throws when they were wiped in the meantime.
 */
export function cardPart(secure: SecureInputs): Buffer {
  const out = new ByteWriter();
  const number = secure.get('cardNumber');
  if (number === undefined) throw new Error('no card number among the secure inputs');
  out.text('"card":{"number":"');
  out.digits(number);
  const expiry = secure.get('expiry');
  if (expiry !== undefined) {
    out.text('","expiry":{"month":"');
    out.digits(expiry, 0, 2);
    out.text('","year":"20');
    out.digits(expiry, 2);
    out.text('"}');
  } else out.text('"');
  for (const name of ['securityCode', 'postalCode'] as const) {
    const value = secure.get(name);
    if (value === undefined) continue;
    out.text(`,"${name}":"`);
    out.digits(value);
    out.text('"');
  }
  out.text('}}');
  return out.written();
}
