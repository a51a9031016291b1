import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { SecureContextOptions } from 'node:tls';
import type { HttpsConfig } from '../../config/connector.js';
import { readKey, readSecret } from '../../config/secrets.js';

type ClientCertificate = NonNullable<HttpsConfig['clientCertificate']>;

const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** The certificates of a PEM text, each of which can be read. `what` names the file in the Error it throws else. */
export function certificatesOf(pem: string, what: string): readonly X509Certificate[] {
  const blocks = pem.match(PEM) ?? [];
  if (blocks.length === 0) throw new Error(`${what} holds no certificate; write it in PEM`);
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch {
      throw new Error(`certificate ${index + 1} of ${what} cannot be read; write it in PEM`);
    }
  });
}

function privateKey(config: ClientCertificate): { readonly pem: string; readonly passphrase?: string } {
  const pem = readKey(config.key, process.env);
  const passphrase = config.passphrase && readSecret(config.passphrase, process.env);
  return { pem, ...(passphrase !== undefined && { passphrase }) };
}

function parsedKey({ pem, passphrase }: ReturnType<typeof privateKey>): KeyObject {
  try {
    return createPrivateKey({ key: pem, ...(passphrase !== undefined && { passphrase }) });
  } catch {
    // OpenSSL's words are not passed on: they might repeat what it read.
    const remedy =
      passphrase === undefined ? 'write a private key in PEM, or name its `passphrase`' : 'check it';
    throw new Error(`the key of \`clientCertificate\` cannot be read; ${remedy}`);
  }
}

function inForce(certificate: X509Certificate, file: string, now: number): void {
  if (Date.parse(certificate.validTo) <= now) {
    throw new Error(`${file} has expired (${certificate.validTo}); renew the certificate`);
  }
  if (Date.parse(certificate.validFrom) > now) {
    throw new Error(`${file} is not valid before ${certificate.validFrom}; check the clock, or name another`);
  }
}

/**
 * Certificate and key for the handshake, read once. Throws an Error that names the file when it does not load, when the
 * two do not belong together, or when the certificate has expired; never with a part of the key.
 */
export function clientCertificate(config: ClientCertificate, now: number): SecureContextOptions {
  const { certFile } = config;
  const cert = readFileSync(certFile, 'utf8');
  const [own] = certificatesOf(cert, certFile);
  const key = privateKey(config);
  const parsed = parsedKey(key);
  if (!own?.checkPrivateKey(parsed)) {
    throw new Error(
      `the key of \`clientCertificate\` is not that of ${certFile}; name the two that belong together`,
    );
  }
  inForce(own, certFile, now);
  return { cert, key: parsed.export({ type: 'pkcs8', format: 'pem' }) };
}
