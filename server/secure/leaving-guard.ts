import type { DigitEvent, EndpointState } from '../../media/endpoint.js';
import { firstOf, pause } from '../abort.js';

/** The customer's endpoint as the guard needs it. */
interface Keys {
  onDigit(listener: (digit: DigitEvent) => void): () => void;
  state(): Promise<Pick<EndpointState, 'keyDown'>>;
}

/** `quiet`: audio may flow again. `gone`: there is nobody left to keep it from. `restless`: the keys never stopped. */
export type Left = 'quiet' | 'gone' | 'restless';

export interface LeavingGuardOptions {
  /** Without a key for so long the customer has finished (DESIGN.md section 2, rule 6: at least 800). */
  readonly quietMs: number;
  /** A caller who keeps pressing keys for so long must not be returned at all. */
  readonly maxMs: number;
  readonly gone: AbortSignal;
}

/**
 * Waits until the customer has pressed no key for `quietMs` and holds none down; every key in between is swallowed
 * and starts the wait anew. Nothing is un-shielded by running out of time: that is `restless`, and the call ends.
 */
export async function leavingGuard(keys: Keys, options: LeavingGuardOptions): Promise<Left> {
  const { quietMs, maxMs, gone } = options;
  const quiet = new QuietTimer(quietMs);
  const stop = keys.onDigit(() => quiet.restart());
  const over = new AbortController();
  void pause(maxMs, firstOf(over.signal, gone)).then(quiet.finish);
  try {
    do {
      quiet.restart();
      await quiet.quiet();
      if (gone.aborted) return 'gone';
      if (quiet.finished) return 'restless';
      // A key that ends while the state is on its way starts the wait anew like any other.
    } while ((await keys.state()).keyDown || quiet.waiting);
    return quiet.finished && !gone.aborted ? 'restless' : gone.aborted ? 'gone' : 'quiet';
  } finally {
    over.abort();
    quiet.finish();
    stop();
  }
}

class QuietTimer {
  readonly #ms: number;
  #timer: NodeJS.Timeout | undefined;
  #resolve: () => void = () => {};
  /** The time is not over yet, or was started anew. */
  waiting = false;
  finished = false;

  constructor(ms: number) {
    this.#ms = ms;
  }

  quiet(): Promise<void> {
    if (this.finished) return Promise.resolve();
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  restart(): void {
    if (this.finished) return;
    clearTimeout(this.#timer);
    this.waiting = true;
    this.#timer = setTimeout(() => {
      this.waiting = false;
      this.#resolve();
    }, this.#ms);
  }

  readonly finish = (): void => {
    this.finished = true;
    this.waiting = false;
    clearTimeout(this.#timer);
    this.#resolve();
  };
}
