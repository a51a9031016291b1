/** Even UDP ports for RTP; the odd one above each belongs to its RTCP (RFC 3550 section 11). */
export interface PortPoolOptions {
  /** First and last port of the range, both included. */
  readonly from: number;
  readonly to: number;
  /** How long a given-up port stays unused, in ms, so that late packets of one call never reach the next. */
  readonly drainMs: number;
  /** 0 (included) to 1 (excluded); decides where the search for a free port starts. */
  readonly random: () => number;
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number;
}

const FREE = 0;
const TAKEN = -1;

export class PortPool {
  readonly #options: PortPoolOptions;
  readonly #first: number;
  /** Per port: free, taken, or the time until which it drains. */
  readonly #state: Float64Array;
  #taken = 0;

  constructor(options: PortPoolOptions) {
    this.#options = options;
    this.#first = options.from + (options.from % 2);
    this.#state = new Float64Array(Math.max(0, Math.floor((options.to - this.#first) / 2) + 1));
  }

  /** How many ports the range has. */
  get size(): number {
    return this.#state.length;
  }

  get taken(): number {
    return this.#taken;
  }

  get draining(): number {
    const now = this.#options.now();
    return this.#state.reduce((count, until) => (until > now ? count + 1 : count), 0);
  }

  /** A free port, or null when all are taken or draining. */
  take(): number | null {
    const size = this.#state.length;
    const now = this.#options.now();
    const begin = Math.floor(this.#options.random() * size);
    for (let i = 0; i < size; i += 1) {
      const index = (begin + i) % size;
      const state = this.#state[index] ?? TAKEN;
      if (state !== TAKEN && state <= now) {
        this.#state[index] = TAKEN;
        this.#taken += 1;
        return this.#first + 2 * index;
      }
    }
    return null;
  }

  /** Gives a port up; it drains first. */
  release(port: number): void {
    const index = (port - this.#first) / 2;
    if (this.#state[index] !== TAKEN) return;
    const until = this.#options.now() + this.#options.drainMs;
    this.#state[index] = this.#options.drainMs > 0 ? until : FREE;
    this.#taken -= 1;
  }
}
