import { firstUntil } from '../abort.js';
import type { ConnectorResult } from './connector.js';

/** The charges of one connector that are under way; {@link end} ends each as if its call had ended, and waits for it. */
export class UnderWay {
  readonly #running = new Set<Promise<ConnectorResult>>();
  readonly #end = new AbortController();

  get ended(): boolean {
    return this.#end.signal.aborted;
  }

  /** Runs `work` under a signal that aborts with `signal` or by {@link end}. Leaves no listener behind. */
  async run(
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<ConnectorResult>,
  ): Promise<ConnectorResult> {
    const done = new AbortController();
    const running = work(firstUntil(done.signal, signal, this.#end.signal));
    this.#running.add(running);
    try {
      return await running;
    } finally {
      done.abort();
      this.#running.delete(running);
    }
  }

  async end(): Promise<void> {
    this.#end.abort();
    await Promise.all(this.#running);
  }
}
