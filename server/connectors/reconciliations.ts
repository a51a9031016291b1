import { type ConnectorClock, rest } from './clock.js';
import type { Reconciled } from './connector.js';

/** Charges that are asked after at once; more are given up, with a notice. */
const MOST = 1000;

export interface ReconciliationsOptions {
  readonly everyMs: number;
  readonly forMs: number;
  readonly clock: ConnectorClock;
  /** Asks once. Null: no verdict yet. Never rejects, and never charges. */
  readonly lookUp: (idempotencyKey: string, signal: AbortSignal) => Promise<'approved' | 'declined' | null>;
  /** Told of a charge that stays open. */
  readonly onOpen: (idempotencyKey: string, reason: 'too-many' | 'closed' | 'no-verdict') => void;
}

/**
 * Asks a gateway, in the background, what became of charges in doubt. It has their idempotency keys and nothing that was
 * keyed. Bounded in number and time; {@link close} ends what is under way as `unknown`.
 */
export class Reconciliations {
  readonly #options: ReconciliationsOptions;
  readonly #ended = new AbortController();
  readonly #open = new Set<Promise<Reconciled>>();

  constructor(options: ReconciliationsOptions) {
    this.#options = options;
  }

  /** Never rejects. */
  begin(idempotencyKey: string): Promise<Reconciled> {
    if (this.#open.size >= MOST) return Promise.resolve(this.#giveUp(idempotencyKey, 'too-many'));
    const asking = this.#ask(idempotencyKey).finally(() => this.#open.delete(asking));
    this.#open.add(asking);
    return asking;
  }

  async close(): Promise<void> {
    this.#ended.abort();
    await Promise.all(this.#open);
  }

  async #ask(key: string): Promise<Reconciled> {
    const { everyMs, forMs, clock, lookUp } = this.#options;
    const { signal } = this.#ended;
    const until = clock.now() + forMs;
    for (;;) {
      await rest(clock, everyMs, signal);
      const verdict = signal.aborted ? null : await lookUp(key, signal);
      if (verdict !== null) return verdict;
      if (signal.aborted) return this.#giveUp(key, 'closed');
      if (clock.now() + everyMs > until) return this.#giveUp(key, 'no-verdict');
    }
  }

  #giveUp(key: string, reason: 'too-many' | 'closed' | 'no-verdict'): Reconciled {
    this.#options.onOpen(key, reason);
    return 'unknown';
  }
}
