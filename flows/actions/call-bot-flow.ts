import Type, { type Static } from 'typebox';
import type { Bot } from '../bots/bot.js';
import { afterBotEvent, beginTurns } from '../bots/remote-turns.js';
import { exited, failed, found } from '../bots/result.js';
import type { PlainValue } from '../commands.js';
import { nearest } from '../nearest.js';
import { type ActionCheck, defineAction } from './action.js';
import { checkInput, checkMissing, checkOutput, checkTargets } from './call-module.js';
import { Block, Expression, IDENTIFIER, Name } from './fields.js';

const schema = Type.Object(
  {
    bot: Type.String({ minLength: 1, description: 'the name of a flow of type bot' }),
    inputs: Type.Optional(
      Type.Record(Type.String({ pattern: IDENTIFIER }), Expression, {
        additionalProperties: false,
        maxProperties: 50,
        description: 'expressions by input, as customer: flow.customer',
      }),
    ),
    outputs: Type.Optional(
      Type.Record(
        Type.String({ pattern: IDENTIFIER }),
        Type.String({
          pattern: '^(flow|secure)\\.[A-Za-z][A-Za-z0-9_]{0,49}$',
          description: 'a declared variable, as flow.account or secure.card',
        }),
        {
          additionalProperties: false,
          maxProperties: 50,
          description: 'variables by the slot that goes into them, as account: flow.account',
        },
      ),
    ),
    into: Type.Optional(Name),
    onIntent: Type.Optional(
      Type.Record(Type.String({ pattern: IDENTIFIER }), Block, {
        additionalProperties: false,
        minProperties: 1,
        description: 'lists of actions by intent',
      }),
    ),
  },
  { additionalProperties: false },
);
type Fields = Static<typeof schema>;

export const callBotFlow = defineAction({
  name: 'callBotFlow',
  description: 'has a bot find out what the caller wants and takes the path of that intent',
  schema,
  blocks: ['onNoInput', 'onNoMatch', 'onFailure'],
  nested: [['onIntent', '*']],
  uses: ({ bot }) => [{ kind: 'flow', name: bot, key: 'bot', types: ['bot'] }],
  dataName: (fields, name) => fields.into ?? name,
  check(fields, check) {
    if (fields.into === 'failure') {
      check.problem(['into'], "the name 'failure' is taken", 'choose another name for the result');
    }
    const callee = check.callee('bot', ['bot'], fields.bot);
    if (callee?.bot?.kind === 'digital') {
      const message = `'${fields.bot}' is a digital bot, and a ${check.flowType} flow has a call, without text`;
      check.problem(['bot'], message, 'name a bot of kind: dialogEngine');
    }
    for (const [name, source] of Object.entries(fields.inputs ?? {})) {
      checkInput(name, source, callee?.inputs ?? null, check, 'bot');
    }
    for (const [name, reference] of Object.entries(fields.outputs ?? {})) {
      checkOutput(name, reference, callee?.outputs ?? null, check, 'bot');
    }
    checkTargets(fields, check);
    if (!callee?.bot) return;
    checkMissing(fields, callee.inputs, check, 'bot');
    checkIntents(fields, callee.bot, check);
  },
  ends: () => false,
  begin(fields, run) {
    const callee = run.callee(fields.bot);
    if (!callee?.bot) return failed(fields, run, 'unknown-bot', `there is no bot '${fields.bot}'`);
    if (callee.bot.kind === 'digital') return failed(fields, run, 'digital-bot', 'a call has no text');
    const inputs: Record<string, PlainValue> = {};
    for (const [name, source] of Object.entries(fields.inputs ?? {})) inputs[name] = run.evaluate(source);
    if (callee.bot.remote !== null) return beginTurns(fields, run, callee, inputs);
    const outputs = fields.outputs ?? {};
    return { kind: 'module', module: fields.bot, inputs, secureInputs: {}, outputs };
  },
  resume: (fields, run, event) => afterBotEvent(fields, run, event),
  back(fields, run, result) {
    if (!result.ok) return failed(fields, run, result.reason, result.message);
    const { intent, exit } = result.values;
    if (intent === '') return exited(fields, run, String(exit));
    const slots = run.callee(fields.bot)?.bot?.intents[String(intent)] ?? [];
    const filled = slots.flatMap((name) => {
      const value = result.values[name];
      return typeof value === 'string' ? [[name, value] as const] : [];
    });
    return found(fields, run, String(intent), Object.fromEntries(filled));
  },
});

function checkIntents(fields: Fields, { intents }: Bot, check: ActionCheck): void {
  for (const name of Object.keys(fields.onIntent ?? {})) {
    if (Object.hasOwn(intents, name)) continue;
    const known = Object.keys(intents);
    const meant = nearest(name, known);
    const remedy = meant ? `did you mean '${meant}'?` : `it has: ${known.join(', ')}`;
    check.problem(['onIntent', name], `the bot has no intent '${name}'`, remedy);
  }
}
