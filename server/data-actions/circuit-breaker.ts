/** What a call says of the server; `unknown` when it was given up before anything was known. */
export type Health = 'well' | 'failed' | 'unknown';

type State = 'closed' | 'open' | 'probing';

/**
 * Keeps calls from a server that does not answer, so that callers need not wait for it one after the other.
 *
 * ```
 *            `limit` failures in a row              the pause is over
 *   closed ───────────────────────────▶ open ─────────────────────────▶ probing, one call
 *      ▲                                  ▲                               │    │
 *      │                                  └───────── failed, unknown ─────┘    │
 *      └─────────────────────────────────────────────── well ──────────────────┘
 * ```
 */
export class CircuitBreaker {
  readonly #limit: number;
  readonly #pauseMs: number;
  readonly #now: () => number;
  #state: State = 'closed';
  #failures = 0;
  #openUntil = 0;

  /** `now` in ms; it never goes back. */
  constructor(limit: number, pauseMs: number, now: () => number) {
    this.#limit = limit;
    this.#pauseMs = pauseMs;
    this.#now = now;
  }

  /** What to report the call's end to, once; null when it must not be made. */
  enter(): ((health: Health) => void) | null {
    if (this.#state === 'probing') return null;
    if (this.#state === 'closed') return (health) => this.#ended(health);
    if (this.#now() < this.#openUntil) return null;
    this.#state = 'probing';
    return (health) => this.#probed(health);
  }

  #ended(health: Health): void {
    // Calls that began before it opened end later: they neither close it nor make the pause longer.
    if (this.#state !== 'closed' || health === 'unknown') return;
    this.#failures = health === 'well' ? 0 : this.#failures + 1;
    if (this.#failures >= this.#limit) this.#open(this.#pauseMs);
  }

  #probed(health: Health): void {
    // A caller who hung up says nothing of the server: the next call is the probe.
    if (health === 'well') {
      this.#state = 'closed';
      this.#failures = 0;
    } else this.#open(health === 'failed' ? this.#pauseMs : 0);
  }

  #open(pauseMs: number): void {
    this.#state = 'open';
    this.#openUntil = this.#now() + pauseMs;
  }
}
