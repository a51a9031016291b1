import Type from 'typebox';
import { MOST_ENTRIES } from '../plain-data.js';
import { defineAction } from './action.js';
import { appliedOrFailed, checkExpressions, evaluateAll } from './applied.js';
import { Expression, IDENTIFIER } from './fields.js';

export const setParticipantData = defineAction({
  name: 'setParticipantData',
  description: "sets attributes of the caller, which the API shows to the agent's side; null removes one",
  schema: Type.Object(
    {
      set: Type.Record(Type.String({ pattern: IDENTIFIER }), Expression, {
        additionalProperties: false,
        minProperties: 1,
        maxProperties: MOST_ENTRIES,
        description: 'expressions by attribute, as customer: flow.customer',
      }),
    },
    { additionalProperties: false },
  ),
  blocks: ['onFailure'],
  dataName: (_fields, name) => name,
  check: (fields, check) => checkExpressions('set', fields.set, check),
  ends: () => false,
  begin: (fields, run) => ({
    kind: 'wait',
    command: { do: 'setParticipantData', attributes: evaluateAll(fields.set, run) },
  }),
  resume: (_fields, run, event) => appliedOrFailed(run, event),
});
