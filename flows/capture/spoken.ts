import Type, { type Static } from 'typebox';
import type { CaptureError } from '../commands.js';
import { Prompt } from '../prompt.js';

const BRANDS = ['visa', 'mastercard', 'amex', 'discover', 'diners', 'jcb', 'unionpay', 'maestro'] as const;

export const Brand = Type.Enum([...BRANDS], { description: `one of ${BRANDS.join(', ')}` });

const ERRORS = [
  'timeout',
  'invalid-card-number',
  'invalid-card-type',
  'invalid-date',
  'invalid-security-code',
  'invalid-postal-code',
  'invalid-bank-routing-number',
  'invalid-bank-account-number',
  'invalid-input',
  'input-matching-failed',
] as const satisfies readonly CaptureError[];

/**
 * A word that editors complete and that {@link unknownWord} judges: the schema of a prompt with cases could only say that
 * it is none of the forms it can have.
 */
function word<T extends string>(known: readonly T[]) {
  return Type.Unsafe<T>({ anyOf: [{ enum: [...known] }, { type: 'string' }] });
}

const ErrorWord = word(ERRORS);
const BrandWord = word(BRANDS);
const Attempt = Type.Integer({ minimum: 1, description: 'a whole number, as 2' });

const When = Type.Object(
  {
    attempt: Type.Optional(Type.Union([Attempt, Type.Array(Attempt, { minItems: 1 })])),
    error: Type.Optional(Type.Union([ErrorWord, Type.Array(ErrorWord, { minItems: 1 })])),
    brand: Type.Optional(Type.Union([BrandWord, Type.Array(BrandWord, { minItems: 1 })])),
  },
  { additionalProperties: false, minProperties: 1 },
);

const Case = Type.Object({ when: Type.Optional(When), say: Prompt }, { additionalProperties: false });
export type Case = Static<typeof Case>;

/** A prompt, or several of which one is said. */
export const Spoken = Type.Union([Prompt, Type.Array(Case, { minItems: 1, maxItems: 100 })], {
  description:
    'a prompt, or a list of cases as {when: {attempt: 2, error: timeout, brand: amex}, say: a prompt}',
});
export type Spoken = Static<typeof Spoken>;

/** The first word of a case that there is not, with its key and the words there are; null when all are known. */
export function unknownWord({ when = {} }: Case) {
  const words = [
    { key: 'error', given: [when.error ?? []].flat(), known: ERRORS as readonly string[] },
    { key: 'brand', given: [when.brand ?? []].flat(), known: BRANDS as readonly string[] },
  ];
  for (const { key, given, known } of words) {
    const word = given.find((one) => !known.includes(one));
    if (word !== undefined) return { key, word, known };
  }
  return null;
}

/** What a prompt is chosen by. */
export interface Situation {
  /** From 1. */
  readonly attempt: number;
  /** Why the attempt before failed; null at the first. */
  readonly error: CaptureError | null;
  /** Of the card that was keyed before; null when there is none or it is not known. */
  readonly brand: string | null;
}

/** The cases of a prompt; null when it is the same in every situation. */
export function casesOf(spoken: Spoken | undefined): readonly Case[] | null {
  if (!Array.isArray(spoken)) return null;
  return spoken.every(isCase) ? spoken : null;
}

/** Every prompt that may be said. */
export function saysOf(spoken: Spoken | undefined): readonly (Prompt | undefined)[] {
  return casesOf(spoken)?.map(({ say }) => say) ?? [spoken as Prompt | undefined];
}

/** Of the cases that fit, the one with the most conditions; the first of them among equals; null when none fits. */
export function caseFor(cases: readonly Case[], situation: Situation): Case | null {
  const fitting = cases.filter((one) => fits(one, situation));
  return fitting.reduce<Case | null>(
    (best, one) => (best === null || conditions(one) > conditions(best) ? one : best),
    null,
  );
}

export function promptIn(spoken: Spoken, situation: Situation): Prompt | undefined {
  const cases = casesOf(spoken);
  return cases === null ? (spoken as Prompt) : caseFor(cases, situation)?.say;
}

function isCase(item: unknown): item is Case {
  return item !== null && typeof item === 'object' && 'say' in item;
}

function conditions({ when = {} }: Case): number {
  return Object.keys(when).length;
}

function fits({ when = {} }: Case, { attempt, error, brand }: Situation): boolean {
  return holds(when.attempt, attempt) && holds(when.error, error) && holds(when.brand, brand);
}

function holds<T>(wanted: T | readonly T[] | undefined, value: T | null): boolean {
  return wanted === undefined || [wanted].flat().some((one) => one === value);
}
