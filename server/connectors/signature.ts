import { createHmac } from 'node:crypto';
import type { HttpsConfig } from '../../config/connector.js';
import { readSecret } from '../../config/secrets.js';

type SignatureConfig = NonNullable<HttpsConfig['signature']>;

/** Fewest characters of a key: as many bits as SHA-256 has, when they are hexadecimal. */
const SHORTEST_KEY = 32;

export interface Signed {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly idempotencyKey: string;
  /** The body as it is sent, in pieces. */
  readonly body: readonly Uint8Array[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Makes the header that lets a gateway see who sent a request, when, and that nobody changed it. */
export type Sign = (request: Signed) => Readonly<Record<string, string>>;

/**
 * Reads the key once. The HMAC covers `v1`, the time in seconds, the idempotency key, method and path, each ended by a
 * line feed, and then the octets of the body (docs/connectors.md). Throws an Error that holds no part of the key.
 */
export function signer(config: SignatureConfig): Sign {
  const { algorithm, header, keyId } = config;
  const key = readSecret(config.key, process.env);
  if (key.length < SHORTEST_KEY) {
    throw new Error(`the key of \`signature\` is too short; write at least ${SHORTEST_KEY} characters`);
  }
  return ({ method, path, idempotencyKey, body, now }) => {
    const seconds = Math.floor(now / 1000);
    const hmac = createHmac(algorithm, key);
    hmac.update(`v1\n${seconds}\n${idempotencyKey}\n${method}\n${path}\n`);
    for (const piece of body) hmac.update(piece);
    const kid = keyId === undefined ? '' : `kid=${keyId},`;
    return { [header]: `${kid}t=${seconds},v1=${hmac.digest('hex')}` };
  };
}
