import { inspect } from 'node:util';

/** The only places that may look at keyed digits (DESIGN.md section 2, rule 4). */
export type Sink = 'field-check' | 'data-action' | 'bot-turn' | 'extract';

const SHOWN = '[secure]';

let live = 0;

/** How many secure values hold memory that is not zeroed yet: tests and /metrics expect 0 when no session runs. */
export function liveSecureValues(): number {
  return live;
}

/**
 * Keyed digits as ASCII codes in memory of their own (never Node's shared buffer pool), which every way
 * of printing shows as `[secure]`, and which is zeroed by {@link wipe}. Holds at most `capacity` digits.
 */
export class SecureValue {
  readonly #bytes: Buffer;
  #length = 0;
  #wiped = false;

  constructor(capacity = 32) {
    // An ArrayBuffer given by hand lies outside the JavaScript heap. Buffer.alloc puts up to 64 bytes on it,
    // where the garbage collector moves them and leaves the old copy behind, out of reach of wipe().
    this.#bytes = Buffer.from(new ArrayBuffer(capacity));
    live += 1;
  }

  get length(): number {
    return this.#length;
  }

  get wiped(): boolean {
    return this.#wiped;
  }

  /** Adds one key. Returns false, and keeps nothing, when full or wiped. */
  append(code: number): boolean {
    if (this.#wiped || this.#length === this.#bytes.length) return false;
    this.#bytes[this.#length] = code;
    this.#length += 1;
    return true;
  }

  /** Zeroes the digits; the value can be filled again. */
  clear(): void {
    this.#bytes.fill(0);
    this.#length = 0;
  }

  /**
   * Shows the digits to a named sink. The view is the value's own memory: the sink must not keep it,
   * copy it into a string, or return it. Throws when the value was wiped.
   */
  use<T>(_sink: Sink, look: (digits: Uint8Array) => T): T {
    if (this.#wiped) throw new Error('the secure value was wiped');
    return look(this.#bytes.subarray(0, this.#length));
  }

  /** Zeroes the memory for good. Idempotent. */
  wipe(): void {
    if (this.#wiped) return;
    this.clear();
    this.#wiped = true;
    live -= 1;
  }

  toString(): string {
    return SHOWN;
  }

  toJSON(): string {
    return SHOWN;
  }

  [Symbol.toPrimitive](): string {
    return SHOWN;
  }

  [inspect.custom](): string {
    return SHOWN;
  }
}
