import { within } from './deadline.js';

/** Those who wait until something holds; whoever changes anything says so. */
export class Conditions {
  readonly #waiting = new Set<() => void>();
  readonly #deadlineMs: number;

  constructor(deadlineMs: number) {
    this.#deadlineMs = deadlineMs;
  }

  /** Resolves when it holds, at once or after a change. Rejects with DeadlineError, which names `what`. */
  when(holds: () => boolean, what: string): Promise<void> {
    const happened = new Promise<void>((resolve) => {
      const look = () => {
        if (!holds()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
    return within(happened, this.#deadlineMs, what);
  }

  changed(): void {
    for (const look of [...this.#waiting]) look();
  }
}
