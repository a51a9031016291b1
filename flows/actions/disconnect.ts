import Type from 'typebox';
import { defineAction } from './action.js';

export const disconnect = defineAction({
  name: 'disconnect',
  description: 'hangs up and ends the run',
  schema: Type.Object({}, { additionalProperties: false }),
  blocks: [],
  ends: () => true,
  begin: (_fields, run) => ({
    kind: 'end',
    command: { do: 'disconnect', reason: 'flow', message: `${run.action.name} at ${run.action.path}` },
  }),
});
