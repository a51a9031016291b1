import Type from 'typebox';
import { duration, milliseconds } from '../duration.js';
import { defineAction } from './action.js';
import { Expression } from './fields.js';
import { audioOfTransfer, checkTransferAudio, transferAudio, transferFailed } from './transfer-fields.js';

export const transferToSecureFlow = defineAction({
  name: 'transferToSecureFlow',
  description: 'hands the caller to a secure flow and ends the run when that flow has begun',
  schema: Type.Object(
    {
      flow: Type.String({ minLength: 1, description: 'the name of a flow of type secure' }),
      invocationData: Type.Optional(Expression),
      connectTimeout: Type.Optional(duration('how long the secure flow may take to begin', '10s')),
      ...transferAudio,
    },
    { additionalProperties: false },
  ),
  blocks: ['onFailure'],
  secure: 'hands-over',
  only: {
    types: ['inbound', 'outbound', 'inQueue'],
    remedy: 'a secure flow uses transferToFlow instead, and a module is called by flows that hand over',
  },
  uses: (fields) => [{ kind: 'flow', name: fields.flow, key: 'flow', types: ['secure'] }],
  check(fields, check) {
    if (fields.invocationData !== undefined) {
      check.expression(['invocationData'], fields.invocationData, 'string');
    }
    check.duration(['connectTimeout'], fields.connectTimeout, 1000, 60_000);
    checkTransferAudio(fields, check);
  },
  dataName: (_fields, name) => name,
  ends: (ends, action) => !action.blocks.onFailure || ends('onFailure'),
  prompts: (fields) => [fields.preTransferAudio, fields.failedTransferAudio],
  begin: (fields, run) => ({
    kind: 'wait',
    command: {
      do: 'transferToSecureFlow',
      flow: fields.flow,
      invocationData: String(run.evaluate(fields.invocationData ?? '""') ?? ''),
      connectTimeoutMs: milliseconds(fields.connectTimeout ?? '10s'),
      ...audioOfTransfer(fields, run),
    },
  }),
  resume: (_fields, run, event) => transferFailed(run, event),
});
