import type { ConnectorResult } from './connector.js';

/** The charges of one connector that are under way; {@link end} ends each as if its call had ended, and waits for it. */
export class UnderWay {
  readonly #running = new Map<AbortController, Promise<ConnectorResult>>();
  #ended = false;

  get ended(): boolean {
    return this.#ended;
  }

  /** Runs `work` under a signal that aborts with `signal` or by {@link end}. Leaves no listener behind. */
  async run(
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<ConnectorResult>,
  ): Promise<ConnectorResult> {
    const abort = new AbortController();
    const forward = () => abort.abort();
    if (signal.aborted) forward();
    signal.addEventListener('abort', forward);
    const running = work(abort.signal);
    this.#running.set(abort, running);
    try {
      return await running;
    } finally {
      signal.removeEventListener('abort', forward);
      this.#running.delete(abort);
    }
  }

  async end(): Promise<void> {
    this.#ended = true;
    for (const abort of this.#running.keys()) abort.abort();
    await Promise.all(this.#running.values());
  }
}
