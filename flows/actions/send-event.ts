import Type from 'typebox';
import { MOST_ENTRIES } from '../plain-data.js';
import { defineAction } from './action.js';
import { appliedOrFailed, checkExpressions, evaluateAll } from './applied.js';
import { Expression, IDENTIFIER } from './fields.js';

export const sendEvent = defineAction({
  name: 'sendEvent',
  description: "publishes an event of the author's on the event stream",
  schema: Type.Object(
    {
      type: Type.String({
        pattern: '^[a-z][a-z0-9]*([.-][a-z0-9]+)*$',
        maxLength: 50,
        description: 'small letters and digits, parted by . or -, as order.found',
      }),
      data: Type.Optional(
        Type.Record(Type.String({ pattern: IDENTIFIER }), Expression, {
          additionalProperties: false,
          maxProperties: MOST_ENTRIES,
          description: 'expressions by name, as order: flow.order',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  blocks: ['onFailure'],
  dataName: (_fields, name) => name,
  check: (fields, check) => checkExpressions('data', fields.data, check),
  ends: () => false,
  begin: (fields, run) => ({
    kind: 'wait',
    command: { do: 'sendEvent', type: fields.type, data: evaluateAll(fields.data, run) },
  }),
  resume: (_fields, run, event) => appliedOrFailed(run, event),
});
