import Type from 'typebox';
import { defineAction } from './action.js';
import { isTrue } from './condition.js';
import { Expression } from './fields.js';

export const decision = defineAction({
  name: 'decision',
  description: 'takes the path `then` when the expression is true, `else` when it is false',
  schema: Type.Object({ if: Expression }, { additionalProperties: false }),
  blocks: ['then', 'else'],
  check(fields, check) {
    check.expression(['if'], fields.if, 'bool');
  },
  ends: (ends) => ends('then') && ends('else'),
  begin(fields, run) {
    const block = isTrue(run, fields.if) ? 'then' : 'else';
    return run.action.blocks[block] ? { kind: 'path', block, reason: '' } : { kind: 'next' };
  },
});
