import type { Changes, Run } from '../actions/action.js';
import { bareName } from '../actions/fields.js';
import type { CollectCommand } from '../commands.js';
import { milliseconds } from '../duration.js';
import {
  LONGEST_ACCOUNT_NUMBER,
  ROUTING_NUMBER_LENGTH,
  SHORTEST_ACCOUNT_NUMBER,
} from '../fields/bank-account.js';
import type { CaptureKind } from './errors.js';
import type { KeyingKeys, Retry, ShapeKeys } from './field-keys.js';
import { casesOf, promptIn, type Situation, type Spoken, saysOf } from './spoken.js';

/** One field as the author describes it, whichever action asks for it. */
export interface FieldSpec extends KeyingKeys, ShapeKeys {
  readonly field: CaptureKind;
  /** `flow.x` or `secure.x`. */
  readonly into: string;
  readonly prompt: Spoken;
  readonly again?: Spoken;
  readonly retry?: Retry;
  readonly lastRetry?: Retry;
  readonly brands?: readonly string[];
  /** The secure variable of the card that a security code belongs to, as `secure.card`. */
  readonly card?: string;
}

/** Fewest and most digits of a field; `author` fields take `length`, `min` and `max` from the document. */
export const SIZES: Readonly<Record<CaptureKind, { min: number; max: number; author: boolean }>> = {
  cardNumber: { min: 12, max: 19, author: false },
  expiry: { min: 4, max: 4, author: false },
  securityCode: { min: 3, max: 4, author: false },
  postalCode: { min: 3, max: 10, author: true },
  routingNumber: { min: ROUTING_NUMBER_LENGTH, max: ROUTING_NUMBER_LENGTH, author: false },
  accountNumber: { min: SHORTEST_ACCOUNT_NUMBER, max: LONGEST_ACCOUNT_NUMBER, author: true },
  digits: { min: 1, max: 32, author: true },
  date: { min: 6, max: 8, author: false },
};

export const ATTEMPTS = 3;

/** Where a prompt stands in the keys of its field, and the prompt. */
interface Place {
  readonly key: readonly string[];
  readonly spoken: Spoken;
}

/** The key whose prompt begins an attempt: `lastRetry` before `retry` before `prompt`, the error before `default`. */
export function placeFor(spec: FieldSpec, { attempt, error }: Situation): Place {
  const isLast = attempt === (spec.attempts ?? ATTEMPTS);
  const sets = error === null ? [] : isLast ? (['lastRetry', 'retry'] as const) : (['retry'] as const);
  for (const set of sets) {
    for (const name of [error ?? 'default', 'default'] as const) {
      const spoken = (spec[set] as Readonly<Record<string, Spoken | undefined>> | undefined)?.[name];
      if (spoken !== undefined) return { key: [set, name], spoken };
    }
  }
  return { key: ['prompt'], spoken: spec.prompt };
}

/** Every prompt of the field with its place, the one of the first attempt first. */
export function placesOf(spec: FieldSpec): readonly Place[] {
  const sets = (['retry', 'lastRetry'] as const).flatMap((set) =>
    Object.entries(spec[set] ?? {}).map(([error, spoken]) => ({
      key: [set, error],
      spoken: spoken as Spoken,
    })),
  );
  const again = spec.again === undefined ? [] : [{ key: ['again'], spoken: spec.again }];
  return [{ key: ['prompt'], spoken: spec.prompt }, ...again, ...sets];
}

export function promptsOf(spec: FieldSpec) {
  return placesOf(spec).flatMap(({ spoken }) => saysOf(spoken));
}

/** True when something that is said depends on the brand of the card. */
export function asksBrand(spec: FieldSpec): boolean {
  return placesOf(spec).some(({ spoken }) => casesOf(spoken)?.some(({ when }) => when?.brand !== undefined));
}

/** The command of one attempt. `data`: results that prompts may use though the action has not come to its end. */
export function collectCommand(
  spec: FieldSpec,
  situation: Situation,
  run: Run,
  data?: Changes['data'],
): CollectCommand {
  const audio = (spoken: Spoken) => run.audio(promptIn(spoken, situation), data);
  return {
    do: 'collect',
    field: commandField(spec),
    into: { scope: spec.into.startsWith('flow.') ? 'flow' : 'secure', name: bareName(spec.into) },
    audio: audio(placeFor(spec, situation).spoken),
    again: spec.again === undefined ? null : audio(spec.again),
    bargeIn: spec.bargeIn ?? true,
    firstDigitTimeoutMs: milliseconds(spec.firstDigitTimeout ?? '5s'),
    interDigitTimeoutMs: milliseconds(spec.interDigitTimeout ?? '3s'),
    totalTimeoutMs: milliseconds(spec.totalTimeout ?? '60s'),
    terminator: key(spec.terminator ?? '#'),
    clearKey: key(clearKeyOf(spec)),
    ...(spec.cancelKey === undefined ? {} : { cancelKey: key(spec.cancelKey) }),
    ...(spec.typeAhead === undefined ? {} : { typeAhead: spec.typeAhead }),
    ...(spec.mask === undefined ? {} : { mask: spec.mask }),
    attempt: situation.attempt,
    attempts: spec.attempts ?? ATTEMPTS,
  };
}

/** What the digits of the field are judged by. */
export function commandField(spec: FieldSpec): CollectCommand['field'] {
  const { format, notBefore = null, notAfter = null } = spec;
  const size = SIZES[spec.field];
  const length = format?.length ?? spec.length;
  return {
    kind: spec.field,
    min: length ?? spec.min ?? size.min,
    max: length ?? spec.max ?? size.max,
    brands: spec.brands ?? [],
    cardVariable: spec.card === undefined ? null : bareName(spec.card),
    ...(format === undefined ? {} : { date: { format, notBefore, notAfter } }),
  };
}

/** Without a word of the author's the star key clears, unless it cancels. */
export function clearKeyOf({ clearKey, cancelKey }: KeyingKeys): '#' | '*' | 'none' {
  return clearKey ?? (cancelKey === '*' ? 'none' : '*');
}

function key(name: '#' | '*' | 'none'): '#' | '*' | null {
  return name === 'none' ? null : name;
}
