import Type from 'typebox';
import { duration, milliseconds } from '../duration.js';
import { defineAction } from './action.js';

export const wait = defineAction({
  name: 'wait',
  description: 'waits in silence, then goes on',
  schema: Type.Object({ duration: duration('how long') }, { additionalProperties: false }),
  blocks: [],
  check: (fields, check) => check.duration(['duration'], fields.duration, 100, 300_000),
  ends: () => false,
  begin: (fields) => ({ kind: 'wait', command: { do: 'wait', ms: milliseconds(fields.duration) } }),
  resume: () => ({ kind: 'next' }),
});
