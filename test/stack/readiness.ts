import { setTimeout as pause } from 'node:timers/promises';
import { DeadlineError } from '../kit/deadline.js';

const CHANGE_MS = 30_000;

/** What `/readyz` says. */
export interface Readiness {
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail?: string }>>;
}

/** Asks `/readyz` again and again until its status is the one wanted. */
export async function readiness(httpUrl: string, wanted: 200 | 503): Promise<Readiness> {
  const from = performance.now();
  for (;;) {
    const response = await fetch(`${httpUrl}/readyz`);
    const body = (await response.json()) as Readiness;
    if (response.status === wanted) return body;
    if (performance.now() - from > CHANGE_MS) throw new DeadlineError(`readiness ${wanted}`, CHANGE_MS);
    // It is an answer, not an event.
    await pause(20);
  }
}
