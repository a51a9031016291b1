import type { PlainValue, StartFacts } from '../../flows/commands.js';
import { runFlow } from '../call/run-flow.js';
import type { SecureEnd, SecureSessionView } from '../call/views.js';
import type { TransferCommand } from '../transfer/transfers.js';
import type { Left } from './leaving-guard.js';
import type { SecureFlowEnd, SecureRun } from './secure-run.js';
import { SecureStay, type SecureStayOptions } from './secure-stay.js';
import { SecureValues } from './secure-values.js';

export interface SecureSessionOptions extends SecureStayOptions {
  readonly invocationData: string;
}

/** What the call does after the session: it goes on with the agent, it ends, or the customer is handed on. */
export type AfterSession = 'talk' | 'end' | TransferCommand;

/** Ends after which the customer is still on the line. */
const STAYS: ReadonlySet<SecureEnd> = new Set(['returned', 'cancelled', 'transferred']);

/**
 * A stay in secure mode for the whole run of a secure flow: shields up, the flow alone with the caller, shields down in
 * reverse. Clean-up runs in {@link run} itself, not under the signal that a hang-up aborts.
 */
export class SecureSession {
  readonly stay: SecureStay;
  readonly #options: SecureSessionOptions;
  readonly #values = new SecureValues();

  constructor(options: SecureSessionOptions) {
    this.#options = options;
    this.stay = new SecureStay(options);
  }

  get id(): string {
    return this.stay.id;
  }

  /** Engages the shields. False: the session was refused, what was engaged is released, the call goes on as it was. */
  engage(): Promise<boolean> {
    return this.stay.engage();
  }

  view(): SecureSessionView {
    return this.stay.view();
  }

  /** Runs the flow of an engaged session and leaves secure mode. */
  async run(): Promise<AfterSession> {
    const run = await this.#runFlow();
    const result = this.#values.redact(run.data);
    // Nothing reads the digits any more: they must not wait for the guard, nor for what may go wrong in it.
    this.#values.wipe();
    this.stay.unshield(result);
    const end = this.#endOf(run.end);
    const left = STAYS.has(end) ? await this.#guard(end) : 'gone';
    if (left !== 'quiet') return this.#leaveByHangingUp(this.#lost(end, left));
    const command = run.end !== 'interrupted' && run.end.kind === 'transfer' ? run.end.command : null;
    return command ? this.#handOn(command) : this.#returnToAgent(end);
  }

  async #runFlow(): Promise<{ end: SecureFlowEnd | 'interrupted'; data: Record<string, PlainValue> }> {
    const { run, signal } = this.stay.begin(this.#values);
    try {
      const end = await runFlow(this.#options.flow, this.#facts(), run, signal);
      return { end, data: resultData(end, run) };
    } catch (error) {
      this.stay.failed(error);
      return { end: { kind: 'disconnect', reason: 'error' }, data: resultData('interrupted', run) };
    }
  }

  #facts(): StartFacts {
    const { id, from, to, language } = this.#options.conversation;
    return { id, from, to, language, invocationData: this.#options.invocationData };
  }

  #endOf(end: SecureFlowEnd | 'interrupted'): SecureEnd {
    const { customer, agent } = this.#options.conversation;
    if (customer.leg.gone.aborted) return 'customer-hung-up';
    if (end === 'interrupted') {
      if (this.#options.shutdown.aborted) return 'shutdown';
      return this.stay.cancelled.aborted ? 'cancelled' : 'flow-error';
    }
    if (end.kind === 'disconnect') return end.reason === 'flow' ? 'disconnected' : 'flow-error';
    if (end.kind === 'transfer') return 'transferred';
    if (agent) return 'returned';
    return this.#options.source && !this.#options.disconnect ? 'agent-gone' : 'disconnected';
  }

  async #guard(end: SecureEnd): Promise<Left> {
    if (end === 'transferred') return this.stay.guard();
    const { agent } = this.#options.conversation;
    return agent ? this.stay.guard(agent.leg.gone) : 'gone';
  }

  /** Why a session that would have gone back to the agent does not. */
  #lost(end: SecureEnd, left: Left): SecureEnd {
    if (!STAYS.has(end)) return end;
    if (this.#options.conversation.customer.leg.gone.aborted) return 'customer-hung-up';
    if (this.#options.shutdown.aborted) return 'shutdown';
    if (left === 'restless') return 'flow-error';
    const { source, disconnect } = this.#options;
    return end === 'cancelled' && (source === null || disconnect) ? 'cancelled' : 'agent-gone';
  }

  async #returnToAgent(end: SecureEnd): Promise<'talk' | 'end'> {
    const released = await this.stay.release();
    const { agent, customer } = this.#options.conversation;
    if (!released) return this.#leaveByHangingUp('shield-failed');
    if (!agent || customer.leg.gone.aborted) return this.#leaveByHangingUp(this.#lost(end, 'gone'));
    agent.moveTo('connected');
    this.stay.finish(end, agent);
    return 'talk';
  }

  /** The agent is freed first (G6), so that the shield of the agent leg has nobody to join the customer with. */
  async #handOn(command: TransferCommand): Promise<AfterSession> {
    const { conversation } = this.#options;
    const { agent, customer } = conversation;
    if (agent) await conversation.endParticipant(agent);
    if (!(await this.stay.release())) return this.#leaveByHangingUp('shield-failed');
    if (customer.leg.gone.aborted) return this.#leaveByHangingUp('customer-hung-up');
    this.stay.finish('transferred', agent);
    return command;
  }

  async #leaveByHangingUp(end: SecureEnd): Promise<'end'> {
    await this.stay.leaveByHangingUp(end);
    return 'end';
  }
}

/** The flow's own data, or, when it ended early, what became of the charge: the agent must never be left guessing. */
function resultData(end: SecureFlowEnd | 'interrupted', run: SecureRun): Record<string, PlainValue> {
  return end !== 'interrupted' && end.kind === 'return' ? { ...end.data } : run.verdict;
}
