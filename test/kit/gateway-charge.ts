import type { ChargeRequest } from '../../server/connectors/connector.js';
import { SecureValue } from '../../server/secure/secure-value.js';

/** A card that no sandbox takes; Luhn holds. */
export const KEYED = {
  cardNumber: '4539578763621486',
  expiry: '0831',
  securityCode: '739',
  postalCode: '90210',
} as const;

export function secureValue(digits: string): SecureValue {
  const value = new SecureValue();
  for (const code of Buffer.from(digits, 'latin1')) value.append(code);
  return value;
}

export function secureInputs(digits: Readonly<Record<string, string>> = KEYED): Map<string, SecureValue> {
  return new Map(Object.entries(digits).map(([name, text]) => [name, secureValue(text)]));
}

/** One charge of {@link KEYED}, changed where a test says so. */
export function chargeRequest(changes: Partial<ChargeRequest> = {}): ChargeRequest {
  return {
    operation: 'charge',
    idempotencyKey: 'conversation-1/charge-1',
    secure: secureInputs(),
    inputs: { amount: 1250, currency: 'EUR', reference: 'A-17' },
    signal: new AbortController().signal,
    ...changes,
  };
}
