import Type from 'typebox';
import type { DataResult, PlainValue } from '../commands.js';
import { isCurrency } from '../currency.js';
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
        Type.Union([Type.Literal('charge'), Type.Literal('tokenise')], {
          default: 'charge',
          description:
            'charge takes the money; tokenise has the gateway keep the card or account, and charges nothing',
        }),
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
      parameters: Type.Optional(
        Type.Record(Type.String({ pattern: IDENTIFIER }), Expression, {
          additionalProperties: false,
          maxProperties: 50,
          description: 'handed to the gateway as a mapping of its own: expressions by name',
        }),
      ),
      outputs: Type.Optional(
        Type.Record(Type.String({ pattern: IDENTIFIER }), SecureVariable, {
          additionalProperties: false,
          maxProperties: 5,
          description: 'outputs that go into secure variables, as token: secure.token',
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
  uses: (fields) => [{ kind: 'connector', name: fields.connector, key: 'connector' }],
  // Of what a gateway puts there nothing but the length may be shown, as of any digits.
  collects: ({ outputs = {} }) =>
    Object.values(outputs).map((reference) => ({ variable: bareName(reference), kind: 'digits' })),
  check(fields, check) {
    if (fields.into === 'failure') {
      check.problem(['into'], "the name 'failure' is taken", 'choose another name for the result');
    }
    for (const [input, reference] of Object.entries(fields.secureInputs)) {
      check.secureVariable(['secureInputs', input], reference);
    }
    const currency = /^(["'])([^"'\\]*)\1$/.exec(String(fields.inputs?.currency ?? ''))?.[2];
    if (currency !== undefined && !isCurrency(currency)) {
      const remedy = `write three capitals, as '"EUR"'`;
      check.problem(['inputs', 'currency'], `'${currency}' is no currency code of ISO 4217`, remedy);
    }
    for (const [output, reference] of Object.entries(fields.outputs ?? {})) {
      check.secureVariable(['outputs', output], reference);
    }
    for (const key of ['inputs', 'parameters'] as const) {
      for (const [name, source] of Object.entries(fields[key] ?? {})) {
        check.expression([key, name], source, 'any');
      }
    }
    check.prompt(['processingAudio'], fields.processingAudio);
  },
  ends: (ends, action) =>
    ends('onApproved') && Object.values(PATHS).every((path) => !action.blocks[path] || ends(path)),
  prompts: (fields) => [fields.processingAudio],
  begin(fields, run) {
    const evaluated = (sources: NonNullable<typeof fields.inputs> = {}) =>
      Object.fromEntries(
        Object.entries(sources).map(([name, source]): [string, PlainValue] => [name, run.evaluate(source)]),
      );
    const bare = (references: Readonly<Record<string, string>> = {}) =>
      Object.fromEntries(Object.entries(references).map(([name, reference]) => [name, bareName(reference)]));
    return {
      kind: 'wait',
      command: {
        do: 'callSecureData',
        connector: fields.connector,
        operation: fields.operation ?? 'charge',
        secureInputs: bare(fields.secureInputs),
        secureOutputs: bare(fields.outputs),
        inputs: evaluated(fields.inputs),
        parameters: evaluated(fields.parameters),
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
