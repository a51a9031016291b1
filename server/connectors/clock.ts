/** Time as connectors see it; passed in, so that tests need not wait. */
export interface ConnectorClock {
  /** Milliseconds since the epoch. Never goes back while the process runs. */
  now(): number;
  /** Calls `fire` after `ms` milliseconds, unless the returned function is called before. */
  after(ms: number, fire: () => void): () => void;
}

export const systemClock: ConnectorClock = {
  now: () => performance.timeOrigin + performance.now(),
  after: (ms, fire) => {
    const timer = setTimeout(fire, ms);
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms`, or as soon as the signal aborts. Leaves no timer and no listener behind. */
export function rest(clock: ConnectorClock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      cancel();
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const cancel = clock.after(ms, finish);
    signal.addEventListener('abort', finish);
  });
}
