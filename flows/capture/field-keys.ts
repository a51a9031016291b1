import Type, { type Static } from 'typebox';
import { duration } from '../duration.js';
import type { CaptureKind } from './errors.js';
import { Spoken } from './spoken.js';

const Key = Type.Union([Type.Literal('#'), Type.Literal('*'), Type.Literal('none')], {
  description: "'#', '*' or none",
});

/** What a field can be keyed as. */
export const CAPTURE_KINDS = [
  'cardNumber',
  'expiry',
  'securityCode',
  'postalCode',
  'routingNumber',
  'accountNumber',
  'digits',
  'date',
] as const satisfies readonly CaptureKind[];

export const CapturedField = Type.Enum([...CAPTURE_KINDS], {
  description: `one of ${CAPTURE_KINDS.join(', ')}`,
});

const Retry = Type.Object(
  {
    timeout: Type.Optional(Spoken),
    'invalid-card-number': Type.Optional(Spoken),
    'invalid-card-type': Type.Optional(Spoken),
    'invalid-date': Type.Optional(Spoken),
    'invalid-security-code': Type.Optional(Spoken),
    'invalid-postal-code': Type.Optional(Spoken),
    'invalid-bank-routing-number': Type.Optional(Spoken),
    'invalid-bank-account-number': Type.Optional(Spoken),
    'invalid-input': Type.Optional(Spoken),
    'input-matching-failed': Type.Optional(Spoken),
    default: Type.Optional(Spoken),
  },
  { additionalProperties: false, description: 'prompts by error, and default for every other error' },
);
export type Retry = Static<typeof Retry>;

const Size = Type.Integer({ minimum: 1, maximum: 32, description: 'a whole number from 1 to 32' });

const Day = Type.String({
  pattern: '^(today|[0-9]{4}-[0-9]{2}-[0-9]{2})$',
  description: 'today, or a day as 2026-11-27',
});

/** How keys are taken: the same for one field, or for all of a payment. */
export const KEYING_KEYS = {
  attempts: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 10, default: 3, description: 'a whole number from 1 to 10' }),
  ),
  terminator: Type.Optional(Key),
  clearKey: Type.Optional(Key),
  cancelKey: Type.Optional(Key),
  bargeIn: Type.Optional(
    Type.Boolean({ default: true, description: 'false: keys before the end of the prompt are dropped' }),
  ),
  typeAhead: Type.Optional(
    Type.Enum(['keep', 'flush'], {
      default: 'keep',
      description: 'keep, or flush: keys before a pause of 400 ms are dropped',
    }),
  ),
  firstDigitTimeout: Type.Optional(duration('from the end of the prompt to the first key', '5s')),
  interDigitTimeout: Type.Optional(duration('from one key to the next', '3s')),
  totalTimeout: Type.Optional(duration('for the whole attempt, from the end of the prompt', '60s')),
} as const;
const Keying = Type.Object(KEYING_KEYS);
export type KeyingKeys = Static<typeof Keying>;

/** What the digits of a field are. */
export const SHAPE_KEYS = {
  length: Type.Optional(Size),
  min: Type.Optional(Size),
  max: Type.Optional(Size),
  format: Type.Optional(
    Type.Enum(['DDMMYY', 'MMDDYY', 'YYMMDD', 'DDMMYYYY', 'MMDDYYYY', 'YYYYMMDD'], {
      description: 'one of DDMMYY, MMDDYY, YYMMDD, DDMMYYYY, MMDDYYYY, YYYYMMDD',
    }),
  ),
  notBefore: Type.Optional(Day),
  notAfter: Type.Optional(Day),
  mask: Type.Optional(
    Type.Enum(['count', 'hidden'], {
      default: 'count',
      description: 'count, or hidden: progress does not tell how many keys were pressed',
    }),
  ),
} as const;
const Shape = Type.Object(SHAPE_KEYS);
export type ShapeKeys = Static<typeof Shape>;

/** What is said after a failed attempt. */
export const RETRY_KEYS = {
  retry: Type.Optional(Retry),
  lastRetry: Type.Optional(Retry),
} as const;
