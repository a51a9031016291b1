/** Waiting that a hang-up or a time-out ends, without leaving a timer or a listener behind. */

/** Resolves `aborted` as soon as one of the signals is. */
export function whenAborted(...signals: AbortSignal[]): Promise<'aborted'> {
  const any = AbortSignal.any(signals);
  if (any.aborted) return Promise.resolve('aborted');
  return new Promise((resolve) => any.addEventListener('abort', () => resolve('aborted'), { once: true }));
}

/** Resolves after `ms`, or at once when the signal aborts; says which. */
export function pause(ms: number, signal: AbortSignal): Promise<'elapsed' | 'aborted'> {
  if (signal.aborted) return Promise.resolve('aborted');
  return new Promise((resolve) => {
    const timer = setTimeout(() => finish('elapsed'), ms);
    const aborted = () => finish('aborted');
    const finish = (result: 'elapsed' | 'aborted') => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      resolve(result);
    };
    signal.addEventListener('abort', aborted);
  });
}

/** Rejects with `message` when the work has not settled in `ms`. The work itself goes on unwatched. */
export async function withDeadline<T>(work: Promise<T>, ms: number, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(message)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
