import type { CollectCommand } from '../../flows/commands.js';
import { isFinal } from '../../flows/final-errors.js';
import { SecureValue } from '../secure/secure-value.js';
import type { Collected, CollectOptions } from './collect.js';
import { tellEnd } from './tell-end.js';

type Options = Pick<CollectOptions, 'value' | 'surplusSince' | 'onProgress'>;
/** One entry at the field of an attempt. */
type CollectOnce<O extends Options> = (command: CollectCommand, options: O) => Promise<Collected>;

/**
 * One attempt at a field that is keyed twice where its command says so: the same keys must come again, or the attempt
 * ends as `input-matching-failed`. The second entry lives as long as it is compared.
 */
export async function collectTwice<O extends Options>(
  command: CollectCommand,
  options: O,
  once: CollectOnce<O>,
): Promise<Collected> {
  if (command.again === null) return once(command, options);
  const { value, onProgress } = options;
  const first = await once(command, { ...options, onProgress: unlessAccepted(onProgress) });
  if (!first.result.ok) return first;
  const second = new SecureValue();
  try {
    const repeated = await once(
      { ...command, audio: command.again },
      { ...options, value: second, surplusSince: first.surplusSince, onProgress: unlessDecided(onProgress) },
    );
    const result = compared(repeated.result, value, second);
    tellEnd(onProgress, result, result.ok ? value.length : second.length);
    if (!result.ok) value.clear();
    return { result, surplusSince: repeated.surplusSince };
  } finally {
    second.wipe();
  }
}

/** What is no valid entry by itself does not match either; silence, a hang-up and a command are told as what they are. */
function compared(
  repeated: Collected['result'],
  value: SecureValue,
  second: SecureValue,
): Collected['result'] {
  if (!repeated.ok && (repeated.error === 'timeout' || isFinal(repeated.error))) return repeated;
  const same = value.use('field-check', (keyed) =>
    second.use(
      'field-check',
      (again) => keyed.length === again.length && keyed.every((code, at) => code === again[at]),
    ),
  );
  return repeated.ok && same ? { ok: true } : { ok: false, error: 'input-matching-failed' };
}

function unlessAccepted(onProgress: Options['onProgress']): Options['onProgress'] {
  return (state, ...rest) => state !== 'accepted' && onProgress(state, ...rest);
}

function unlessDecided(onProgress: Options['onProgress']): Options['onProgress'] {
  return (state, ...rest) =>
    state !== 'accepted' && state !== 'rejected' && state !== 'left' && onProgress(state, ...rest);
}
