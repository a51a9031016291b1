import Type, { type Static } from 'typebox';
import type { CollectCommand, CollectFailure } from '../commands.js';
import { duration, milliseconds } from '../duration.js';
import { isFinal } from '../final-errors.js';
import { Prompt } from '../prompt.js';
import { type ActionCheck, defineAction, type Outcome, type Run } from './action.js';
import { Block } from './fields.js';

const KEY = '^[0-9*#]$';

const schema = Type.Object(
  {
    prompt: Prompt,
    choices: Type.Record(Type.String({ pattern: KEY }), Block, {
      additionalProperties: false,
      minProperties: 1,
      description: "lists of actions by key, as '1': [...]; keys are '0' to '9', '*' and '#'",
    }),
    noInput: Type.Optional(Prompt),
    noMatch: Type.Optional(Prompt),
    attempts: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10, default: 3, description: 'a whole number from 1 to 10' }),
    ),
    timeout: Type.Optional(duration('from the end of the prompt to the key', '5s')),
    bargeIn: Type.Optional(
      Type.Boolean({ default: true, description: 'false: keys before the end of the prompt are dropped' }),
    ),
    default: Type.Optional(
      Type.String({ pattern: KEY, description: "the key of the choice taken without one, as '1'" }),
    ),
    defaultPrompt: Type.Optional(Prompt),
  },
  { additionalProperties: false },
);
type Fields = Static<typeof schema>;

export const menu = defineAction({
  name: 'menu',
  description: 'asks the caller for one key and takes the path of that choice',
  schema,
  blocks: ['onFailure'],
  nested: [['choices', '*']],
  check: checkFields,
  dataName: (_fields, name) => name,
  ends: (ends, action) => Object.keys(action.blocks).every(ends),
  prompts: (fields) => [fields.prompt, fields.noInput, fields.noMatch, fields.defaultPrompt],
  begin: (fields, run) => ask(fields, run, 1, undefined),
  resume(fields, run, event) {
    if (event.type === 'played') return choose(fields.default ?? '');
    if (event.type !== 'collected') return { kind: 'next' };
    if (event.result.ok) return choose(event.result.value ?? '');
    const { error } = event.result;
    if (!isFinal(error) && run.attempt < (fields.attempts ?? 3)) {
      return ask(fields, run, run.attempt + 1, error === 'timeout' ? fields.noInput : fields.noMatch);
    }
    return giveUp(fields, run, error);
  },
});

function choose(key: string): Outcome {
  return { kind: 'path', block: `choices.${key}`, reason: 'invalid-input' };
}

/** After the last attempt: the default choice, with what is said of it, or the failure path. */
function giveUp(fields: Fields, run: Run, error: CollectFailure['error']): Outcome {
  if (fields.default !== undefined && !isFinal(error)) {
    const audio = run.audio(fields.defaultPrompt);
    if (audio.length === 0) return choose(fields.default);
    return { kind: 'wait', command: { do: 'play', audio, bargeIn: false } };
  }
  const data = { [run.action.name]: { status: 'error', reason: error, error, message: '' } };
  return { kind: 'path', block: 'onFailure', reason: error, data };
}

function ask(fields: Fields, run: Run, attempt: number, before: Prompt | undefined): Outcome {
  const choices = Object.keys(fields.choices).join('');
  const timeoutMs = milliseconds(fields.timeout ?? '5s');
  const command: CollectCommand = {
    do: 'collect',
    field: { kind: 'menu', min: 1, max: 1, brands: [], cardVariable: null, choices },
    into: { scope: 'menu', name: run.action.name },
    audio: [...run.audio(before), ...run.audio(fields.prompt)],
    again: null,
    bargeIn: fields.bargeIn ?? true,
    firstDigitTimeoutMs: timeoutMs,
    interDigitTimeoutMs: timeoutMs,
    totalTimeoutMs: timeoutMs,
    // A # that is no choice is the late end of a field before, and must not count as a wrong key.
    terminator: choices.includes('#') ? null : '#',
    clearKey: null,
    attempt,
    attempts: fields.attempts ?? 3,
  };
  return { kind: 'wait', command, attempt };
}

function checkFields(fields: Fields, check: ActionCheck): void {
  for (const key of ['prompt', 'noInput', 'noMatch', 'defaultPrompt'] as const) {
    check.prompt([key], fields[key]);
  }
  check.duration(['timeout'], fields.timeout ?? '5s', 1000, 99_000);
  if (fields.default !== undefined && !Object.hasOwn(fields.choices, fields.default)) {
    const keys = Object.keys(fields.choices).join(', ');
    check.problem(['default'], `'${fields.default}' is no choice of this menu`, `give one of ${keys}`);
  }
  if (fields.defaultPrompt !== undefined && fields.default === undefined) {
    check.problem(['defaultPrompt'], 'there is no default to speak of', "add default: a choice's key");
  }
}
