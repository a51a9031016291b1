import Type, { type Static } from 'typebox';
import { duration, milliseconds } from '../duration.js';
import { parseTemplate } from '../expressions/template.js';
import { telephoneNumber } from '../telephone-number.js';
import { type ActionCheck, defineAction } from './action.js';
import { audioOfTransfer, checkTransferAudio, transferAudio, transferFailed } from './transfer-fields.js';

const schema = Type.Object(
  {
    number: Type.String({
      minLength: 1,
      maxLength: 200,
      description: "a telephone number in quotes, as '+4930555010'; {{ expression }} insertions allowed",
    }),
    trunk: Type.String({ minLength: 1, maxLength: 100, description: 'the name of a configured trunk' }),
    ringTimeout: Type.Optional(duration('how long the number is rung', '30s')),
    ...transferAudio,
  },
  { additionalProperties: false },
);

export const transferToNumber = defineAction({
  name: 'transferToNumber',
  description: 'calls a number over a trunk and ends the run when it answers',
  schema,
  uses: (fields) => [{ kind: 'trunk', name: fields.trunk, key: 'trunk' }],
  blocks: ['onFailure'],
  check: checkFields,
  dataName: (_fields, name) => name,
  ends: (ends, action) => !action.blocks.onFailure || ends('onFailure'),
  prompts: (fields) => [fields.preTransferAudio, fields.failedTransferAudio],
  begin: (fields, run) => ({
    kind: 'wait',
    command: {
      do: 'transferToNumber',
      number: run.text(fields.number),
      trunk: fields.trunk,
      ringTimeoutMs: milliseconds(fields.ringTimeout ?? '30s'),
      ...audioOfTransfer(fields, run),
    },
  }),
  resume: (_fields, run, event) => transferFailed(run, event),
});

function checkFields(fields: Static<typeof schema>, check: ActionCheck): void {
  const template = parseTemplate(fields.number);
  const isFixed = typeof template !== 'string' && template.expressions.length === 0;
  if (isFixed && telephoneNumber(fields.number) === null) {
    check.problem(['number'], 'no telephone number', "write digits, with or without a +, as '+4930555010'");
  }
  check.template(['number'], fields.number);
  check.duration(['ringTimeout'], fields.ringTimeout, 1000, 300_000);
  checkTransferAudio(fields, check);
}
