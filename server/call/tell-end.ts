import type { Collected, CollectOptions } from './collect.js';

/** Tells how an attempt at a field ended. */
export function tellEnd(
  tell: CollectOptions['onProgress'],
  result: Collected['result'],
  entered: number,
): void {
  if (result.ok) tell('accepted', entered, null);
  else if (result.error === 'focus') tell('left', entered, null);
  else tell('rejected', entered, result.error);
}
