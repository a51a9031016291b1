import type { Cancel, SipClock } from './clock.js';

/** What late copies of a request need once its server transaction has nothing else to do. */
export interface Spent {
  readonly key: string;
  readonly mergeKey: string | undefined;
  /** Sent again for each copy, one character per byte; null: copies are absorbed in silence. */
  readonly answer: string | null;
}

interface Kept extends Spent {
  readonly until: number;
}

/** Many may end in one millisecond after the other: the next ones are waited for. */
const GRAIN_MS = 500;

/**
 * Server transactions in their last state (Completed of RFC 3261 section 17.2.2, Confirmed of section 17.2.1): at a
 * hundred calls a second there are thousands, each for 32 s, so each is kept as two or three strings, without a timer
 * of its own. Each stays at least as long as was asked, and at most half a second longer.
 */
export class SpentTransactions {
  readonly #clock: SipClock;
  /** By how long they are kept: within each, the first to go comes first. */
  readonly #byLifetime = new Map<number, Map<string, Kept>>();
  readonly #merges = new Set<string>();
  #timer: Cancel | null = null;
  /** When the timer fires. */
  #due = Number.POSITIVE_INFINITY;

  constructor(clock: SipClock) {
    this.#clock = clock;
  }

  get size(): number {
    let size = 0;
    for (const kept of this.#byLifetime.values()) size += kept.size;
    return size;
  }

  get(key: string): Spent | undefined {
    for (const kept of this.#byLifetime.values()) {
      const found = kept.get(key);
      if (found) return found;
    }
    return undefined;
  }

  merged(mergeKey: string): boolean {
    return this.#merges.has(mergeKey);
  }

  add(spent: Spent, lifetimeMs: number): void {
    const kept = this.#byLifetime.get(lifetimeMs) ?? new Map<string, Kept>();
    this.#byLifetime.set(lifetimeMs, kept);
    const { key, mergeKey, answer } = spent;
    const now = this.#clock.now();
    const until = now + lifetimeMs;
    kept.set(key, { key, mergeKey, answer, until });
    if (mergeKey !== undefined) this.#merges.add(mergeKey);
    if (until < this.#due) this.#purgeAfter(lifetimeMs, now);
  }

  clear(): void {
    this.#timer?.();
    this.#due = Number.POSITIVE_INFINITY;
    this.#byLifetime.clear();
    this.#merges.clear();
  }

  #purgeAfter(ms: number, now: number): void {
    this.#timer?.();
    this.#due = now + ms;
    this.#timer = this.#clock.after(ms, this.#purge);
  }

  readonly #purge = (): void => {
    const now = this.#clock.now();
    let next = Number.POSITIVE_INFINITY;
    for (const kept of this.#byLifetime.values()) {
      for (const { key, mergeKey, until } of kept.values()) {
        if (until > now) {
          next = Math.min(next, until);
          break;
        }
        kept.delete(key);
        if (mergeKey !== undefined) this.#merges.delete(mergeKey);
      }
    }
    if (next < Number.POSITIVE_INFINITY) this.#purgeAfter(Math.max(GRAIN_MS, next - now), now);
    else this.#due = next;
  };
}
