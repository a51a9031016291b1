import type { Calls } from './calls.js';

const CHECK_EVERY_MS = 5000;

/**
 * Ends calls whose customer has sent no RTP for too long: the far end is gone without a BYE. Legs on hold are
 * spared, as they may send nothing.
 */
export class MediaWatch {
  readonly #calls: Calls;
  readonly #silenceMs: number;
  #timer: NodeJS.Timeout | undefined;

  /** `silenceMs` 0 turns the watch off. */
  constructor(calls: Calls, silenceMs: number) {
    this.#calls = calls;
    this.#silenceMs = silenceMs;
  }

  start(): void {
    if (this.#silenceMs === 0) return;
    this.#timer = setInterval(() => void this.#calls.endSilent(this.#silenceMs), CHECK_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
