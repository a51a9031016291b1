import type { SipClock } from './clock.js';
import type { FloodLimit } from './options.js';

interface Bucket {
  tokens: number;
  filledAt: number;
  refusing: boolean;
}

/** Addresses remembered at once. Beyond it the oldest is forgotten, which costs accuracy, not memory. */
const MOST_ADDRESSES = 10_000;

/** One token bucket for each source address. */
export class RateLimiter {
  readonly #limit: FloodLimit;
  readonly #clock: SipClock;
  readonly #buckets = new Map<string, Bucket>();

  constructor(limit: FloodLimit, clock: SipClock) {
    this.#limit = limit;
    this.#clock = clock;
  }

  /** Takes one token of the address; false when it has none left, and `onFlood` is told once until it has again. */
  admits(address: string, onFlood: () => void = () => {}): boolean {
    const { requestsPerSecond, burst } = this.#limit;
    if (requestsPerSecond <= 0) return true;
    const now = this.#clock.now();
    const bucket = this.#buckets.get(address) ?? this.#add(address, now);
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.filledAt) * requestsPerSecond) / 1000);
    bucket.filledAt = now;
    const admitted = bucket.tokens >= 1;
    if (admitted) bucket.tokens--;
    else if (!bucket.refusing) onFlood();
    bucket.refusing = !admitted;
    return admitted;
  }

  #add(address: string, now: number): Bucket {
    if (this.#buckets.size >= MOST_ADDRESSES) {
      const oldest = this.#buckets.keys().next();
      if (!oldest.done) this.#buckets.delete(oldest.value);
    }
    const bucket = { tokens: this.#limit.burst, filledAt: now, refusing: false };
    this.#buckets.set(address, bucket);
    return bucket;
  }
}
