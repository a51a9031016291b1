import Type from 'typebox';
import { duration, milliseconds } from '../duration.js';
import { defineAction } from './action.js';
import { audioOfTransfer, checkTransferAudio, transferAudio, transferFailed } from './transfer-fields.js';

export const transferToQueue = defineAction({
  name: 'transferToQueue',
  description: 'rings the agents of a queue and ends the run when one of them answers',
  schema: Type.Object(
    {
      queue: Type.String({ minLength: 1, maxLength: 100, description: 'the name of a configured queue' }),
      ringTimeout: Type.Optional(duration('how long agents are waited for and rung', '20s')),
      ...transferAudio,
    },
    { additionalProperties: false },
  ),
  blocks: ['onFailure'],
  uses: (fields) => [{ kind: 'queue', name: fields.queue, key: 'queue' }],
  check(fields, check) {
    check.duration(['ringTimeout'], fields.ringTimeout, 1000, 300_000);
    checkTransferAudio(fields, check);
  },
  dataName: (_fields, name) => name,
  ends: (ends, action) => !action.blocks.onFailure || ends('onFailure'),
  prompts: (fields) => [fields.preTransferAudio, fields.failedTransferAudio],
  begin: (fields, run) => ({
    kind: 'wait',
    command: {
      do: 'transferToQueue',
      queue: fields.queue,
      ringTimeoutMs: milliseconds(fields.ringTimeout ?? '20s'),
      ...audioOfTransfer(fields, run),
    },
  }),
  resume: (_fields, run, event) => transferFailed(run, event),
});
