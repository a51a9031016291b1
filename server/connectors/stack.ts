import { setImmediate } from 'node:timers/promises';

/** Calls deep enough to pass over the 16 KiB that TLS leaves, also when compiled code needs few bytes a call. */
const DEPTH = 3000;

function descend(depth: number): number {
  return depth === 0 ? 0 : descend(depth - 1) + 1;
}

/**
 * Overwrites what earlier calls left below the stack's end. Node decrypts into an array on the stack
 * (`TLSWrap::ClearOut`), where an answer that echoes a card would stay until something else reached so deep.
 * Waits for an immediate first: the promise of an answer still runs inside that call.
 */
export async function overwriteStack(): Promise<void> {
  await setImmediate();
  descend(DEPTH);
}
