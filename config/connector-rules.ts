import type { Path } from './check.js';
import type { HttpsConfig, StripeConfig } from './connector.js';
import type { SecretReference } from './fields.js';

type Report = (path: Path, message: string, remedy: string) => void;

/** Reports a reference to a secret that names both an environment variable and a file, or neither. */
export function oneReference(report: Report, path: Path, reference: SecretReference | undefined): void {
  if (reference === undefined || (reference.env === undefined) !== (reference.file === undefined)) return;
  report(path, 'needs exactly one source', 'write either env: NAME or file: path');
}

function encryption(report: Report, path: Path, { keys }: NonNullable<HttpsConfig['encryption']>): void {
  keys.forEach(({ kid }, index) => {
    if (keys.findIndex((one) => one.kid === kid) < index) {
      report([...path, 'keys', index, 'kid'], 'already used above', 'give each entry its own kid');
    }
  });
  const first = keys.every(({ validFrom }) => validFrom !== undefined);
  if (first) report([...path, 'keys'], 'no key is valid at once', 'leave validFrom out of the one in use');
}

/** What the schema cannot say of a stripe connector. */
export function stripeRules(report: Report, path: Path, config: StripeConfig): void {
  oneReference(report, [...path, 'secretKey'], config.secretKey);
  if (config.reconcile) reconcile(report, path, config.reconcile);
}

function reconcile(
  report: Report,
  path: Path,
  { everyMs, forMs }: NonNullable<StripeConfig['reconcile']>,
): void {
  if (forMs < everyMs) report([...path, 'reconcile', 'forMs'], 'nobody would ask', 'write at least everyMs');
}

/** What the schema cannot say of an https connector beside its URL, headers and authorization. */
export function httpsRules(report: Report, path: Path, config: HttpsConfig): void {
  const { clientCertificate, signature } = config;
  const isHttps = new URL(config.url).protocol === 'https:';
  if (clientCertificate && !isHttps) {
    report([...path, 'clientCertificate'], 'http: shows no certificate', 'write an https: URL');
  }
  oneReference(report, [...path, 'clientCertificate', 'key'], clientCertificate?.key);
  oneReference(report, [...path, 'clientCertificate', 'passphrase'], clientCertificate?.passphrase);
  oneReference(report, [...path, 'signature', 'key'], signature?.key);
  if (config.reconcile) reconcile(report, path, config.reconcile);
  if (config.encryption) encryption(report, [...path, 'encryption'], config.encryption);
}
