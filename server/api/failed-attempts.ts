/** Failures from one address before it is locked, and for how long (PCI DSS 8.3.4). */
export const ATTEMPTS = 10;
export const LOCK_MS = 30 * 60_000;

/** Most addresses remembered; the one that failed longest ago is forgotten first. */
const REMEMBERED = 10_000;

interface Address {
  failures: number;
  /** Failures count until then; with all attempts used, the address is locked until then. */
  until: number;
  /** Tokens that were right before the address was locked: their owners cannot be locked out by a neighbour. */
  readonly proven: Set<string>;
}

/** Counts failed authentications by address. Times in ms of the clock passed in. */
export class FailedAttempts {
  readonly #now: () => number;
  readonly #addresses = new Map<string, Address>();

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** How long the address stays locked, in ms; 0 when it is not. */
  lockedFor(address: string): number {
    const known = this.#addresses.get(address);
    return known !== undefined && known.failures >= ATTEMPTS ? Math.max(0, known.until - this.#now()) : 0;
  }

  failed(address: string): void {
    const known = this.#current(address);
    known.failures += 1;
    known.until = this.#now() + LOCK_MS;
    this.#remember(address, known);
  }

  succeeded(address: string, token: string): void {
    const known = this.#current(address);
    if (known.proven.has(token)) return;
    known.proven.add(token);
    this.#remember(address, known);
  }

  /** Whether this token was right at this address before. */
  proven(address: string, token: string): boolean {
    return this.#addresses.get(address)?.proven.has(token) ?? false;
  }

  #current(address: string): Address {
    const known = this.#addresses.get(address) ?? { failures: 0, until: 0, proven: new Set<string>() };
    if (known.until <= this.#now()) known.failures = 0;
    return known;
  }

  #remember(address: string, known: Address): void {
    this.#addresses.delete(address);
    this.#addresses.set(address, known);
    const [oldest] = this.#addresses.keys();
    if (this.#addresses.size > REMEMBERED && oldest !== undefined) this.#addresses.delete(oldest);
  }
}
