import type { CaptureError, FieldKind } from '../commands.js';

/** A field that a caller keys in; a menu is no such field. */
export type CaptureKind = Exclude<FieldKind, 'menu'>;

const OWN: Readonly<Record<CaptureKind, readonly CaptureError[]>> = {
  cardNumber: ['invalid-card-number', 'invalid-card-type'],
  expiry: ['invalid-date'],
  securityCode: ['invalid-security-code'],
  postalCode: ['invalid-postal-code'],
  routingNumber: ['invalid-bank-routing-number'],
  accountNumber: ['invalid-bank-account-number'],
  digits: ['invalid-input'],
  date: ['invalid-date'],
};

/** The errors after which a field of this kind is asked again; `isTwice`: it is keyed twice. */
export function errorsOf(kind: CaptureKind, isTwice: boolean): readonly CaptureError[] {
  return ['timeout', ...OWN[kind], ...(isTwice ? (['input-matching-failed'] as const) : [])];
}
