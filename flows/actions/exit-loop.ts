import Type from 'typebox';
import { defineAction } from './action.js';

export const exitLoop = defineAction({
  name: 'exitLoop',
  description: 'leaves the innermost loop around it and goes on after that',
  schema: Type.Object({}, { additionalProperties: false }),
  blocks: [],
  ends: () => true,
  begin: () => ({ kind: 'exitLoop' }),
});
