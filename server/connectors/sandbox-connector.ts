import { randomInt } from 'node:crypto';
import type { DataResult } from '../../flows/commands.js';
import type { ChargeRequest, Connector } from './connector.js';
import { instrumentProblem } from './instrument.js';
import { testAccountOf, testCardOf } from './test-cards.js';

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
  readonly #charges = new Map<string, SandboxCharge>();
  #closed = false;

  /** `random` returns a whole number from `min` to below `max`. */
  constructor(name: string, random: (min: number, max: number) => number = randomInt) {
    this.name = name;
    this.#random = random;
  }

  async charge(request: ChargeRequest): Promise<DataResult> {
    const earlier = this.#charges.get(request.idempotencyKey);
    // Looked up before anything can be refused: `error` would say that nothing was charged.
    if (earlier !== undefined) {
      this.#charges.set(request.idempotencyKey, { ...earlier, tries: earlier.tries + 1 });
      return earlier.result;
    }
    if (this.#closed) return refused('connector-closed');
    if (request.signal.aborted) return refused('cancelled');
    const problem = instrumentProblem(request.secure);
    if (problem !== null) return refused(problem);
    const known =
      request.secure.get('cardNumber')?.use('data-action', testCardOf) ??
      request.secure.get('accountNumber')?.use('data-action', testAccountOf);
    if (known === undefined) return refused('sandbox-accepts-only-test-cards');
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

  /** Six digits: short enough to be spoken, and never taken for a card number. */
  #confirmation(): { confirmation: string } {
    return { confirmation: String(this.#random(100_000, 1_000_000)) };
  }

  #remember(charge: SandboxCharge): void {
    this.#charges.set(charge.idempotencyKey, charge);
    if (this.#charges.size <= REMEMBERED) return;
    const oldest = this.#charges.keys().next();
    if (!oldest.done) this.#charges.delete(oldest.value);
  }
}
