import { constants } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent, validateHeaderName, validateHeaderValue } from 'node:http';
import { Agent as HttpsAgent, type RequestOptions } from 'node:https';
import { isIPv4 } from 'node:net';
import type { ConnectorConfig, SecretReference } from '../../config/schema.js';
import { readSecret } from '../../config/secrets.js';

export type HttpsConfig = Extract<ConnectorConfig, { type: 'https' }>;

/** OpenSSL's SSL_OP_CLEANSE_PLAINTEXT, which Node has no name for: received plaintext is zeroed once read. */
const CLEANSE_PLAINTEXT = 2;

/** Written by the connector, or changing how the body is framed. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'authorization',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'idempotency-key',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

function isLoopback(hostname: string): boolean {
  if (hostname === 'localhost' || hostname === '[::1]') return true;
  return isIPv4(hostname) && hostname.startsWith('127.');
}

function checkedUrl(config: HttpsConfig): URL {
  const url = new URL(config.url);
  if (url.username !== '' || url.password !== '') {
    throw new Error('no user or password in `url`; name the secret by `authorization`');
  }
  if (url.protocol === 'https:') return url;
  if (url.protocol !== 'http:') throw new Error('`url` must begin with https:');
  if (!config.allowInsecureHttp)
    throw new Error('`url` must begin with https:, card numbers need encryption');
  if (!isLoopback(url.hostname)) throw new Error('`allowInsecureHttp` permits http: to loopback only');
  return url;
}

function secretOf(reference: SecretReference): string {
  if ((reference.env === undefined) === (reference.file === undefined)) {
    throw new Error('`authorization` takes either `env` or `file`');
  }
  const secret = readSecret(reference, process.env);
  // Not left to node:http, whose message might one day show the value.
  if (!/^[\x20-\x7e]+$/.test(secret))
    throw new Error('the secret of `authorization` is not one line of ASCII text');
  return secret;
}

function checkedHeaders(config: HttpsConfig): Record<string, string> {
  for (const [name, value] of Object.entries(config.headers ?? {})) {
    if (OWN_HEADERS.has(name.toLowerCase())) throw new Error(`header ${name} is written by the connector`);
    validateHeaderName(name);
    validateHeaderValue(name, value);
  }
  return {
    ...config.headers,
    Accept: 'application/json',
    'Accept-Encoding': 'identity',
    'Content-Type': 'application/json',
    ...(config.authorization === undefined ? {} : { Authorization: secretOf(config.authorization) }),
  };
}

/**
 * Where and how charges are posted. Reads the referenced secrets and the CA file once. Throws an Error that
 * says what is wrong with the configuration and never holds a secret.
 */
export function targetOf(config: HttpsConfig): { readonly url: URL; readonly options: RequestOptions } {
  const url = checkedUrl(config);
  const headers = checkedHeaders(config);
  // Connections are not kept: one that the gateway closes at the same moment would put a charge in doubt.
  if (url.protocol === 'http:')
    return { url, options: { agent: new HttpAgent({ keepAlive: false }), headers } };
  const agent = new HttpsAgent({
    keepAlive: false,
    // Said here because NODE_TLS_REJECT_UNAUTHORIZED would otherwise decide.
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    secureOptions: constants.SSL_OP_NO_COMPRESSION | CLEANSE_PLAINTEXT,
    ...(config.caFile === undefined ? {} : { ca: readFileSync(config.caFile) }),
  });
  return { url, options: { agent, headers } };
}
