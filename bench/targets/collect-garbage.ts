import { writeFileSync } from 'node:fs';
import { BroadcastChannel, isMainThread, threadId } from 'node:worker_threads';

/**
 * Loaded into the measured server before it (`--expose-gc --import`), and by Node into each of its threads: a signal
 * collects the garbage of all of them and writes into a file what is left in their heaps, so that memory can be compared
 * before and under load. Idle otherwise.
 */
export const COLLECT_SIGNAL = 'SIGUSR2';

/** Environment variable with the name of the file: one number, in bytes. */
export const HEAP_FILE = 'BENCH_HEAP_FILE';

interface Left {
  readonly thread: number;
  readonly bytes: number;
}

if (globalThis.gc) listen(globalThis.gc, process.env[HEAP_FILE] ?? '');

function listen(gc: () => void, file: string): void {
  const channel = new BroadcastChannel('tacet-bench-garbage');
  // A listener holds the process; it must end when the server does.
  channel.unref();
  const collect = (): Left => {
    gc();
    const { heapUsed, external } = process.memoryUsage();
    return { thread: threadId, bytes: heapUsed + external };
  };
  if (!isMainThread) {
    // What another thread has left is for the main thread.
    channel.onmessage = (event) => {
      if ((event as { data: Left | null }).data === null) channel.postMessage(collect());
    };
    return;
  }
  const left = new Map<number, number>();
  const take = ({ thread, bytes }: Left): void => {
    left.set(thread, bytes);
    writeFileSync(file, String([...left.values()].reduce((sum, one) => sum + one, 0)));
  };
  channel.onmessage = (event) => take((event as { data: Left }).data);
  // Signals reach the main thread only.
  process.on(COLLECT_SIGNAL, () => {
    channel.postMessage(null);
    take(collect());
  });
}
