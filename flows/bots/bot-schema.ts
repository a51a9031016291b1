import Type, { type Static } from 'typebox';
import { collectInput } from '../actions/collect-input.js';
import { IDENTIFIER } from '../actions/fields.js';
import { menu } from '../actions/menu.js';
import { duration } from '../duration.js';
import { LANGUAGE_KEYS } from '../language-keys.js';
import { Prompt } from '../prompt.js';

/** What a document of type bot is made of. */

const KEY = '^[0-9*#]$';
const strict = { additionalProperties: false } as const;

/** The keys by which a slot is asked for are those of the two actions that ask. */
const { into: _into, field, prompt: _prompt, ...digits } = collectInput.schema.properties;
const { choices: _choices, prompt: _menuPrompt, ...keys } = menu.schema.properties;

export const COLLECT_KEYS: readonly string[] = Object.keys({ field, ...digits });
export const MENU_KEYS: readonly string[] = Object.keys(keys);

const Value = Type.String({ minLength: 1, maxLength: 200, description: 'a text' });

const Confirm = Type.Object(
  {
    prompt: Prompt,
    yes: Type.Optional(Type.String({ pattern: KEY, default: '1', description: "a key, as '1'" })),
    no: Type.Optional(Type.String({ pattern: KEY, default: '2', description: "a key, as '2'" })),
    rounds: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10, default: 3, description: 'a whole number from 1 to 10' }),
    ),
  },
  { ...strict, description: 'a mapping with prompt, yes, no, rounds' },
);

const Slot = Type.Object(
  {
    description: Type.Optional(Type.String({ description: 'a text' })),
    secure: Type.Optional(Type.Boolean({ default: false, description: 'true or false' })),
    choices: Type.Optional(
      Type.Record(Type.String({ pattern: KEY }), Value, {
        ...strict,
        minProperties: 1,
        description: "values by key, as '1': debit",
      }),
    ),
    values: Type.Optional(
      Type.Array(Value, {
        minItems: 1,
        maxItems: 100,
        description: 'the only values that a remote bot can give it',
      }),
    ),
    prompt: Type.Optional(Prompt),
    confirm: Type.Optional(Confirm),
    field: Type.Optional(field ?? Type.String()),
    ...digits,
    ...keys,
  },
  { ...strict, description: 'a mapping with prompt, and length or max, or choices' },
);
export type SlotSource = Static<typeof Slot>;

const Intent = Type.Object(
  {
    description: Type.Optional(Type.String({ description: 'a text' })),
    key: Type.Optional(
      Type.String({ pattern: KEY, description: "the key of the opening that chooses it, as '1'" }),
    ),
    phrases: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
        minItems: 1,
        maxItems: 100,
        description: 'what a caller says for it, texts',
      }),
    ),
    slots: Type.Optional(
      Type.Array(Type.String({ pattern: IDENTIFIER }), {
        maxItems: 20,
        uniqueItems: true,
        description: 'names of the slots that it needs, in the order they are asked for',
      }),
    ),
  },
  { ...strict, description: 'a mapping with key, phrases, slots' },
);
export type IntentSource = Static<typeof Intent>;

const Opening = Type.Object(
  {
    prompt: Prompt,
    noInput: Type.Optional(Prompt),
    noMatch: Type.Optional(Prompt),
    attempts: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10, default: 3, description: 'a whole number from 1 to 10' }),
    ),
    timeout: Type.Optional(duration('from the end of the prompt to the key', '5s')),
    bargeIn: Type.Optional(
      Type.Boolean({ default: true, description: 'false: keys before the end of the prompt are dropped' }),
    ),
  },
  { ...strict, description: 'a mapping with prompt, noInput, noMatch, attempts, timeout, bargeIn' },
);

const Input = Type.Object(
  {
    type: Type.Enum(['string', 'number', 'boolean'], { description: 'one of string, number, boolean' }),
    default: Type.Optional(
      Type.Union([Type.String(), Type.Number(), Type.Boolean()], { description: 'a value of the type' }),
    ),
    description: Type.Optional(Type.String({ description: 'a text' })),
  },
  { ...strict, description: 'a mapping with type, default, description' },
);

export const BotHeader = Type.Object(
  {
    name: Type.String({
      pattern: '^[a-z][a-z0-9-]{0,62}$',
      description: 'small letters, digits and -, beginning with a letter',
    }),
    type: Type.Literal('bot', { description: 'bot' }),
    description: Type.Optional(Type.String({ description: 'a text' })),
    kind: Type.Enum(['dialogEngine', 'digital'], { description: 'dialogEngine or digital' }),
    remote: Type.Optional(
      Type.String({ minLength: 1, maxLength: 100, description: 'the name of a configured bot service' }),
    ),
    ...LANGUAGE_KEYS,
    inputs: Type.Optional(
      Type.Record(Type.String({ pattern: IDENTIFIER }), Input, {
        ...strict,
        maxProperties: 50,
        description: 'plain inputs by name, as customer: {type: string}',
      }),
    ),
    opening: Type.Optional(Opening),
    intents: Type.Record(Type.String({ pattern: IDENTIFIER }), Intent, {
      ...strict,
      minProperties: 1,
      maxProperties: 50,
      description: 'what a caller can want, by name',
    }),
    slots: Type.Optional(
      Type.Record(Type.String({ pattern: IDENTIFIER }), Slot, {
        ...strict,
        maxProperties: 50,
        description: 'what is asked for, by name',
      }),
    ),
    prompts: Type.Optional(
      Type.Record(Type.String({ pattern: IDENTIFIER }), Prompt, {
        ...strict,
        maxProperties: 100,
        description: 'what a remote bot can say, by name',
      }),
    ),
  },
  { ...strict, description: 'a mapping with name, type, kind, intents' },
);
export type BotHeader = Static<typeof BotHeader>;
