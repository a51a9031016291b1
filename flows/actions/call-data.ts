import Type from 'typebox';
import type { CallDataResult, PlainValue } from '../commands.js';
import { Prompt } from '../prompt.js';
import { defineAction } from './action.js';
import { Expression, IDENTIFIER, Name } from './fields.js';

/** The path of each result. A success may go on without one. */
const PATHS: Readonly<Record<CallDataResult['status'], string>> = {
  success: 'onSuccess',
  failure: 'onFailure',
  timeout: 'onTimeout',
};

export const callData = defineAction({
  name: 'callData',
  description: 'asks a configured HTTP service and takes the path of its answer',
  schema: Type.Object(
    {
      action: Type.String({
        minLength: 1,
        maxLength: 100,
        description: 'the name of a configured data action',
      }),
      inputs: Type.Optional(
        Type.Record(Type.String({ pattern: IDENTIFIER }), Expression, {
          additionalProperties: false,
          maxProperties: 50,
          description: 'expressions by input name, as customer: flow.customer',
        }),
      ),
      processingAudio: Type.Optional(Prompt),
      into: Name,
    },
    { additionalProperties: false },
  ),
  blocks: Object.values(PATHS),
  refusedKey: (key) =>
    key === 'secureInputs'
      ? {
          message: 'callData takes no secure values',
          remedy: 'hand them to callSecureData, or give the last4, bin, brand or length of extractSecureData',
        }
      : null,
  dataName: (fields) => fields.into,
  uses: (fields) => [{ kind: 'dataAction', name: fields.action, key: 'action' }],
  check(fields, check) {
    if (fields.into === 'failure') {
      check.problem(['into'], "the name 'failure' is taken", 'choose another name for the result');
    }
    for (const [input, source] of Object.entries(fields.inputs ?? {})) {
      check.expression(['inputs', input], source, 'any');
    }
    check.prompt(['processingAudio'], fields.processingAudio);
  },
  ends: (ends, action) =>
    ends('onSuccess') && Object.values(PATHS).every((path) => !action.blocks[path] || ends(path)),
  prompts: (fields) => [fields.processingAudio],
  begin(fields, run) {
    const inputs: Record<string, PlainValue> = {};
    for (const [input, source] of Object.entries(fields.inputs ?? {})) inputs[input] = run.evaluate(source);
    return {
      kind: 'wait',
      command: {
        do: 'callData',
        action: fields.action,
        inputs,
        processingAudio: run.audio(fields.processingAudio),
        occurrence: run.occurrence,
      },
    };
  },
  resume(fields, run, event) {
    if (event.type !== 'dataAnswered') return { kind: 'next' };
    const { status, error, message, outputs } = event.result;
    const data = { [fields.into]: { ...outputs, status, reason: error, error, message } };
    const block = PATHS[status];
    if (status === 'success' && !run.action.blocks[block]) return { kind: 'next', data };
    return { kind: 'path', block, reason: error || status, data };
  },
});
