import type { FlowCommand, FlowEvent, SecureFailure } from '../../flows/commands.js';
import type { Flow } from '../../flows/flow.js';
import type { Conversation } from '../call/conversation.js';
import type { Executed } from '../call/run-flow.js';
import type { SecureEnd } from '../call/views.js';
import type { SecureRun } from './secure-run.js';
import type { Leaving, SecureStay } from './secure-stay.js';
import { SecureValues } from './secure-values.js';

type Ended = { readonly kind: 'disconnect'; readonly reason: 'error' };

const FAULT = { end: { kind: 'disconnect', reason: 'error' } } as const;

interface Current {
  readonly stay: SecureStay;
  readonly run: SecureRun;
  /** What the conversation goes back to. */
  readonly from: Exclude<Conversation['state'], 'ended'>;
}

/**
 * The secure actions in one run of a flow that is not secure, and what they keyed in. Those that follow each other share
 * one session:
 *
 * ```
 * open ──first secure action: shields up──▶ secure ──first other action: guard, shields down──▶ open
 *                                              └──end of the run, time-out, fault: hang up, then shields down
 * ```
 */
export class SecureActions {
  /** Live to the end of the run, through every session of it. */
  readonly values = new SecureValues();
  readonly #newStay: (flow: Flow) => SecureStay;
  #current: Current | null = null;

  /** `newStay`: a session in state `requested` for actions of this flow. */
  constructor(newStay: (flow: Flow) => SecureStay) {
    this.#newStay = newStay;
  }

  /** The call is in secure mode. */
  get active(): boolean {
    return this.#current !== null;
  }

  /** Executes the command of a secure action of the flow, with every shield engaged and confirmed, or not at all. */
  async execute(command: FlowCommand, flow: Flow, surplusSince: number | null): Promise<Executed<Ended>> {
    const current = this.#current ?? (await this.#enter(flow, surplusSince));
    if (!current) return refused('shield-failed', 'secure mode could not be entered');
    const { stay, run } = current;
    if (stay.cancelled.aborted) return refused('cancelled', 'the secure session was cancelled');
    try {
      const executed = await run.execute(command);
      if (stay.tooLong.aborted || !('event' in executed)) return FAULT;
      // A charge that was under way was made or not: the flow has to be told which.
      if (!stay.cancelled.aborted || command.do === 'callSecureData') return executed;
      return refused('cancelled', 'the secure session was cancelled');
    } catch (error) {
      stay.failed(error);
      return FAULT;
    }
  }

  /** The way out in order, before an action that is not secure. False: that failed, and the call has ended. */
  async leave(): Promise<boolean> {
    const current = this.#current;
    if (!current) return true;
    this.#current = null;
    const { stay, from } = current;
    const end = stay.cancelled.aborted ? 'cancelled' : 'completed';
    stay.unshield({});
    const left = await stay.leave();
    if (left !== 'released' || stay.conversation.customer.leg.gone.aborted) {
      await stay.leaveByHangingUp(lost(stay, left));
      return false;
    }
    stay.finish(end, null);
    stay.conversation.moveTo(from);
    return true;
  }

  /** The end of the run. A call that is in secure mode then is hung up before the shields come down. */
  async close(reason: 'flow' | 'error'): Promise<void> {
    const current = this.#current;
    this.#current = null;
    const result = this.values.redact(current?.run.verdict ?? {});
    this.values.wipe();
    if (!current) return;
    const { stay } = current;
    stay.unshield(result);
    await stay.leaveByHangingUp(endOf(stay, reason));
  }

  async #enter(flow: Flow, surplusSince: number | null): Promise<Current | null> {
    const stay = this.#newStay(flow);
    if (!(await stay.engage())) return null;
    const { conversation } = stay;
    const from = conversation.state === 'ended' ? 'ivr' : conversation.state;
    this.#current = { stay, run: stay.begin(this.values, surplusSince).run, from };
    conversation.moveTo('secure');
    return this.#current;
  }
}

function refused(reason: SecureFailure, message: string): { event: FlowEvent } {
  return { event: { type: 'secureFailed', reason, message } };
}

function lost(stay: SecureStay, left: Leaving): SecureEnd {
  return left === 'not-released' ? 'shield-failed' : endOf(stay, 'error');
}

function endOf({ conversation, shutdown, cancelled }: SecureStay, reason: 'flow' | 'error'): SecureEnd {
  if (conversation.customer.leg.gone.aborted) return 'customer-hung-up';
  if (shutdown.aborted) return 'shutdown';
  if (cancelled.aborted) return 'cancelled';
  return reason === 'flow' ? 'disconnected' : 'flow-error';
}
