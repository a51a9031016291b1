import type { ConnectorClock } from '../../server/connectors/clock.js';
import { within } from './deadline.js';

interface Timer {
  readonly ms: number;
  readonly at: number;
  readonly fire: () => void;
}

/** Time that passes only when told, for connectors. */
export class GatewayClock implements ConnectorClock {
  readonly #timers = new Set<Timer>();
  readonly #waiting = new Set<() => void>();
  #now: number;

  constructor(now = Date.UTC(2026, 10, 23)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, fire: () => void): () => void {
    const timer = { ms, at: this.#now + ms, fire };
    this.#timers.add(timer);
    for (const look of [...this.#waiting]) look();
    return () => this.#timers.delete(timer);
  }

  /** Timers set and not yet due: 0 when nothing is under way. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Resolves when a timer of exactly `ms` is set. */
  armed(ms: number): Promise<void> {
    const set = new Promise<void>((resolve) => {
      const look = () => {
        if (![...this.#timers].some((timer) => timer.ms === ms)) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
    return within(set, 5000, `a timer of ${ms} ms`);
  }

  /** Lets time pass and fires what is due, in order. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.fire();
    }
    this.#now = until;
  }
}
