import Type, { type Static } from 'typebox';
import { FilePath, Headers, SecretReference, strict } from './fields.js';

/** An entry of `bots`. */
export const BotService = Type.Object(
  {
    url: Type.String({
      format: 'bot-url',
      description:
        '`https:` posts each turn, `wss:` has one WebSocket for each call of the bot; `http:` and `ws:` to loopback only',
    }),
    headers: Type.Optional(Headers),
    authorization: Type.Optional(SecretReference),
    timeoutMs: Type.Integer({
      minimum: 100,
      maximum: 30_000,
      default: 5000,
      description: 'deadline of one turn, a connection among it',
    }),
    pci: Type.Boolean({
      default: false,
      description: 'it may be told what is keyed in secure mode; `https:` or `wss:` only',
    }),
    breakerFailures: Type.Integer({
      minimum: 1,
      maximum: 1000,
      default: 5,
      description: 'after so many turns in a row that failed, turns fail at once',
    }),
    breakerPauseMs: Type.Integer({
      minimum: 100,
      maximum: 3_600_000,
      default: 30_000,
      description: 'for so long; then a single turn tries again',
    }),
    caFile: Type.Optional(FilePath('PEM file with the only certificate authorities that are trusted')),
    allowInsecureHttp: Type.Boolean({
      default: false,
      description: 'permits `http:` and `ws:` beyond loopback',
    }),
  },
  strict,
);
export type BotServiceConfig = Static<typeof BotService>;
