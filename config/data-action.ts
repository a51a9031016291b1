import Type, { type Static } from 'typebox';
import { FilePath, Headers, SecretReference, strict } from './fields.js';

const Output = Type.Object(
  {
    type: Type.Enum(['string', 'number', 'boolean'], {
      description: 'what it must be: `string`, `number` or `boolean`',
    }),
    path: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9_-]{1,64}(\\.[A-Za-z0-9_-]{1,64}){0,9}$',
        description: 'where it is in the JSON answer, as `orders.0.total`; without it under its own name',
      }),
    ),
  },
  strict,
);

/** An entry of `dataActions`. */
export const DataAction = Type.Object(
  {
    url: Type.String({ format: 'http-url', description: 'what is asked; `http:` to loopback only' }),
    method: Type.Enum(['GET', 'POST'], {
      default: 'GET',
      description: '`GET`: the inputs are the query; `POST`: they are a JSON body',
    }),
    headers: Type.Optional(Headers),
    authorization: Type.Optional(SecretReference),
    timeoutMs: Type.Integer({
      minimum: 100,
      maximum: 60_000,
      default: 5000,
      description: 'deadline of one try',
    }),
    retries: Type.Integer({
      minimum: 0,
      maximum: 5,
      default: 0,
      description: 'further tries after a time-out or a fault of the server; `POST` needs `idempotencyKey`',
    }),
    idempotencyKey: Type.Boolean({
      default: false,
      description: 'sends `Idempotency-Key`, the same with every try; the server must act once for each key',
    }),
    outputs: Type.Record(Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_]{0,39}$' }), Output, {
      default: {},
      description: 'what flows see of the answer, by name; without any the body is not read',
    }),
    breakerFailures: Type.Integer({
      minimum: 1,
      maximum: 1000,
      default: 5,
      description: 'after so many failures of the server in a row, calls fail at once',
    }),
    breakerPauseMs: Type.Integer({
      minimum: 100,
      maximum: 3_600_000,
      default: 30_000,
      description: 'for so long; then a single call tries again',
    }),
    caFile: Type.Optional(FilePath('PEM file with the only certificate authorities that are trusted')),
    allowInsecureHttp: Type.Boolean({ default: false, description: 'permits `http:` beyond loopback' }),
  },
  strict,
);
export type DataActionConfig = Static<typeof DataAction>;
