import { randomInt } from 'node:crypto';
import type { DataResult } from '../../flows/commands.js';
import type { SecureValue } from '../secure/secure-value.js';
import type { ChargeRequest, Connector, ConnectorResult } from './connector.js';
import { requestProblem } from './request-problem.js';
import { secureText } from './secure-outputs.js';
import { type TestCard, testAccountOf, testCardOf } from './test-cards.js';

/** Charges remembered for their idempotency keys; the oldest is forgotten first. */
const REMEMBERED = 10_000;

/** One charge as tests may look at it. Nothing that was keyed is in it. */
export interface SandboxCharge {
  readonly idempotencyKey: string;
  readonly brand: string;
  readonly result: DataResult;
  /** How often it was asked for; it was charged once at most. */
  readonly tries: number;
}

const refused = (reason: string): DataResult => ({ status: 'error', reason, outputs: {} });

/**
 * A gateway in this process, for trying things out. Takes only the test cards and bank accounts of docs/connectors.md and
 * answers at once. The same idempotency key gets the same answer and never a second charge.
 */
export class SandboxConnector implements Connector {
  readonly name: string;
  readonly #random: (min: number, max: number) => number;
  /** What each token stands for; it may be charged with once unless it is reusable. */
  readonly #tokens = new Map<string, { readonly card: TestCard; readonly isReusable: boolean }>();
  readonly #charges = new Map<string, SandboxCharge>();
  #closed = false;

  /** `random` returns a whole number from `min` to below `max`. */
  constructor(name: string, random: (min: number, max: number) => number = randomInt) {
    this.name = name;
    this.#random = random;
  }

  async charge(request: ChargeRequest): Promise<ConnectorResult> {
    if (request.operation === 'tokenise') return this.#tokenise(request);
    const earlier = this.#charges.get(request.idempotencyKey);
    // Looked up before anything can be refused: `error` would say that nothing was charged.
    if (earlier !== undefined) {
      this.#charges.set(request.idempotencyKey, { ...earlier, tries: earlier.tries + 1 });
      return earlier.result;
    }
    if (this.#closed) return refused('connector-closed');
    if (request.signal.aborted) return refused('cancelled');
    const problem = requestProblem(request);
    if (problem !== null) return refused(problem);
    const token = request.secure.get('token');
    const known = token === undefined ? keyedCard(request) : this.#redeem(token);
    if (known === undefined) {
      return refused(token === undefined ? 'sandbox-accepts-only-test-cards' : 'unknown-token');
    }
    const { brand, status, reason } = known;
    const result = { status, reason, outputs: status === 'approved' ? this.#confirmation() : {} };
    this.#remember({ idempotencyKey: request.idempotencyKey, brand, result, tries: 1 });
    return result;
  }

  /** What was charged, declined or left in doubt, oldest first. */
  charges(): readonly SandboxCharge[] {
    return [...this.#charges.values()];
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  /** A token for a test card, for one charge or, by the input `tokenType`, for many. Nothing is charged. */
  #tokenise(request: ChargeRequest): ConnectorResult {
    if (this.#closed) return refused('connector-closed');
    const problem = requestProblem(request);
    if (problem !== null) return refused(problem);
    const card = keyedCard(request);
    if (card === undefined) return refused('sandbox-accepts-only-test-cards');
    const token = `tok_sandbox_${this.#random(100_000_000, 1_000_000_000)}`;
    this.#tokens.set(token, { card, isReusable: request.inputs.tokenType === 'reusable' });
    forgetOldest(this.#tokens);
    const approved: ConnectorResult = { status: 'approved', reason: '', outputs: { brand: card.brand } };
    if (!request.secureOutputs?.includes('token')) return approved;
    return { ...approved, secureOutputs: new Map([['token', secureText(token)]]) };
  }

  #redeem(token: SecureValue): TestCard | undefined {
    const known = [...this.#tokens].find(([text]) =>
      token.use('data-action', (held) => Buffer.from(text).equals(held)),
    );
    if (known === undefined) return undefined;
    const [text, { card, isReusable }] = known;
    if (!isReusable) this.#tokens.delete(text);
    return card;
  }

  /** Six digits: short enough to be spoken, and never taken for a card number. */
  #confirmation(): { confirmation: string } {
    return { confirmation: String(this.#random(100_000, 1_000_000)) };
  }

  #remember(charge: SandboxCharge): void {
    this.#charges.set(charge.idempotencyKey, charge);
    forgetOldest(this.#charges);
  }
}

function forgetOldest(map: Map<string, unknown>): void {
  if (map.size <= REMEMBERED) return;
  const oldest = map.keys().next();
  if (!oldest.done) map.delete(oldest.value);
}

function keyedCard({ secure }: ChargeRequest): TestCard | undefined {
  return (
    secure.get('cardNumber')?.use('data-action', testCardOf) ??
    secure.get('accountNumber')?.use('data-action', testAccountOf)
  );
}
