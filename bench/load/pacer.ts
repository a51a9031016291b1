import type { Histogram } from '../statistics.js';

export interface Paced {
  /** Sends one packet; called once each 20 ms. */
  tick(): void;
}

/** Between two packets of a stream. */
export const PERIOD_MS = 20;
const PHASES = 4;

/** One timer that ticks everything each 20 ms, a quarter each 5 ms, corrected for drift. */
export class Pacer {
  readonly #phases: Set<Paced>[] = Array.from({ length: PHASES }, () => new Set());
  readonly #lateness: Histogram;
  #turn = 0;
  #due = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(lateness: Histogram) {
    this.#lateness = lateness;
  }

  add(paced: Paced): void {
    const emptiest = this.#phases.reduce((best, phase) => (phase.size < best.size ? phase : best));
    emptiest.add(paced);
    if (this.#timer) return;
    this.#due = performance.now() + 1;
    this.#timer = setTimeout(this.#fire, 1);
  }

  remove(paced: Paced): void {
    for (const phase of this.#phases) phase.delete(paced);
    if (this.#timer === null || this.#phases.some(({ size }) => size > 0)) return;
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  readonly #fire = (): void => {
    const step = PERIOD_MS / PHASES;
    while (this.#due <= performance.now()) {
      for (const paced of this.#phases[this.#turn] ?? []) paced.tick();
      this.#lateness.add(performance.now() - this.#due);
      this.#turn = (this.#turn + 1) % PHASES;
      this.#due += step;
    }
    this.#timer = setTimeout(this.#fire, Math.max(1, Math.ceil(this.#due - performance.now())));
  };
}
