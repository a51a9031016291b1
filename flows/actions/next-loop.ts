import Type from 'typebox';
import { defineAction } from './action.js';

export const nextLoop = defineAction({
  name: 'nextLoop',
  description: 'ends this turn of the innermost loop around it, which decides about the next one',
  schema: Type.Object({}, { additionalProperties: false }),
  blocks: [],
  ends: () => true,
  begin: () => ({ kind: 'nextLoop' }),
});
