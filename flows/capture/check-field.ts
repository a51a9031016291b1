import type { ActionCheck } from '../actions/action.js';
import { dayOfText } from '../fields/date.js';
import { checkPrompts, type PromptFacts } from './check-prompts.js';
import type { KeyingKeys } from './field-keys.js';
import { ATTEMPTS, clearKeyOf, type FieldSpec, SIZES } from './field-spec.js';

type Key = readonly (string | number)[];

/** Finds what is wrong with a field beyond its schema. `base` leads to its keys. */
export function checkSpec(spec: FieldSpec, check: ActionCheck, facts: PromptFacts, base: Key = []): void {
  checkPrompts(spec, check, { ...facts, attempts: spec.attempts ?? ATTEMPTS }, base);
  checkTimes(spec, check, base);
  checkSize(spec, check, base);
  checkDate(spec, check, base);
}

export function checkTimes(spec: KeyingKeys, check: ActionCheck, base: Key = []): void {
  check.duration([...base, 'firstDigitTimeout'], spec.firstDigitTimeout, 1000, 99_000);
  check.duration([...base, 'interDigitTimeout'], spec.interDigitTimeout, 500, 99_000);
  check.duration([...base, 'totalTimeout'], spec.totalTimeout, 1000, 600_000);
}

/** One key is one thing. */
export function checkKeys(spec: KeyingKeys, check: ActionCheck): void {
  const keys = [
    ['terminator', spec.terminator ?? '#'],
    ['clearKey', clearKeyOf(spec)],
    ['cancelKey', spec.cancelKey ?? 'none'],
  ] as const;
  for (const [index, [name, key]] of keys.entries()) {
    const other = keys.slice(index + 1).find(([, taken]) => key !== 'none' && taken === key);
    if (other) {
      check.problem([name], `${name} and ${other[0]} are the same key`, 'choose two keys, or none for one');
    }
  }
  if (spec.bargeIn === false && spec.typeAhead === 'keep') {
    check.problem(['typeAhead'], 'bargeIn: false drops what is typed ahead', 'remove one of the two');
  }
}

function checkSize(spec: FieldSpec, check: ActionCheck, base: Key): void {
  const size = SIZES[spec.field];
  const given = (['length', 'min', 'max'] as const).filter((name) => spec[name] !== undefined);
  const [first] = given;
  if (!size.author && first !== undefined) {
    check.problem([...base, first], `the length of a ${spec.field} is fixed`, `remove ${first}`);
  }
  if (spec.length !== undefined && given.length > 1) {
    check.problem(
      [...base, 'length'],
      'length stands for both min and max',
      'give length alone, or min and max',
    );
  }
  if (spec.field === 'digits' && spec.length === undefined && spec.max === undefined) {
    check.problem([...base, 'field'], 'digits has no most number of digits', 'add length or max');
  }
  if (spec.min !== undefined && spec.min > (spec.max ?? size.max)) {
    check.problem([...base, 'min'], 'min is above max', 'exchange them');
  }
}

function checkDate(spec: FieldSpec, check: ActionCheck, base: Key): void {
  const keys = (['format', 'notBefore', 'notAfter'] as const).filter((name) => spec[name] !== undefined);
  if (spec.field !== 'date') {
    const [first] = keys;
    if (first) check.problem([...base, first], `a ${spec.field} is no date`, 'remove it, or use field: date');
    return;
  }
  if (spec.format === undefined) {
    check.problem([...base, 'field'], 'a date has no order of its digits', 'add format, as format: DDMMYYYY');
  }
  const { notBefore, notAfter } = spec;
  for (const [name, day] of [
    ['notBefore', notBefore],
    ['notAfter', notAfter],
  ] as const) {
    if (day === undefined || day === 'today' || dayOfText(day)) continue;
    check.problem([...base, name], `there is no day ${day}`, 'give a day as 2026-11-27, or today');
  }
  const areDays = notBefore !== 'today' && notAfter !== 'today';
  if (notBefore !== undefined && notAfter !== undefined && areDays && notBefore > notAfter) {
    check.problem([...base, 'notBefore'], 'notBefore is after notAfter', 'exchange them');
  }
}
