import Type from 'typebox';
import type { DataResult, PlainValue } from '../commands.js';
import { Prompt } from '../prompt.js';
import { defineAction } from './action.js';
import { bareName, Expression, IDENTIFIER, Name, SecureVariable } from './fields.js';

/** The path of each verdict. Approved alone may go on without one: nobody is told of a payment that was not made. */
const PATHS: Readonly<Record<DataResult['status'], string>> = {
  approved: 'onApproved',
  declined: 'onDeclined',
  'in-doubt': 'onInDoubt',
  error: 'onError',
};

export const callSecureData = defineAction({
  name: 'callSecureData',
  description: 'sends secure values to a payment connector and takes the path of its verdict',
  schema: Type.Object(
    {
      connector: Type.String({
        minLength: 1,
        maxLength: 100,
        description: 'the name of a configured connector',
      }),
      operation: Type.Optional(
        Type.Literal('charge', { default: 'charge', description: 'charge is the only operation' }),
      ),
      secureInputs: Type.Record(Type.String({ pattern: IDENTIFIER }), SecureVariable, {
        additionalProperties: false,
        minProperties: 1,
        maxProperties: 20,
        description: 'secure variables by input name, as cardNumber: secure.card',
      }),
      inputs: Type.Optional(
        Type.Record(Type.String({ pattern: IDENTIFIER }), Expression, {
          additionalProperties: false,
          maxProperties: 50,
          description: 'expressions by input name, as amount: flow.amount',
        }),
      ),
      processingAudio: Type.Optional(Prompt),
      into: Name,
    },
    { additionalProperties: false },
  ),
  blocks: Object.values(PATHS),
  secure: 'runs',
  dataName: (fields) => fields.into,
  check(fields, check) {
    if (fields.into === 'failure') {
      check.problem(['into'], "the name 'failure' is taken", 'choose another name for the result');
    }
    for (const [input, reference] of Object.entries(fields.secureInputs)) {
      check.secureVariable(['secureInputs', input], reference);
    }
    for (const [input, source] of Object.entries(fields.inputs ?? {})) {
      check.expression(['inputs', input], source, 'any');
    }
    check.prompt(['processingAudio'], fields.processingAudio);
  },
  ends: (ends, action) =>
    ends('onApproved') && Object.values(PATHS).every((path) => !action.blocks[path] || ends(path)),
  prompts: (fields) => [fields.processingAudio],
  begin(fields, run) {
    const inputs: Record<string, PlainValue> = {};
    for (const [input, source] of Object.entries(fields.inputs ?? {})) inputs[input] = run.evaluate(source);
    const secureInputs = Object.fromEntries(
      Object.entries(fields.secureInputs).map(([input, reference]) => [input, bareName(reference)]),
    );
    return {
      kind: 'wait',
      command: {
        do: 'callSecureData',
        connector: fields.connector,
        operation: fields.operation ?? 'charge',
        secureInputs,
        inputs,
        processingAudio: run.audio(fields.processingAudio),
        occurrence: run.occurrence,
      },
    };
  },
  resume(fields, run, event) {
    if (event.type !== 'dataCalled') return { kind: 'next' };
    const { status, reason, outputs } = event.result;
    const data = { [fields.into]: { error: '', message: '', ...outputs, status, reason } };
    const block = PATHS[status];
    if (status === 'approved' && !run.action.blocks[block]) return { kind: 'next', data };
    return { kind: 'path', block, reason: reason || status, data };
  },
});
