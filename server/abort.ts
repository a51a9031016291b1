/** Waiting that a hang-up or a time-out ends, without leaving a timer or a listener behind. */

/**
 * Aborts as soon as one of these does, for the same reason. One of them must abort one day, or all of them be garbage
 * together. AbortSignal.any asks for neither, but leaves a weak reference behind in each signal that lasts, for good
 * (Node 20), and the garbage of young objects keeps what those refer to.
 */
export function firstOf(...signals: AbortSignal[]): AbortSignal {
  return firstUntil(null, ...signals);
}

/** {@link firstOf} of signals that last longer than whoever asks: once `end` has aborted, it has let go of them all. */
export function firstUntil(end: AbortSignal | null, ...signals: AbortSignal[]): AbortSignal {
  const over = signals.find(({ aborted }) => aborted);
  if (over) return over;
  const first = new AbortController();
  const letGo = () => {
    for (const signal of signals) signal.removeEventListener('abort', abort);
    end?.removeEventListener('abort', letGo);
  };
  const abort = () => {
    letGo();
    first.abort(signals.find(({ aborted }) => aborted)?.reason);
  };
  for (const signal of signals) signal.addEventListener('abort', abort);
  end?.addEventListener('abort', letGo);
  return first.signal;
}

/** Resolves `aborted` as soon as the signal is. */
export function whenAborted(signal: AbortSignal): Promise<'aborted'> {
  if (signal.aborted) return Promise.resolve('aborted');
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve('aborted'), { once: true }));
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
