import { constants } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent, validateHeaderName, validateHeaderValue } from 'node:http';
import { Agent as HttpsAgent, type RequestOptions } from 'node:https';
import { isIPv4 } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import type { HttpsConfig } from '../../config/connector.js';
import type { SecretReference } from '../../config/schema.js';
import { readSecret } from '../../config/secrets.js';
import { certificatesOf, clientCertificate } from './client-certificate.js';
import { type Seal, sealer } from './sealing.js';
import { type Sign, signer } from './signature.js';

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

/** Throws an Error that says what is wrong with the URL. */
export function checkedUrl(config: Pick<HttpsConfig, 'url' | 'allowInsecureHttp'>): URL {
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

type HeaderConfig = Pick<HttpsConfig, 'headers' | 'authorization'>;

/** The configured headers, those of every JSON request, and the referenced secret. Throws as {@link targetOf} does. */
export function jsonHeaders(config: HeaderConfig): Record<string, string> {
  for (const [name, value] of Object.entries(config.headers ?? {})) {
    if (OWN_HEADERS.has(name.toLowerCase())) throw new Error(`header ${name} is written by the connector`);
    validateHeaderName(name);
    validateHeaderValue(name, value);
  }
  return {
    ...config.headers,
    Accept: 'application/json',
    'Accept-Encoding': 'identity',
    ...(config.authorization === undefined ? {} : { Authorization: secretOf(config.authorization) }),
  };
}

/** The authorities of a PEM file. Throws an Error that names it when it holds none: Node would trust nobody, silently. */
function authorities(caFile: string): string {
  const pem = readFileSync(caFile, 'utf8');
  certificatesOf(pem, caFile);
  return pem;
}

/** Opens a connection for each request and verifies certificates. Reads the CA file once. `own`: what we show. */
export function agentOf(url: URL, caFile: string | undefined, own: SecureContextOptions = {}): HttpAgent {
  // Connections are not kept: one that the gateway closes at the same moment would put a charge in doubt.
  if (url.protocol === 'http:') return new HttpAgent({ keepAlive: false });
  return new HttpsAgent({
    keepAlive: false,
    // Said here because NODE_TLS_REJECT_UNAUTHORIZED would otherwise decide.
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    secureOptions: constants.SSL_OP_NO_COMPRESSION | CLEANSE_PLAINTEXT,
    ...own,
    ...(caFile === undefined ? {} : { ca: authorities(caFile) }),
  });
}

/** Where and how charges are posted. */
export interface Target {
  readonly url: URL;
  readonly options: RequestOptions;
  readonly sign: Sign | null;
  readonly seal: Seal | null;
}

/**
 * Reads the referenced secrets, keys and certificates once. Throws an Error that says what is wrong with the
 * configuration and never holds a secret. `now`: milliseconds since the epoch.
 */
export function targetOf(config: HttpsConfig, now: number): Target {
  const url = checkedUrl(config);
  const { caFile, signature, encryption } = config;
  const headers = {
    ...jsonHeaders(config),
    'Content-Type': encryption === undefined ? 'application/json' : 'application/jose',
  };
  checkSignatureHeader(config);
  const own = config.clientCertificate && clientCertificate(config.clientCertificate, now);
  return {
    url,
    options: { agent: agentOf(url, caFile, own), headers },
    sign: signature === undefined ? null : signer(signature),
    seal: encryption === undefined ? null : sealer(encryption),
  };
}

function checkSignatureHeader({ signature, headers }: HttpsConfig): void {
  const name = signature?.header.toLowerCase();
  if (name === undefined) return;
  const others = Object.keys(headers ?? {}).map((one) => one.toLowerCase());
  if (OWN_HEADERS.has(name) || others.includes(name)) {
    throw new Error('the header of `signature` is taken; choose another name');
  }
}
