import type { CallFacts, PlainValue } from '../../flows/commands.js';
import type { Flow } from '../../flows/flow.js';
import { runFlow } from '../call/run-flow.js';
import type { SecureEnd, SecureSessionView } from '../call/views.js';
import type { SecureFlowEnd, SecureRun } from './secure-run.js';
import { type Leaving, SecureStay, type SecureStayOptions } from './secure-stay.js';
import { SecureValues } from './secure-values.js';

export interface SecureSessionOptions extends Omit<SecureStayOptions, 'flow'> {
  readonly flow: Flow;
  readonly invocationData: string;
}

/** A stay in secure mode for the whole run of a secure flow, with an agent who waits or without one. */
export class SecureSession {
  readonly stay: SecureStay;
  readonly #options: SecureSessionOptions;
  readonly #values = new SecureValues();

  constructor(options: SecureSessionOptions) {
    this.#options = options;
    this.stay = new SecureStay({ ...options, flow: options.flow.name });
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
  async run(): Promise<'talk' | 'end'> {
    const run = await this.#runFlow();
    const result = this.#values.redact(run.data);
    // Nothing reads the digits any more: they must not wait for the guard, nor for what may go wrong in it.
    this.#values.wipe();
    this.stay.unshield(result);
    const end = this.#endOf(run.end);
    if (end !== 'returned' && end !== 'cancelled') return this.#leaveByHangingUp(end);
    const { agent } = this.#options.conversation;
    const left = agent ? await this.stay.leave(agent.leg.gone) : 'gone';
    return left === 'released' ? this.#returnToAgent(end) : this.#leaveByHangingUp(this.#lost(end, left));
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

  #facts(): CallFacts {
    const { id, from, to } = this.#options.conversation;
    return { id, from, to, invocationData: this.#options.invocationData };
  }

  #endOf(end: SecureFlowEnd | 'interrupted'): SecureEnd {
    const { customer, agent } = this.#options.conversation;
    if (customer.leg.gone.aborted) return 'customer-hung-up';
    if (end === 'interrupted') {
      if (this.#options.shutdown.aborted) return 'shutdown';
      return this.stay.cancelled.aborted ? 'cancelled' : 'flow-error';
    }
    if (end.kind === 'disconnect') return end.reason === 'flow' ? 'disconnected' : 'flow-error';
    if (agent) return 'returned';
    return this.#options.source && !this.#options.disconnect ? 'agent-gone' : 'disconnected';
  }

  /** Why a session that would have gone back to the agent does not. */
  #lost(end: 'returned' | 'cancelled', left: Exclude<Leaving, 'released'>): SecureEnd {
    if (left === 'not-released') return 'shield-failed';
    if (this.#options.conversation.customer.leg.gone.aborted) return 'customer-hung-up';
    if (this.#options.shutdown.aborted) return 'shutdown';
    if (left === 'restless') return 'flow-error';
    const { source, disconnect } = this.#options;
    return end === 'cancelled' && (source === null || disconnect) ? 'cancelled' : 'agent-gone';
  }

  async #returnToAgent(end: 'returned' | 'cancelled'): Promise<'talk' | 'end'> {
    const { agent, customer } = this.#options.conversation;
    if (!agent || customer.leg.gone.aborted) return this.#leaveByHangingUp(this.#lost(end, 'gone'));
    agent.moveTo('connected');
    this.stay.finish(end, agent);
    return 'talk';
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
