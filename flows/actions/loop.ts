import Type, { type Static } from 'typebox';
import { ExpressionError } from '../expressions/values.js';
import { type ActionCheck, defineAction, type Run } from './action.js';
import { isTrue } from './condition.js';
import { bareName, Expression, FlowVariable } from './fields.js';

const schema = Type.Object(
  {
    count: Type.Optional(Expression),
    while: Type.Optional(Expression),
    variable: Type.Optional(FlowVariable),
  },
  { additionalProperties: false },
);
type Fields = Static<typeof schema>;

export const loop = defineAction({
  name: 'loop',
  description: 'takes the path `actions` a number of times, or for as long as a condition is true',
  schema,
  blocks: ['actions'],
  check(fields, check) {
    if (fields.count === undefined && fields.while === undefined) {
      check.problem([], 'a loop needs an end', 'add count: a number of turns, or while: a condition');
    }
    if (fields.count !== undefined) checkCount(fields.count, check);
    if (fields.while !== undefined) check.expression(['while'], fields.while, 'bool');
    if (fields.variable === undefined) return;
    const type = check.flowVariable(['variable'], fields.variable);
    if (type === null || type === 'number') return;
    const message = `the turn is a number, but ${fields.variable} is a ${type}`;
    check.problem(['variable'], message, 'declare the variable with type: number');
  },
  ends: () => false,
  begin(fields, run) {
    const turn = (run.loop?.turn ?? 0) + 1;
    const turns = run.loop ? run.loop.turns : turnsOf(fields, run);
    if (turns !== null && turn > turns) return { kind: 'next' };
    if (fields.while !== undefined && !isTrue(run, fields.while)) return { kind: 'next' };
    const variables = fields.variable === undefined ? {} : { [bareName(fields.variable)]: turn };
    return { kind: 'turn', block: 'actions', loop: { turn, turns }, variables };
  },
});

/** The count as it is when the loop begins: what its actions change does not move its end. */
function turnsOf(fields: Fields, run: Run): number | null {
  if (fields.count === undefined) return null;
  const count = run.evaluate(fields.count);
  if (typeof count === 'number' && Number.isInteger(count)) return count;
  throw new ExpressionError(String(fields.count), 'the count is not a whole number');
}

function checkCount(count: NonNullable<Fields['count']>, check: ActionCheck): void {
  check.expression(['count'], count, 'number');
  if (typeof count !== 'number' || (Number.isInteger(count) && count > 0)) return;
  check.problem(['count'], `${count} is no number of turns`, 'give a whole number from 1, or an expression');
}
