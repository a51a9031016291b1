import type { DigitEvent, EndpointState } from '../../media/endpoint.js';

/** The customer's endpoint as the guard needs it. */
interface Keys {
  onDigit(listener: (digit: DigitEvent) => void): () => void;
  state(): Promise<Pick<EndpointState, 'keyDown'>>;
}

/**
 * Resolves when the customer has pressed no key for `quietMs` and holds none down (DESIGN.md section 2, rule 6);
 * every key in between is swallowed and starts the wait anew. Resolves at once when `gone` aborts: there is no
 * audio left to keep back. There is no time-out: a caller who keeps pressing keys stays shielded.
 */
export async function leavingGuard(keys: Keys, quietMs: number, gone: AbortSignal): Promise<void> {
  const swallow = new QuietTimer(quietMs);
  const stop = keys.onDigit(() => swallow.restart());
  gone.addEventListener('abort', swallow.finish);
  try {
    if (gone.aborted) return;
    do {
      swallow.restart();
      await swallow.quiet();
    } while (!gone.aborted && (await keys.state()).keyDown);
  } finally {
    swallow.finish();
    stop();
    gone.removeEventListener('abort', swallow.finish);
  }
}

class QuietTimer {
  readonly #ms: number;
  #timer: NodeJS.Timeout | undefined;
  #resolve: () => void = () => {};
  #finished = false;

  constructor(ms: number) {
    this.#ms = ms;
  }

  quiet(): Promise<void> {
    if (this.#finished) return Promise.resolve();
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  restart(): void {
    if (this.#finished) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#resolve(), this.#ms);
  }

  readonly finish = (): void => {
    this.#finished = true;
    clearTimeout(this.#timer);
    this.#resolve();
  };
}
