import Type, { type Static } from 'typebox';
import Value from 'typebox/value';
import { IDENTIFIER } from '../actions/fields.js';

/** What a remote bot answers to a turn (docs/bots.md). */

const strict = { additionalProperties: false } as const;

const Say = Type.Union([
  Type.String({ minLength: 1, maxLength: 1000 }),
  Type.Object({ prompt: Type.String({ pattern: IDENTIFIER }) }, strict),
]);

const timeouts = {
  firstDigitTimeoutMs: Type.Optional(Type.Integer({ minimum: 1000, maximum: 30_000 })),
  bargeIn: Type.Optional(Type.Boolean()),
};

const Digits = Type.Object(
  {
    min: Type.Optional(Type.Integer({ minimum: 1, maximum: 32 })),
    max: Type.Integer({ minimum: 1, maximum: 32 }),
    terminator: Type.Optional(Type.Enum(['#', '*', 'none'])),
    interDigitTimeoutMs: Type.Optional(Type.Integer({ minimum: 500, maximum: 30_000 })),
    slot: Type.Optional(Type.String({ pattern: IDENTIFIER })),
    ...timeouts,
  },
  strict,
);

const Menu = Type.Object({ menu: Type.String({ pattern: '^[0-9*#]{1,12}$' }), ...timeouts }, strict);

export const BotReply = Type.Object(
  {
    say: Type.Optional(Type.Array(Say, { maxItems: 20 })),
    collect: Type.Optional(Type.Union([Digits, Menu])),
    done: Type.Optional(Type.Boolean()),
    intent: Type.Optional(Type.String({ pattern: IDENTIFIER })),
    slots: Type.Optional(
      Type.Record(Type.String({ pattern: IDENTIFIER }), Type.String({ maxLength: 1000 }), {
        ...strict,
        maxProperties: 50,
      }),
    ),
  },
  strict,
);
export type BotReply = Static<typeof BotReply>;

/** The answer of a bot; null when it is none: it either asks for keys or is done. */
export function botReply(value: unknown): BotReply | null {
  if (!Value.Check(BotReply, value)) return null;
  const { collect, done = false, intent, slots } = value;
  if ((collect !== undefined) === done) return null;
  if (!done && (intent !== undefined || slots !== undefined)) return null;
  if (collect && 'max' in collect && (collect.min ?? 1) > collect.max) return null;
  return value;
}
