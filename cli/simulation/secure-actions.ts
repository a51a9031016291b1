import type { FlowCommand, FlowEvent, SecureFailure } from '../../flows/commands.js';
import type { Executed } from '../../server/call/run-flow.js';
import { SecureHost, type SecureHostOptions } from './secure-host.js';
import { SimulatedStay } from './stay.js';

type Ended = { readonly kind: 'disconnect'; readonly reason: 'error' };

const FAULT = { end: { kind: 'disconnect', reason: 'error' } } as const;

export interface SecureActionsOptions extends Omit<SecureHostOptions, 'sessionId' | 'signal'> {
  readonly runId: string;
  /** The shields cannot be engaged. */
  readonly refused: boolean;
}

interface Current {
  readonly stay: SimulatedStay;
  readonly host: SecureHost;
  readonly cancelled: AbortSignal;
}

/** The secure actions in one run of a flow that is not secure, as server/secure/secure-actions.ts executes them. */
export class SimulatedActions {
  readonly #options: SecureActionsOptions;
  #current: Current | null = null;
  #sessions = 0;

  constructor(options: SecureActionsOptions) {
    this.#options = options;
  }

  get active(): boolean {
    return this.#current !== null;
  }

  async execute(command: FlowCommand): Promise<Executed<Ended>> {
    const current = this.#current ?? this.#enter();
    if (!current) return refused('shield-failed', 'secure mode could not be entered');
    const { host, cancelled } = current;
    if (cancelled.aborted) return refused('cancelled', 'the secure session was cancelled');
    const executed = await host.execute(command);
    if ('end' in executed) return FAULT;
    if (!cancelled.aborted || command.do === 'callSecureData') return executed;
    return refused('cancelled', 'the secure session was cancelled');
  }

  /** False: the call has ended. */
  async leave(): Promise<boolean> {
    const current = this.#current;
    if (!current) return true;
    this.#current = null;
    const { stay, cancelled } = current;
    const end = cancelled.aborted ? 'cancelled' : 'completed';
    stay.unshield();
    const left = await stay.guard();
    if (left === 'quiet') stay.finish(end);
    else stay.finish(left === 'gone' ? 'customer-hung-up' : 'flow-error');
    return left === 'quiet';
  }

  /** The end of the run: the caller is hung up on before the shields come down. */
  close(reason: 'flow' | 'error'): void {
    const current = this.#current;
    this.#current = null;
    const { fields, line } = this.#options;
    const result = fields.values.redact(current?.host.verdict ?? {});
    fields.values.wipe();
    if (!current) return;
    current.stay.unshield();
    if (Object.keys(result).length > 0) line.tell({ type: 'result', data: result });
    if (line.gone.aborted) current.stay.finish('customer-hung-up');
    else if (current.cancelled.aborted) current.stay.finish('cancelled');
    else current.stay.finish(reason === 'flow' ? 'disconnected' : 'flow-error');
  }

  #enter(): Current | null {
    const { line, runId } = this.#options;
    const stay = new SimulatedStay(line, this.#options.refused);
    if (!stay.engage()) return null;
    this.#sessions += 1;
    const { cancelled } = line;
    const host = new SecureHost({
      ...this.#options,
      sessionId: `${runId}-${this.#sessions}`,
      signal: AbortSignal.any([line.gone, cancelled]),
    });
    this.#current = { stay, host, cancelled };
    return this.#current;
  }
}

function refused(reason: SecureFailure, message: string): { event: FlowEvent } {
  return { event: { type: 'secureFailed', reason, message } };
}
