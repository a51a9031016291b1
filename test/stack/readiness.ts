import { within } from '../kit/deadline.js';

const CHANGE_MS = 30_000;

/** What `/readyz` says. */
export interface Readiness {
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail?: string }>>;
}

/** Asks `/readyz` again and again until its status is the one wanted. */
export async function readiness(httpUrl: string, wanted: 200 | 503): Promise<Readiness> {
  const asking = async () => {
    for (;;) {
      const response = await fetch(`${httpUrl}/readyz`);
      const body = (await response.json()) as Readiness;
      if (response.status === wanted) return body;
    }
  };
  return within(asking(), CHANGE_MS, `readiness ${wanted}`);
}
