import type { Cancel, SipClock } from './clock.js';
import type { OnReceived, Received } from './flow.js';

/** Handled at once when so many wait, so that no turn of the event loop takes long. */
const MOST_WAITING = 32;
/** An INFO may be a key, and for an answer somebody waits. */
const URGENT = ['INFO ', 'SIP/'].map((start) => Buffer.from(start, 'latin1'));

/**
 * Hands up what arrives. On a busy server a processor finds nothing of the program in its caches when it wakes for a
 * message, and a call costs half as much again: messages that come within `coalesceMs` of the last ones that were
 * handled are handled together at its end, in their order, as a network card coalesces interrupts. After a pause of that
 * length a message is handled at once. An INFO or a response is too, and takes along whatever waits.
 */
export class Intake {
  readonly #clock: SipClock;
  readonly #coalesceMs: number;
  readonly #handle: OnReceived;
  #waiting: Received[] = [];
  #handledAt = Number.NEGATIVE_INFINITY;
  #cancel: Cancel | null = null;
  #closed = false;

  /** `coalesceMs`: 0 hands up everything at once. `handle` never throws. */
  constructor(clock: SipClock, coalesceMs: number, handle: OnReceived) {
    this.#clock = clock;
    this.#coalesceMs = coalesceMs;
    this.#handle = handle;
  }

  take(received: Received): void {
    if (this.#closed) return;
    this.#waiting.push(received);
    const wait = this.#handledAt + this.#coalesceMs - this.#clock.now();
    if (wait <= 0 || this.#waiting.length >= MOST_WAITING || isUrgent(received)) this.#flush();
    else this.#cancel ??= this.#clock.after(wait, () => this.#flush());
  }

  /** Nothing is handed up any more. What waits is forgotten, and its bytes are zeroed: a body may be a card digit. */
  close(): void {
    this.#closed = true;
    this.#cancel?.();
    this.#cancel = null;
    for (const { data } of this.#waiting) data.fill(0);
    this.#waiting = [];
  }

  #flush(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#handledAt = this.#clock.now();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const received of waiting) this.#handle(received);
  }
}

/** Of a broken stream nothing more comes, and it is about to be closed. */
function isUrgent({ data, broken }: Received): boolean {
  return broken || URGENT.some((start) => data.subarray(0, start.length).equals(start));
}
