import type { DtmfMethod } from '../endpoint.js';

/** The bit by which {@link KeyPresses} knows each method. */
export const METHOD_BIT: Readonly<Record<DtmfMethod, number>> = { rfc4733: 1, 'sip-info': 2, 'in-band': 4 };

/** The same key by two methods this close together is one key press. */
export const SAME_PRESS_MS = 300;
const REMEMBERED = 8;

interface Press {
  code: number;
  startedAt: number;
  endedAt: number;
  /** Bit per method that has reported this press. */
  methods: number;
}

/**
 * Tells a key press from its echo by another method: phones send the same key as RFC 4733, as SIP INFO
 * and as a tone. A press takes in at most one report of each method, so a key pressed twice stays two.
 */
export class KeyPresses {
  /** The latest few; filled as keys come, since most calls have none. */
  readonly #presses: Press[] = [];
  #next = 0;
  #live = 0;

  /** Whether a report of `method` (a bit) for a key that began at `startedAt` would be an echo. */
  isEcho(code: number, method: number, startedAt: number, endedAt: number): boolean {
    return this.#match(code, method, startedAt, endedAt) !== undefined;
  }

  /** Takes a report; true when it is a key press of its own. */
  admit(code: number, method: number, startedAt: number, endedAt: number): boolean {
    const known = this.#match(code, method, startedAt, endedAt);
    if (known) {
      known.methods |= method;
      known.startedAt = Math.min(known.startedAt, startedAt);
      known.endedAt = Math.max(known.endedAt, endedAt);
      return false;
    }
    const at = this.#next++ % REMEMBERED;
    this.#presses[at] ??= { code: 0, startedAt: 0, endedAt: 0, methods: 0 };
    const press = this.#presses[at];
    if (press.methods === 0) this.#live += 1;
    // In place: no copy of an old key stays behind in memory.
    press.code = code;
    press.startedAt = startedAt;
    press.endedAt = endedAt;
    press.methods = method;
    return true;
  }

  /** Forgets keys that can have no echo any more: none stays in memory. */
  expire(now: number): void {
    if (this.#live === 0) return;
    for (const press of this.#presses) {
      if (press.methods === 0 || now - press.endedAt <= SAME_PRESS_MS) continue;
      press.code = 0;
      press.methods = 0;
      this.#live -= 1;
    }
  }

  #match(code: number, method: number, startedAt: number, endedAt: number): Press | undefined {
    return this.#presses.find(
      (press) =>
        press.methods !== 0 &&
        (press.methods & method) === 0 &&
        press.code === code &&
        startedAt - press.endedAt <= SAME_PRESS_MS &&
        press.startedAt - endedAt <= SAME_PRESS_MS,
    );
  }
}
