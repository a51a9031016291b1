import { BroadcastChannel, isMainThread } from 'node:worker_threads';

/**
 * Loaded into the measured server before it (`--expose-gc --import`), and by Node into each of its threads: a
 * signal collects the garbage of all of them, so that memory can be compared before and under load. Idle otherwise.
 */
export const COLLECT_SIGNAL = 'SIGUSR2';

if (globalThis.gc) listen(globalThis.gc);

function listen(gc: () => void): void {
  const channel = new BroadcastChannel('tacet-bench-garbage');
  channel.onmessage = () => gc();
  // A listener holds the process; it must end when the server does.
  channel.unref();
  if (!isMainThread) return;
  // Signals reach the main thread only.
  process.on(COLLECT_SIGNAL, () => {
    channel.postMessage(null);
    gc();
  });
}
