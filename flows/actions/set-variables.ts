import Type from 'typebox';
import type { PlainValue } from '../commands.js';
import { defineAction } from './action.js';
import { bareName, Expression, FlowVariable } from './fields.js';

const RESULT = { string: 'string', number: 'number', boolean: 'bool' } as const;

export const setVariables = defineAction({
  name: 'setVariables',
  description: 'gives flow variables new values; each expression sees the values from before the action',
  schema: Type.Object(
    {
      set: Type.Record(FlowVariable, Expression, {
        additionalProperties: false,
        minProperties: 1,
        maxProperties: 50,
        description: 'expressions by variable, as flow.total: flow.price + 2',
      }),
    },
    { additionalProperties: false },
  ),
  blocks: [],
  check(fields, check) {
    for (const [reference, source] of Object.entries(fields.set)) {
      const type = check.flowVariable(['set', reference], reference);
      check.expression(['set', reference], source, type ? RESULT[type] : 'any');
    }
  },
  ends: () => false,
  begin(fields, run) {
    const variables: Record<string, PlainValue> = {};
    for (const [reference, source] of Object.entries(fields.set)) {
      variables[bareName(reference)] = run.evaluate(source);
    }
    return { kind: 'next', variables };
  },
});
