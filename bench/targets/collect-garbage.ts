import { isMainThread } from 'node:worker_threads';

/**
 * Loaded into the measured server before it (`--expose-gc --import`): a signal collects its garbage, so that
 * memory can be compared before and under load. Idle otherwise.
 */
export const COLLECT_SIGNAL = 'SIGUSR2';

// The server's threads inherit the option; signals reach the main thread only.
if (isMainThread && globalThis.gc) {
  const { gc } = globalThis;
  process.on(COLLECT_SIGNAL, () => gc());
}
