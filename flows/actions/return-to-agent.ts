import Type from 'typebox';
import type { PlainValue } from '../commands.js';
import { defineAction } from './action.js';
import { Expression, IDENTIFIER } from './fields.js';

const DESTINATIONS = new Set([
  'to',
  'agent',
  'destination',
  'target',
  'queue',
  'number',
  'flow',
  'transferTo',
]);

export const returnToAgent = defineAction({
  name: 'returnToAgent',
  description: 'gives the caller back to the agent who started the secure session, with data for the script',
  schema: Type.Object(
    {
      data: Type.Optional(
        Type.Record(Type.String({ pattern: IDENTIFIER }), Expression, {
          additionalProperties: false,
          maxProperties: 50,
          description: 'expressions by name, as confirmation: data.charge.confirmation',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  blocks: [],
  only: {
    types: ['secure'],
    remedy: 'use transferToAgent in an inbound flow, or make the flow `type: secure`',
  },
  refusedKey: (key) =>
    DESTINATIONS.has(key)
      ? {
          message: `returnToAgent takes no destination ('${key}')`,
          remedy:
            'remove it: the caller goes back to the agent who started the session, or the call ends when that agent is gone',
        }
      : null,
  check(fields, check) {
    for (const [name, source] of Object.entries(fields.data ?? {})) {
      check.expression(['data', name], source, 'any');
    }
  },
  ends: () => true,
  begin(fields, run) {
    const data: Record<string, PlainValue> = {};
    for (const [name, source] of Object.entries(fields.data ?? {})) data[name] = run.evaluate(source);
    return { kind: 'end', command: { do: 'returnToAgent', data } };
  },
});
