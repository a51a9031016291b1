import type { SecureValue } from '../secure/secure-value.js';

type SecureInputs = ReadonlyMap<string, SecureValue>;

/** Digits allowed in each secure input, fewest and most. ISO/IEC 7812-1: a card number has at most 19. */
const LENGTHS: Readonly<Record<string, readonly [number, number]>> = {
  cardNumber: [12, 19],
  expiry: [4, 4],
  securityCode: [3, 4],
  postalCode: [1, 12],
  routingNumber: [9, 9],
  accountNumber: [4, 17],
  token: [1, 255],
};

const CARD: readonly string[] = ['cardNumber', 'expiry', 'securityCode', 'postalCode'];
const BANK_ACCOUNT: readonly string[] = ['routingNumber', 'accountNumber'];

const PART_MAX = 320;

const isDigits = (digits: Uint8Array): boolean => digits.every((code) => code >= 0x30 && code <= 0x39);

/**
 * Why these inputs cannot be charged, or null. Checked before a connector sends anything: then nothing
 * was charged.
 */
export function instrumentProblem(secure: SecureInputs): string | null {
  const problem = missing([...secure.keys()]);
  if (problem !== null) return problem;
  for (const [name, value] of secure) {
    const range = LENGTHS[name] ?? [0, 0];
    if (value.wiped) return 'card-data-gone';
    const [min, max] = range;
    if (value.length < min || value.length > max) return 'bad-card-data';
    if (name !== 'token' && !value.use('data-action', isDigits)) return 'bad-card-data';
  }
  return null;
}

/** A card, or a bank account, or a token: never half of one, nor two. */
function missing(names: readonly string[]): string | null {
  if (names.some((name) => LENGTHS[name] === undefined)) return 'unknown-secure-input';
  if (names.includes('token')) return names.length === 1 ? null : 'token-and-card-data';
  if (!names.some((name) => BANK_ACCOUNT.includes(name)))
    return names.includes('cardNumber') ? null : 'card-number-missing';
  if (names.some((name) => CARD.includes(name))) return 'card-and-bank-account';
  return names.length === BANK_ACCOUNT.length ? null : 'bank-account-incomplete';
}

/** Writes ASCII literals and keyed digits one after the other, never by way of a string of digits. */
class ByteWriter {
  // An ArrayBuffer of its own lies outside the JavaScript heap: the garbage collector never moves it,
  // so no copy is left behind when it is zeroed.
  readonly #bytes = Buffer.from(new ArrayBuffer(PART_MAX));
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
 * The end of the request body, `"card":{...}}`, `"bankAccount":{...}}` or `"token":"..."}`, in memory of its own, which the caller zeroes.
 * The inputs passed {@link instrumentProblem}. Throws when they were wiped in the meantime.
 */
export function instrumentPart(secure: SecureInputs): Buffer {
  const out = new ByteWriter();
  const token = secure.get('token');
  if (token !== undefined) {
    out.text('"token":"');
    out.digits(token);
    out.text('"}');
    return out.written();
  }
  const account = secure.get('accountNumber');
  const number = secure.get('cardNumber');
  if (account !== undefined) bankAccount(out, account, secure);
  else if (number !== undefined) card(out, number, secure);
  else throw new Error('neither card nor bank account among the secure inputs');
  out.text('}}');
  return out.written();
}

function bankAccount(out: ByteWriter, account: SecureValue, secure: SecureInputs): void {
  out.text('"bankAccount":{"accountNumber":"');
  out.digits(account);
  out.text('"');
  member(out, 'routingNumber', secure);
}

function card(out: ByteWriter, number: SecureValue, secure: SecureInputs): void {
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
  member(out, 'securityCode', secure);
  member(out, 'postalCode', secure);
}

function member(out: ByteWriter, name: string, secure: SecureInputs): void {
  const value = secure.get(name);
  if (value === undefined) return;
  out.text(`,"${name}":"`);
  out.digits(value);
  out.text('"');
}
