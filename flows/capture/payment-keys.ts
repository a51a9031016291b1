import Type, { type Static } from 'typebox';
import { Expression } from '../actions/fields.js';
import { Prompt } from '../prompt.js';
import { CAPTURE_KINDS, CapturedField, KEYING_KEYS, RETRY_KEYS, SHAPE_KEYS } from './field-keys.js';
import { Brand, Spoken } from './spoken.js';

const { attempts, firstDigitTimeout, interDigitTimeout, totalTimeout } = KEYING_KEYS;

const Entry = Type.Object(
  {
    field: CapturedField,
    into: Type.Optional(
      Type.String({
        pattern: '^secure\\.[A-Za-z][A-Za-z0-9_]{0,49}$',
        description: 'a declared variable of type secure, as secure.card',
      }),
    ),
    value: Type.Optional(Expression),
    prompt: Type.Optional(Spoken),
    again: Type.Optional(
      Type.Union([Spoken, Type.Literal(false)], {
        description: 'a prompt for the second entry, or false: it is keyed once',
      }),
    ),
    ...RETRY_KEYS,
    ...SHAPE_KEYS,
    attempts,
    firstDigitTimeout,
    interDigitTimeout,
    totalTimeout,
  },
  { additionalProperties: false, description: 'a mapping, as {field: cardNumber, into: secure.card}' },
);
export type PaymentEntry = Static<typeof Entry>;

const Confirm = Type.Object(
  {
    prompt: Type.Optional(Prompt),
    again: Type.Optional(
      Type.Enum(['all', ...CAPTURE_KINDS], {
        default: 'all',
        description: 'all, or the field that is asked again after a 2',
      }),
    ),
    attempts,
  },
  { additionalProperties: false, description: 'true, or a mapping with prompt, again, attempts' },
);

export const PaymentKeys = Type.Object(
  {
    method: Type.Enum(['card', 'bankAccount'], { description: 'card or bankAccount' }),
    fields: Type.Optional(
      Type.Array(Entry, { minItems: 1, maxItems: 10, description: 'a list of mappings with field' }),
    ),
    brands: Type.Optional(
      Type.Array(Brand, { minItems: 1, description: 'accepted brands; absent accepts every known one' }),
    ),
    known: Type.Optional(
      Type.Enum(['skip', 'ask'], {
        default: 'skip',
        description: 'skip, or ask: a field is asked for though its variable holds a value',
      }),
    ),
    confirm: Type.Optional(
      Type.Union([Type.Literal(true), Confirm], {
        description: 'true, or a mapping with prompt, again, attempts',
      }),
    ),
    ...KEYING_KEYS,
  },
  { additionalProperties: false },
);
export type PaymentKeys = Static<typeof PaymentKeys>;
