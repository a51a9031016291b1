import type { CollectCommand } from '../../flows/commands.js';
import { variableOf } from '../../flows/secure-names.js';
import type { CollectOptions } from './collect.js';
import type { FieldProgress } from './events.js';

/**
 * Tells how far a field is, in counts and states alone. Of a hidden one it does not tell single keys either: their
 * number is what is hidden.
 */
export function fieldProgress(
  { field, into, attempt, mask, required = [into.name] }: CollectCommand,
  publish: (progress: FieldProgress) => void,
): CollectOptions['onProgress'] {
  const variable = variableOf(into.name);
  return (state, keys, error) => {
    if (mask === 'hidden' && state === 'entering') return;
    const entered = mask === 'hidden' ? 0 : keys;
    publish({
      field: field.kind,
      name: variable,
      state,
      entered,
      masked: '•'.repeat(entered),
      min: field.min,
      max: field.max,
      attempt,
      error,
      required: state === 'accepted' ? required.filter((name) => name !== variable) : required,
    });
  };
}
