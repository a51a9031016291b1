import Type, { type Static } from 'typebox';
import { type ActionCheck, defineAction, type ResultType, type Run } from './action.js';
import { isTrue } from './condition.js';
import { Block, Expression } from './fields.js';

const Literal = Type.Union([Type.String(), Type.Number(), Type.Boolean()]);

const Case = Type.Object(
  {
    if: Type.Optional(Expression),
    equals: Type.Optional(
      Type.Union([Literal, Type.Array(Literal, { minItems: 1, maxItems: 100 })], {
        description: 'a text, a number, true or false as it stands, or a list of these',
      }),
    ),
    actions: Block,
  },
  { additionalProperties: false, description: 'a mapping with if or equals, and actions' },
);
type Case = Static<typeof Case>;

const schema = Type.Object(
  {
    value: Type.Optional(Expression),
    cases: Type.Array(Case, {
      minItems: 1,
      maxItems: 100,
      description: 'a list of cases, each with if or equals, and actions',
    }),
  },
  { additionalProperties: false },
);
type Fields = Static<typeof schema>;

export const switchAction = defineAction({
  name: 'switch',
  description: 'takes the path of the first case that is true, or that equals the value, and `default` else',
  schema,
  blocks: ['default'],
  nested: [['cases', '*', 'actions']],
  check(fields, check) {
    const type = fields.value === undefined ? null : check.expression(['value'], fields.value, 'any');
    fields.cases.forEach((one, index) => {
      checkForm(fields, one, index, check);
      if (one.if !== undefined) check.expression(['cases', index, 'if'], one.if, 'bool');
    });
    checkLiterals(fields, type, check);
  },
  ends: (ends, action) => ends('default') && Object.keys(action.blocks).every(ends),
  begin(fields, run) {
    const taken = matching(fields, run);
    if (taken >= 0) return { kind: 'path', block: `cases[${taken}].actions`, reason: '' };
    return run.action.blocks.default ? { kind: 'path', block: 'default', reason: '' } : { kind: 'next' };
  },
});

/** The index of the first case that matches, or -1. */
function matching(fields: Fields, run: Run): number {
  if (fields.value === undefined) return fields.cases.findIndex((one) => isTrue(run, one.if ?? false));
  const value = run.evaluate(fields.value);
  return fields.cases.findIndex((one) => literals(one).some((literal) => literal === value));
}

function literals(one: Case): readonly (string | number | boolean)[] {
  if (one.equals === undefined) return [];
  return Array.isArray(one.equals) ? one.equals : [one.equals];
}

function checkForm(fields: Fields, one: Case, index: number, check: ActionCheck): void {
  const [wanted, other] =
    fields.value === undefined ? (['if', 'equals'] as const) : (['equals', 'if'] as const);
  if (one[wanted] === undefined) {
    const message = `case ${index + 1} has no '${wanted}'`;
    const remedy =
      wanted === 'if' ? 'add if: a condition' : 'add equals: what the value is compared with, as it stands';
    check.problem(['cases', index], message, remedy);
  }
  if (one[other] === undefined) return;
  const [message, remedy] =
    other === 'if'
      ? [`'if' beside 'value'`, 'use equals, or remove value and give every case an if']
      : [`'equals' without 'value'`, 'add value: the expression to compare, or use if'];
  check.problem(['cases', index, other], message, remedy);
}

/** A literal that can never be met, by its type or because an earlier case has it, is a mistake. */
function checkLiterals(fields: Fields, type: ResultType | null, check: ActionCheck): void {
  const seen = new Set<string | number | boolean>();
  fields.cases.forEach((one, index) => {
    for (const literal of literals(one)) {
      const at = ['cases', index, 'equals'];
      if (seen.has(literal)) {
        check.problem(at, `${JSON.stringify(literal)} stands in two cases`, 'remove one: the first is taken');
      }
      seen.add(literal);
      const own = typeof literal === 'boolean' ? 'bool' : (typeof literal as 'string' | 'number');
      if (type === null || type === 'any' || type === own) continue;
      const remedy = type === 'string' ? `write '${literal}' with quotes` : `give a ${type} without quotes`;
      check.problem(at, `the value is a ${type}, so it never equals ${JSON.stringify(literal)}`, remedy);
    }
  });
}
