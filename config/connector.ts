import Type, { type Static } from 'typebox';
import { FilePath, Headers, SecretReference, secretReference, strict } from './fields.js';

/** Entries of `connectors`: one schema for each type of payment gateway. */

const Pci = Type.Optional(
  Type.Boolean({
    description: 'the operator vouches that what stands there is assessed under PCI DSS; flows need `true`',
  }),
);

const timeoutMs = Type.Integer({
  minimum: 100,
  maximum: 60_000,
  default: 10_000,
  description: 'deadline of one try',
});

const SandboxConnector = Type.Object(
  { type: Type.Literal('sandbox', { description: 'in process; takes documented test cards only' }) },
  strict,
);

const ClientCertificate = Type.Object(
  {
    certFile: FilePath('PEM file with our certificate, and the intermediate ones after it'),
    key: secretReference('its private key in PEM, from one of'),
    passphrase: Type.Optional(secretReference('what the private key is encrypted with, from one of')),
  },
  { ...strict, description: 'shown to a gateway that asks who we are (mutual TLS)' },
);

const Signature = Type.Object(
  {
    algorithm: Type.Enum(['sha256', 'sha384', 'sha512'], {
      default: 'sha256',
      description: 'hash of the HMAC: `sha256`, `sha384` or `sha512`',
    }),
    header: Type.String({
      pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$",
      default: 'Tacet-Signature',
      description: 'name of the header',
    }),
    keyId: Type.Optional(
      Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$', description: 'sent as `kid`, to tell keys apart' }),
    ),
    key: secretReference('the key shared with the gateway, at least 32 characters, from one of'),
  },
  { ...strict, description: 'HMAC of each request' },
);

const EncryptionKey = Type.Object(
  {
    kid: Type.String({
      pattern: '^[A-Za-z0-9._-]{1,64}$',
      description: 'by which the gateway finds the private key; written into the JWE',
    }),
    file: FilePath('PEM file with the public key, or a certificate that has it'),
    validFrom: Type.Optional(
      Type.String({
        format: 'instant',
        description: 'from when it is used, as `2027-01-31T00:00:00Z`; without it at once',
      }),
    ),
  },
  strict,
);

const Encryption = Type.Object(
  {
    algorithm: Type.Enum(['RSA-OAEP-256', 'ECDH-ES'], {
      description: 'how the content key is agreed on: `RSA-OAEP-256` or `ECDH-ES`',
    }),
    keys: Type.Array(EncryptionKey, {
      minItems: 1,
      description: 'public keys of the gateway: the one in use, and for a rotation the next one',
    }),
  },
  { ...strict, description: 'the whole body as a JWE' },
);

const Reconcile = Type.Object(
  {
    path: Type.String({
      pattern: "^/[A-Za-z0-9._~!$&'()*+,;=:@%/-]{0,255}$",
      description: 'what is asked: this path of the gateway, `/` and the idempotency key',
    }),
    everyMs: Type.Integer({
      minimum: 1000,
      maximum: 3_600_000,
      default: 10_000,
      description: 'time before the first question, and between two',
    }),
    forMs: Type.Integer({
      minimum: 1000,
      maximum: 86_400_000,
      default: 900_000,
      description: 'after so long nobody asks any more',
    }),
  },
  { ...strict, description: 'asks what became of a charge in doubt' },
);

const HttpsConnector = Type.Object(
  {
    type: Type.Literal('https', { description: 'a gateway that takes JSON over HTTPS' }),
    pci: Pci,
    url: Type.String({ format: 'http-url', description: 'where a charge is posted' }),
    headers: Type.Optional(Headers),
    authorization: Type.Optional(SecretReference),
    timeoutMs,
    retries: Type.Integer({
      minimum: 0,
      maximum: 5,
      default: 2,
      description: 'further tries with the same idempotency key, only where nothing can be charged twice',
    }),
    caFile: Type.Optional(FilePath('PEM file with the only certificate authorities that are trusted')),
    clientCertificate: Type.Optional(ClientCertificate),
    signature: Type.Optional(Signature),
    encryption: Type.Optional(Encryption),
    secureOutputs: Type.Optional(
      Type.Array(Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_]{0,39}$' }), {
        uniqueItems: true,
        description: 'outputs that flows get as secure values only; without it `token`',
      }),
    ),
    reconcile: Type.Optional(Reconcile),
    allowInsecureHttp: Type.Boolean({
      default: false,
      description: 'permits `http:`, and that only to loopback',
    }),
  },
  strict,
);

const { everyMs, forMs } = Reconcile.properties;

const StripeConnector = Type.Object(
  {
    type: Type.Literal('stripe', { description: "cards by Stripe's API" }),
    pci: Pci,
    secretKey: secretReference('the secret key of the Stripe account, from one of'),
    apiBase: Type.Optional(
      Type.String({ format: 'http-url', description: "where Stripe's API is; without it the real one" }),
    ),
    timeoutMs,
    caFile: Type.Optional(FilePath('PEM file with the only certificate authorities that are trusted')),
    reconcile: Type.Optional(
      Type.Object({ everyMs, forMs }, { ...strict, description: 'asks what became of a charge in doubt' }),
    ),
    allowInsecureHttp: Type.Boolean({
      default: false,
      description: 'permits `http:`, and that only to loopback',
    }),
  },
  strict,
);

export const ConnectorConfig = Type.Union([SandboxConnector, HttpsConnector, StripeConnector]);
export type StripeConfig = Static<typeof StripeConnector>;
export type ConnectorConfig = Static<typeof ConnectorConfig>;
export type HttpsConfig = Static<typeof HttpsConnector>;

type Resolve = (relative: string) => string;

function secretPath<S extends SecretReference>(reference: S, path: Resolve): S {
  return reference.file === undefined ? reference : { ...reference, file: path(reference.file) };
}

function httpsPaths(config: HttpsConfig, path: Resolve): HttpsConfig {
  const { authorization, caFile, clientCertificate, signature, encryption } = config;
  return {
    ...config,
    ...(caFile !== undefined && { caFile: path(caFile) }),
    ...(authorization && { authorization: secretPath(authorization, path) }),
    ...(clientCertificate && {
      clientCertificate: {
        certFile: path(clientCertificate.certFile),
        key: secretPath(clientCertificate.key, path),
        ...(clientCertificate.passphrase && { passphrase: secretPath(clientCertificate.passphrase, path) }),
      },
    }),
    ...(signature && { signature: { ...signature, key: secretPath(signature.key, path) } }),
    ...(encryption && {
      encryption: {
        ...encryption,
        keys: encryption.keys.map((key) => ({ ...key, file: path(key.file) })),
      },
    }),
  };
}

/** The entry with each path in it made absolute. */
export function connectorPaths(config: ConnectorConfig, path: Resolve): ConnectorConfig {
  if (config.type === 'stripe') {
    return {
      ...config,
      secretKey: secretPath(config.secretKey, path),
      ...(config.caFile !== undefined && { caFile: path(config.caFile) }),
    };
  }
  return config.type === 'https' ? httpsPaths(config, path) : config;
}
