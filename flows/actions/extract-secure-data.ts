import Type from 'typebox';
import { defineAction } from './action.js';
import { bareName, FlowVariable, SecureVariable } from './fields.js';

export const extractSecureData = defineAction({
  name: 'extractSecureData',
  description: 'puts a harmless part of a secure value into a flow variable',
  schema: Type.Object(
    {
      from: SecureVariable,
      transform: Type.Union(
        [Type.Literal('last4'), Type.Literal('bin'), Type.Literal('brand'), Type.Literal('length')],
        { description: 'one of last4, bin (first six), brand, length' },
      ),
      into: FlowVariable,
    },
    { additionalProperties: false },
  ),
  blocks: [],
  secure: 'runs',
  check(fields, check) {
    const type = check.flowVariable(['into'], fields.into);
    const wanted = fields.transform === 'length' ? 'number' : 'string';
    if (type !== null && type !== wanted) {
      check.problem(
        ['into'],
        `${fields.transform} gives a ${wanted}, but ${fields.into} is a ${type}`,
        `declare the variable with type: ${wanted}`,
      );
    }
    const name = check.secureVariable(['from'], fields.from);
    if (name === null || fields.transform === 'length') return;
    const kinds = [...(check.collected.get(name) ?? [])];
    if (kinds.some((kind) => kind !== 'cardNumber')) {
      check.problem(
        ['transform'],
        `${fields.transform} would show most of a value that is not a card number`,
        'use transform: length, or take it from a variable that holds a cardNumber only',
      );
    }
  },
  ends: () => false,
  begin: (fields) => ({
    kind: 'wait',
    command: { do: 'extract', source: bareName(fields.from), transform: fields.transform },
  }),
  resume: (fields, _run, event) => ({
    kind: 'next',
    variables: event.type === 'extracted' ? { [bareName(fields.into)]: event.value } : {},
  }),
});
