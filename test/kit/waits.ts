import { DeadlineError } from './deadline.js';
import type { Heard } from './heard.js';
import { SAMPLES_PER_MS } from './sounds.js';
import { hasTone, level } from './spectrum.js';

type Settle<T> = (resolve: (value: T) => void, reject: (why: Error) => void) => () => void;

/** Waiting for something to be heard: each wait ends by what arrives, by its deadline, or when the phone closes. */
export class Waits {
  readonly #heard: Heard;
  readonly #abandon = new Set<(why: Error) => void>();
  #closed = false;

  constructor(heard: Heard) {
    this.#heard = heard;
  }

  /**
   * Runs `start`, which settles the promise and returns its own clean-up. Rejects with
   * {@link DeadlineError} after `ms` (Infinity: never), and when the phone closes.
   */
  async guard<T>(start: Settle<T>, ms: number, what: string): Promise<T> {
    if (this.#closed) throw new Error(`${what}: the phone has closed`);
    let cleanUp = () => {};
    let timer: NodeJS.Timeout | undefined;
    let abandon: (why: Error) => void = () => {};
    try {
      return await new Promise<T>((resolve, reject) => {
        abandon = reject;
        this.#abandon.add(reject);
        if (ms !== Infinity) timer = setTimeout(() => reject(new DeadlineError(what, ms)), ms);
        cleanUp = start(resolve, reject);
      });
    } finally {
      clearTimeout(timer);
      this.#abandon.delete(abandon);
      cleanUp();
    }
  }

  /** Resolves with the time when `condition` held; looked at now and at each packet or digit that comes in. */
  until(condition: () => boolean, ms: number, what: string): Promise<number> {
    return this.guard<number>(
      (resolve) => {
        const check = () => {
          if (condition()) resolve(performance.now());
        };
        const stop = this.#heard.onChange(check);
        check();
        return stop;
      },
      ms,
      what,
    );
  }

  /** Resolves when nothing at or above `threshold` dBFS came for `quietMs`. No packets at all is silence too. */
  silence(quietMs: number, ms: number, threshold: number): Promise<void> {
    return this.guard<void>(
      (resolve) => {
        let quiet = setTimeout(resolve, quietMs);
        const fresh = this.#reader();
        const stop = this.#heard.onChange(() => {
          if (!fresh().some((pcm) => level(pcm) >= threshold)) return;
          clearTimeout(quiet);
          quiet = setTimeout(resolve, quietMs);
        });
        return () => {
          clearTimeout(quiet);
          stop();
        };
      },
      ms,
      `${quietMs} ms of silence`,
    );
  }

  /** Resolves with the time when `minMs` of audio, or of the frequency `hz`, had come since the call of this. */
  audio(minMs: number, ms: number, threshold: number, hz?: number): Promise<number> {
    const fresh = this.#reader();
    let samples = 0;
    return this.until(
      () => {
        for (const pcm of fresh()) {
          const matches = hz === undefined ? level(pcm) >= threshold : hasTone(pcm, hz, threshold);
          if (matches) samples += pcm.length;
        }
        return samples >= minMs * SAMPLES_PER_MS;
      },
      ms,
      `${minMs} ms of ${hz === undefined ? 'audio' : `${hz} Hz`}`,
    );
  }

  /** Resolves after `ms`. */
  pause(ms: number): Promise<void> {
    return this.guard<void>(
      (resolve) => {
        const timer = setTimeout(resolve, ms);
        return () => clearTimeout(timer);
      },
      Infinity,
      'a pause',
    );
  }

  close(): void {
    this.#closed = true;
    for (const reject of [...this.#abandon]) reject(new Error('the phone has closed'));
  }

  /** Gives the audio that came since it was asked last. */
  #reader(): () => Int16Array[] {
    let seen = this.#heard.packets.length;
    return () => {
      const fresh = this.#heard.packets.slice(seen);
      seen = this.#heard.packets.length;
      return fresh.flatMap(({ pcm }) => (pcm ? [pcm] : []));
    };
  }
}
