import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { CompactEncrypt } from 'jose';
import type { HttpsConfig } from '../../config/connector.js';

type EncryptionConfig = NonNullable<HttpsConfig['encryption']>;

interface SealingKey {
  readonly kid: string;
  readonly key: KeyObject;
  /** Milliseconds since the epoch. */
  readonly validFrom: number;
}

const CURVES: readonly string[] = ['prime256v1', 'secp384r1', 'secp521r1'];

function readPublicKey(file: string): KeyObject {
  const pem = readFileSync(file, 'utf8');
  if (pem.includes('PRIVATE KEY')) {
    throw new Error(`${file} holds a private key; leave that with the gateway and write the public one`);
  }
  try {
    return createPublicKey(pem);
  } catch {
    throw new Error(`${file} holds no public key; write one in PEM, or a certificate`);
  }
}

/** Why a key cannot be used with the algorithm, or null. */
function unfit(key: KeyObject, algorithm: EncryptionConfig['algorithm']): string | null {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (algorithm === 'ECDH-ES') {
    const isFit = type === 'x25519' || (type === 'ec' && CURVES.includes(details?.namedCurve ?? ''));
    return isFit ? null : 'no key for ECDH-ES; write one on P-256, P-384, P-521 or X25519';
  }
  if (type !== 'rsa') return 'no RSA key; write one, or algorithm: ECDH-ES';
  return (details?.modulusLength ?? 0) >= 2048 ? null : 'too short; write an RSA key of 2048 bits or more';
}

function readKeys({ algorithm, keys }: EncryptionConfig): readonly SealingKey[] {
  return keys.map(({ kid, file, validFrom }) => {
    const key = readPublicKey(file);
    const problem = unfit(key, algorithm);
    if (problem !== null) throw new Error(`the key ${kid} (${file}) is ${problem}`);
    return { kid, key, validFrom: validFrom === undefined ? 0 : Date.parse(validFrom) };
  });
}

/** Encrypts a body, which it zeroes, to the gateway's key of that time. */
export type Seal = (body: Uint8Array, now: number) => Promise<Buffer>;

/**
 * Reads the public keys once. Throws an Error that names the file of a key that cannot be used. The body becomes a
 * compact JWE (RFC 7516 section 3.1) with A256GCM, whose protected header has `kid`; of several keys that are valid
 * the newest is used, the later of the list when two begin together.
 */
export function sealer(config: EncryptionConfig): Seal {
  const { algorithm } = config;
  const keys = readKeys(config);
  return async (body, now) => {
    try {
      const valid = keys.filter(({ validFrom }) => validFrom <= now);
      const current = valid.reduce((newest, one) => (one.validFrom >= newest.validFrom ? one : newest));
      const header = { alg: algorithm, enc: 'A256GCM', kid: current.kid, cty: 'application/json' };
      const jwe = await new CompactEncrypt(body).setProtectedHeader(header).encrypt(current.key);
      return Buffer.from(jwe, 'latin1');
    } finally {
      body.fill(0);
    }
  };
}
