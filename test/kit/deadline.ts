/** A promise that was not settled in its time. The message names what was waited for. */
export class DeadlineError extends Error {
  constructor(what: string, ms: number) {
    super(`${what}: not within ${ms} ms`);
    this.name = 'DeadlineError';
  }
}

/**
 * Waits for `promise`, at most `ms` milliseconds. Leaves no timer behind.
 * Rejects with {@link DeadlineError}; the promise itself goes on and its late rejection is swallowed.
 */
export async function within<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DeadlineError(what, ms)), ms);
  });
  promise.catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
