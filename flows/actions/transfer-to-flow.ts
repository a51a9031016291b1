import Type from 'typebox';
import { defineAction } from './action.js';
import { Expression } from './fields.js';
import { transferAudio } from './transfer-fields.js';

export const transferToFlow = defineAction({
  name: 'transferToFlow',
  description: 'ends this run and goes on with another flow of the same type, on the same leg',
  schema: Type.Object(
    {
      flow: Type.String({ minLength: 1, description: 'the name of a flow of the same type' }),
      invocationData: Type.Optional(Expression),
      preTransferAudio: transferAudio.preTransferAudio,
    },
    { additionalProperties: false },
  ),
  blocks: [],
  only: {
    types: ['inbound', 'outbound', 'inQueue', 'secure'],
    remedy: 'a module goes back to the flow that called it: put the transfer there',
  },
  refusedKey: (key) =>
    key === 'onFailure' || key === 'failedTransferAudio'
      ? {
          message: 'transferToFlow has no way back',
          remedy: 'remove it: a transfer that fails disconnects the call',
        }
      : null,
  uses: (fields, type) => [{ kind: 'flow', name: fields.flow, key: 'flow', types: [type] }],
  check(fields, check) {
    if (fields.invocationData !== undefined) {
      check.expression(['invocationData'], fields.invocationData, 'string');
    }
    check.prompt(['preTransferAudio'], fields.preTransferAudio);
  },
  ends: () => true,
  prompts: (fields) => [fields.preTransferAudio],
  begin: (fields, run) => ({
    kind: 'end',
    command: {
      do: 'transferToFlow',
      flow: fields.flow,
      invocationData: String(run.evaluate(fields.invocationData ?? '""') ?? ''),
      preTransferAudio: run.audio(fields.preTransferAudio),
    },
  }),
});
