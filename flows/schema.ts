import Type, { type Static, type TSchema } from 'typebox';
import { Acknowledgement } from './acknowledgement.js';
import { Block, Expression, IDENTIFIER, Name } from './actions/fields.js';
import { ACTIONS } from './actions/registry.js';
import { BotHeader } from './bots/bot-schema.js';
import { Spoken } from './capture/spoken.js';
import { LANGUAGE_KEYS } from './language-keys.js';
import { Prompt, PromptItem } from './prompt.js';

/** What a flow document is made of, beside its actions. */

const Variable = Type.Object(
  {
    type: Type.Union(
      [Type.Literal('string'), Type.Literal('number'), Type.Literal('boolean'), Type.Literal('secure')],
      { description: 'one of string, number, boolean, secure' },
    ),
    default: Type.Optional(
      Type.Union([Type.String(), Type.Number(), Type.Boolean()], { description: 'a value of the type' }),
    ),
    description: Type.Optional(Type.String({ description: 'a text' })),
  },
  { additionalProperties: false, description: 'a mapping with type, default, description' },
);

const SECURE_FIELDS = [
  'cardNumber',
  'expiry',
  'securityCode',
  'postalCode',
  'routingNumber',
  'accountNumber',
  'digits',
] as const;

/** An input or output of a module. */
const PortDeclaration = Type.Object(
  {
    type: Variable.properties.type,
    field: Type.Optional(
      Type.Enum(SECURE_FIELDS, { description: `what a secure one holds: ${SECURE_FIELDS.join(', ')}` }),
    ),
    default: Variable.properties.default,
    description: Variable.properties.description,
  },
  { additionalProperties: false, description: 'a mapping with type, field, default, description' },
);
export type PortSource = Static<typeof PortDeclaration>;

const ports = (what: string) =>
  Type.Record(Type.String({ pattern: IDENTIFIER }), PortDeclaration, {
    additionalProperties: false,
    maxProperties: 50,
    description: `${what} of a module by name, as amount: {type: number}`,
  });

const Actions = Type.Unsafe<unknown[]>({ type: 'array', minItems: 1, description: 'a list of actions' });

/** The header of a document. Lists of actions are checked one action at a time, for the sake of clear messages. */
export const Header = Type.Object(
  {
    name: Type.String({
      pattern: '^[a-z][a-z0-9-]{0,62}$',
      description: 'small letters, digits and -, beginning with a letter',
    }),
    type: Type.Union(
      [
        Type.Literal('inbound'),
        Type.Literal('outbound'),
        Type.Literal('inQueue'),
        Type.Literal('secure'),
        Type.Literal('module'),
      ],
      { description: 'one of inbound, outbound, inQueue, secure, bot, module' },
    ),
    description: Type.Optional(Type.String({ description: 'a text' })),
    inputs: Type.Optional(ports('inputs')),
    outputs: Type.Optional(ports('outputs')),
    ...LANGUAGE_KEYS,
    variables: Type.Optional(
      Type.Record(Type.String({ pattern: IDENTIFIER }), Variable, {
        additionalProperties: false,
        maxProperties: 100,
        description: 'declarations by name, as amount: {type: number}',
      }),
    ),
    tasks: Type.Object(
      { main: Actions },
      {
        additionalProperties: Actions,
        maxProperties: 100,
        description: 'a mapping with main: a list of actions, and more tasks by name',
      },
    ),
    onError: Type.Optional(Actions),
    acknowledgement: Type.Optional(Acknowledgement),
  },
  { additionalProperties: false, description: 'a mapping with name, type, tasks' },
);
export type Header = Static<typeof Header>;

const SHARED = {
  spoken: Spoken,
  prompt: Prompt,
  promptItem: PromptItem,
  expression: Expression,
  block: Block,
};
const BLOCK = { $ref: '#/$defs/block' };

/** The schema of the whole language, for editors; `flow.schema.json` is this, written out. */
export function jsonSchema(): object {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Tacet flow',
    type: 'object',
    if: { properties: { type: { const: 'bot' } } },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: plain(BotHeader),
    else: flowSchema(),
    $defs: {
      ...Object.fromEntries(Object.entries(SHARED).map(([name, part]) => [name, plain(part, name)])),
      block: { type: 'array', items: { $ref: '#/$defs/action' } },
      action: { oneOf: [...ACTIONS.keys()].map((name) => ({ $ref: `#/$defs/${name}` })) },
      ...Object.fromEntries([...ACTIONS.values()].map((action) => [action.name, actionSchema(action.name)])),
    },
  };
}

/** Of every type but bots. */
function flowSchema(): object {
  const header = plain(Header) as { properties: Record<string, object> };
  return {
    ...header,
    properties: {
      ...header.properties,
      tasks: {
        type: 'object',
        required: ['main'],
        properties: { main: { ...BLOCK, minItems: 1 } },
        patternProperties: { [IDENTIFIER]: { ...BLOCK, minItems: 1 } },
        additionalProperties: false,
        maxProperties: 100,
        description: 'main, where a run begins, and tasks for callTask',
      },
      onError: { ...BLOCK, minItems: 1, description: 'what the run does when an action has failed' },
    },
  };
}

function actionSchema(name: string): object {
  const action = ACTIONS.get(name);
  const own = plain(action?.schema ?? Type.Object({})) as { required?: string[]; properties: object };
  return {
    type: 'object',
    description: action?.description,
    required: ['do', ...(own.required ?? [])],
    properties: {
      do: { const: name },
      name: plain(Name),
      ...own.properties,
      ...Object.fromEntries((action?.blocks ?? []).map((block) => [block, BLOCK])),
    },
    additionalProperties: false,
  };
}

/** The schema as JSON, with the parts that stand in many places written once, under `$defs`. */
function plain(schema: TSchema, itself?: string): unknown {
  const parts = Object.entries(SHARED).filter(([name]) => name !== itself);
  const shared = parts.reduce(
    (text, [name, part]) => text.replaceAll(JSON.stringify(part), `{"$ref":"#/$defs/${name}"}`),
    JSON.stringify(schema),
  );
  return JSON.parse(shared);
}
