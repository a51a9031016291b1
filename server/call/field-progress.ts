import type { CollectCommand } from '../../flows/commands.js';
import { variableOf } from '../../flows/secure-names.js';
import type { CollectOptions } from './collect.js';
import type { FieldProgress } from './events.js';

/** Tells how far a field is, in counts and states alone. */
export function fieldProgress(
  { field, into, attempt }: CollectCommand,
  publish: (progress: FieldProgress) => void,
): CollectOptions['onProgress'] {
  const { kind, min, max } = field;
  return (state, entered, error) =>
    publish({ field: kind, name: variableOf(into.name), state, entered, min, max, attempt, error });
}
