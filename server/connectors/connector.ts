import type { DataResult, PlainValue } from '../../flows/commands.js';
import type { SecureValue } from '../secure/secure-value.js';
import type { SecureOutputs } from './secure-outputs.js';

/** One call of a secure data action. */
export interface ChargeRequest {
  /** `tokenise`: the gateway keeps the card or account and gives a token for it; nothing is charged. */
  readonly operation: 'charge' | 'tokenise';
  /** The same key for every try of the same charge; the gateway charges once per key. */
  readonly idempotencyKey: string;
  /**
   * `cardNumber`, `expiry` (MMYY), `securityCode` and `postalCode`, or `routingNumber` and `accountNumber`, or the `token`
   * of an earlier `tokenise`: looked at through sink `data-action` only.
   */
  readonly secure: ReadonlyMap<string, SecureValue>;
  /** `amount` (minor units as a number, or a decimal string as the gateway wants it), `currency`, `reference`, ... */
  readonly inputs: Readonly<Record<string, PlainValue>>;
  /** For the gateway, as a mapping of its own. Default: none. */
  readonly parameters?: Readonly<Record<string, PlainValue>>;
  /** Outputs wanted as secure values. Default: none. */
  readonly secureOutputs?: readonly string[];
  /** Aborted when the call ends. A charge already sent is then in doubt, not undone. */
  readonly signal: AbortSignal;
}

/** What became of a charge in doubt, asked for afterwards. `unknown`: the gateway gave no verdict. */
export type Reconciled = 'approved' | 'declined' | 'unknown';

/** The answer to a charge. */
export interface ConnectorResult extends DataResult {
  /** With `approved`: the outputs wanted as secure values, as far as there are any. The receiver wipes them. */
  readonly secureOutputs?: SecureOutputs;
  /** With `in-doubt`, where the gateway is asked afterwards. Never rejects; settles when the connector is closed. */
  readonly later?: Promise<Reconciled>;
}

/**
 * A gateway for secure data actions. Never rejects: every failure is a {@link DataResult}. `error` promises
 * that nothing was charged; when that is not certain the result is `in-doubt`.
 */
export interface Connector {
  readonly name: string;
  /** Carries out the operation of the request. */
  charge(request: ChargeRequest): Promise<ConnectorResult>;
  close(): Promise<void>;
}
