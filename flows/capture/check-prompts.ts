import type { ActionCheck } from '../actions/action.js';
import { nearest } from '../nearest.js';
import { errorsOf } from './errors.js';
import { type FieldSpec, placeFor, placesOf } from './field-spec.js';
import { type Case, caseFor, casesOf, type Situation, unknownWord } from './spoken.js';

type Key = readonly (string | number)[];

/** What the prompts of a field can be told. */
export interface PromptFacts {
  /** Brands that a card keyed before may have; empty when no card is keyed before. */
  readonly brands: readonly string[];
}

interface Facts extends PromptFacts {
  readonly attempts: number;
}

/** Checks the texts of every prompt, and that every case of those that have some can be said. */
export function checkPrompts(spec: FieldSpec, check: ActionCheck, facts: Facts, base: Key): void {
  const situations = situationsOf(spec, facts);
  for (const { key, spoken } of placesOf(spec)) {
    const at = [...base, ...key];
    const cases = casesOf(spoken);
    if (cases === null) {
      check.prompt(at, spoken as Parameters<ActionCheck['prompt']>[1]);
      continue;
    }
    for (const [index, { say }] of cases.entries()) check.prompt([...at, index, 'say'], say);
    const met = situations.filter(
      (situation) => key[0] === 'again' || samePlace(placeFor(spec, situation).key, key),
    );
    checkCases(cases, met, check, at, (one) => whyNever(one, spec, facts));
  }
}

function checkCases(
  cases: readonly Case[],
  situations: readonly Situation[],
  check: ActionCheck,
  at: Key,
  why: (one: Case) => readonly [string, string] | null,
): void {
  if (cases.every(({ when }) => when !== undefined)) {
    check.problem(at, 'no case stands for all that is left', 'add a case without when, as {say: a prompt}');
  }
  const said = new Set(situations.map((situation) => caseFor(cases, situation)));
  for (const [index, one] of cases.entries()) {
    if (said.has(one) && !unknownWord(one)) continue;
    const [message, remedy] = why(one) ?? [
      'this case can never apply: another prompt is said wherever it fits',
      'remove it, or move it before that one',
    ];
    check.problem([...at, index], message, remedy);
  }
}

/** The reason that an author can do most with. */
function whyNever(one: Case, spec: FieldSpec, { attempts, brands }: Facts): readonly [string, string] | null {
  const unknown = unknownWord(one);
  if (unknown) {
    const { key, word, known } = unknown;
    const meant = nearest(word, known);
    return [`unknown ${key} '${word}'`, meant ? `did you mean '${meant}'?` : `known are ${known.join(', ')}`];
  }
  const { when = {} } = one;
  const [attempt, error, brand] = [
    [when.attempt ?? []].flat(),
    [when.error ?? []].flat(),
    [when.brand ?? []].flat(),
  ];
  if (attempt.length > 0 && attempt.every((one) => one > attempts)) {
    return [`there are only ${attempts} attempts`, `give an attempt from 1 to ${attempts}, or more attempts`];
  }
  const errors = errorsOf(spec.field, spec.again !== undefined);
  if (error.length > 0 && !error.some((one) => errors.includes(one))) {
    return [`a ${spec.field} never fails with ${error.join(', ')}`, `give one of ${errors.join(', ')}`];
  }
  if (error.length > 0 && attempt.length > 0 && attempt.every((one) => one === 1)) {
    return ['the first attempt comes after no error', 'remove error, or give a later attempt'];
  }
  if (brand.length > 0 && brands.length === 0) {
    return [
      'no card is keyed before this prompt',
      'remove brand, or have a card number: by card:, or as a field before',
    ];
  }
  if (brand.length > 0 && !brand.some((one) => brands.includes(one))) {
    return [`no card of ${brand.join(', ')} is accepted`, `give one of ${brands.join(', ')}`];
  }
  return null;
}

/** Every situation in which the field may be asked. */
function situationsOf(spec: FieldSpec, { attempts, brands }: Facts): Situation[] {
  const errors = errorsOf(spec.field, spec.again !== undefined);
  const turns = [
    { attempt: 1, error: null },
    ...Array.from({ length: attempts - 1 }, (_, index) =>
      errors.map((error) => ({ attempt: index + 2, error })),
    ).flat(),
  ];
  return turns.flatMap((turn) => [null, ...brands].map((brand) => ({ ...turn, brand })));
}

function samePlace(one: readonly string[], other: readonly string[]): boolean {
  return one.join() === other.join();
}
