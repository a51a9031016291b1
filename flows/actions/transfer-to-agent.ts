import Type from 'typebox';
import { duration, milliseconds } from '../duration.js';
import { defineAction } from './action.js';
import { audioOfTransfer, checkTransferAudio, transferAudio, transferFailed } from './transfer-fields.js';

export const transferToAgent = defineAction({
  name: 'transferToAgent',
  description: 'rings an agent and ends the run when the agent answers',
  schema: Type.Object(
    {
      agent: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 200,
          default: 'any',
          description: "an agent's identifier, or any; {{ expression }} insertions allowed",
        }),
      ),
      ringTimeout: Type.Optional(duration('how long the agent is rung', '20s')),
      ...transferAudio,
    },
    { additionalProperties: false },
  ),
  blocks: ['onFailure'],
  uses: ({ agent = 'any' }) =>
    agent === 'any' || agent.includes('{{') ? [] : [{ kind: 'agent', name: agent, key: 'agent' }],
  only: {
    types: ['inbound', 'outbound', 'secure', 'module'],
    remedy: 'remove it: the caller waits for an agent already',
  },
  check(fields, check) {
    check.template(['agent'], fields.agent ?? 'any');
    check.duration(['ringTimeout'], fields.ringTimeout, 1000, 300_000);
    checkTransferAudio(fields, check);
  },
  dataName: (_fields, name) => name,
  ends: (ends, action) => !action.blocks.onFailure || ends('onFailure'),
  prompts: (fields) => [fields.preTransferAudio, fields.failedTransferAudio],
  begin: (fields, run) => ({
    kind: 'wait',
    command: {
      do: 'transferToAgent',
      agent: run.text(fields.agent ?? 'any'),
      ringTimeoutMs: milliseconds(fields.ringTimeout ?? '20s'),
      ...audioOfTransfer(fields, run),
    },
  }),
  resume: (_fields, run, event) => transferFailed(run, event),
});
