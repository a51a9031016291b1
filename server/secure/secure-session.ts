import type { CaptureCommand, PlainValue, StartFacts } from '../../flows/commands.js';
import type { Flow } from '../../flows/flow.js';
import { pause } from '../call/abort.js';
import type { Conversation, SessionRecord } from '../call/conversation.js';
import type { Participant } from '../call/participant.js';
import { runFlow } from '../call/run-flow.js';
import type { SecureEnd, SecureSessionView } from '../call/views.js';
import { type Flows, remembering } from '../flows/published-flows.js';
import type { TransferCommand } from '../transfer/transfers.js';
import { CaptureControl } from './capture-control.js';
import { type Left, leavingGuard } from './leaving-guard.js';
import { type SecureFlowEnd, SecureRun, type SecureRunOptions } from './secure-run.js';
import { SecureValues } from './secure-values.js';
import { SessionState } from './session-state.js';
import type { Shield } from './shields/shield.js';
import { ShieldError, ShieldStack } from './shields/shield-stack.js';

export interface SecureSessionOptions {
  readonly id: string;
  readonly conversation: Conversation;
  readonly flow: Flow;
  /** What a transfer to a flow finds. */
  readonly flows: Flows;
  readonly invocationData: string;
  /** The agent who asked; null when a flow did. */
  readonly source: Participant | null;
  /** Drop the agent at the start instead of parking the agent leg. */
  readonly disconnect: boolean;
  readonly shields: readonly Shield[];
  readonly connectors: SecureRunOptions['connectors'];
  readonly dataActions: SecureRunOptions['dataActions'];
  readonly bots: SecureRunOptions['bots'];
  readonly shieldTimeoutMs: number;
  readonly leavingGuardMs: number;
  readonly leavingGuardMaxMs: number;
  readonly maxSessionMs: number;
  readonly shutdown: AbortSignal;
}

/** What the call does after the session: it goes on with the agent, it ends, or the customer is handed on. */
export type AfterSession = 'talk' | 'end' | TransferCommand;

/** Ends after which the customer is still on the line. */
const STAYS: ReadonlySet<SecureEnd> = new Set(['returned', 'cancelled', 'transferred']);

/**
 * One stay in secure mode: shields up, the flow alone with the caller, shields down in reverse. Clean-up runs in
 * {@link run} itself, not under the signal that a hang-up aborts.
 */
export class SecureSession implements SessionRecord {
  readonly id: string;
  readonly #options: SecureSessionOptions;
  readonly #taken: Set<Flow>;
  readonly #conversation: Conversation;
  readonly #state: SessionState;
  readonly #stack: ShieldStack;
  readonly #values = new SecureValues();
  readonly #control = new CaptureControl();
  readonly #cancel = new AbortController();
  readonly #tooLong = new AbortController();
  readonly #startedAt = new Date().toISOString();
  #endedAt: string | null = null;
  #end: SecureEnd | null = null;
  #reason: string | null = null;
  #result: Record<string, PlainValue> = {};
  readonly #reconciled: SecureSessionView['reconciled'] = [];

  constructor(options: SecureSessionOptions) {
    this.id = options.id;
    this.#options = options;
    this.#taken = new Set([options.flow]);
    this.#conversation = options.conversation;
    this.#state = new SessionState(() => this.#publishState());
    this.#stack = new ShieldStack(options.shields, options.shieldTimeoutMs, (shield, change) =>
      this.#conversation.publish({ type: 'secure.shield', sessionId: this.id, shield, change }),
    );
    this.#publishState();
  }

  get ended(): boolean {
    return this.#state.current === 'ended';
  }

  /** Ends the flow; the caller goes back to the agent after the leaving guard. A charge under way is waited for. */
  cancel(): void {
    this.#cancel.abort();
  }

  /** Has the agent's command done to the field that is being keyed. Throws TacetError when none is, or when it does not fit. */
  command(command: CaptureCommand, by: string | null): void {
    this.#control.command(command, () =>
      this.#conversation.publish({ type: 'secure.command', sessionId: this.id, command: command.do, by }),
    );
  }

  /** Engages the shields. False: the session was refused, what was engaged is released, the call goes on as it was. */
  async engage(): Promise<boolean> {
    this.#state.to('shielding');
    try {
      const { agent } = this.#conversation;
      if (this.#options.disconnect && agent) await this.#conversation.endParticipant(agent);
      await this.#stack.engage();
    } catch (error) {
      this.#state.to('unshielding');
      this.#reason = error instanceof ShieldError ? error.message : 'a shield could not be engaged';
      // Parties that cannot be joined again must not be left standing in silence.
      if (!(await this.#release())) {
        await this.#conversation.abandon('media-failed');
        await this.#stack.discard();
      }
      this.#finish('shield-failed');
      return false;
    }
    this.#conversation.agent?.moveTo('parked');
    this.#state.to('active');
    return true;
  }

  /** Runs the flow of an engaged session and leaves secure mode. */
  async run(): Promise<AfterSession> {
    const run = await this.#runFlow();
    this.#state.to('unshielding');
    this.#result = this.#values.redact(run.data);
    // Nothing reads the digits any more: they must not wait for the guard, nor for what may go wrong in it.
    this.#values.wipe();
    const end = this.#endOf(run.end);
    const left = STAYS.has(end) ? await this.#guard(end) : 'gone';
    if (left !== 'quiet') return this.#leaveByHangingUp(this.#lost(end, left));
    const command = run.end !== 'interrupted' && run.end.kind === 'transfer' ? run.end.command : null;
    return command ? this.#handOn(command) : this.#returnToAgent(end);
  }

  /** The flow that it began with, and those it went on with. */
  get flows(): Iterable<Flow> {
    return this.#taken;
  }

  view(): SecureSessionView {
    return {
      id: this.id,
      conversationId: this.#conversation.id,
      flow: this.#options.flow.name,
      flowVersion: this.#options.flow.version,
      state: this.#state.current,
      sourceParticipantId: this.#options.source?.id ?? null,
      disconnect: this.#options.disconnect,
      shields: [...this.#stack.engaged],
      end: this.#end,
      reason: this.#reason,
      result: this.#result,
      reconciled: [...this.#reconciled],
      startedAt: this.#startedAt,
      endedAt: this.#endedAt,
    };
  }

  async #runFlow(): Promise<{ end: SecureFlowEnd | 'interrupted'; data: Record<string, PlainValue> }> {
    const { flow, flows, connectors, dataActions, bots, shutdown, maxSessionMs } = this.#options;
    const { customer } = this.#conversation;
    const over = new AbortController();
    void pause(maxSessionMs, over.signal).then((how) => how === 'elapsed' && this.#tooLong.abort());
    const signal = AbortSignal.any([customer.leg.gone, this.#cancel.signal, this.#tooLong.signal, shutdown]);
    const stopPrompt = () => void customer.leg.endpoint.stopPlaying().catch(() => {});
    signal.addEventListener('abort', stopPrompt);
    const run = new SecureRun({
      sessionId: this.id,
      customer,
      values: this.#values,
      control: this.#control,
      connectors,
      dataActions,
      flows: remembering(flows, this.#taken),
      bots,
      signal,
      shutdown,
      publish: (event) => this.#conversation.publish(event),
      onNote: ({ language, ...action }) => {
        this.#conversation.language = language;
        this.#conversation.publish({ type: 'flow.action', ...action });
      },
      onProgress: (progress) =>
        this.#conversation.publish({ type: 'secure.progress', sessionId: this.id, progress }),
      onReconciled: (idempotencyKey, status) => {
        this.#reconciled.push({ idempotencyKey, status, at: new Date().toISOString() });
        const type = 'payment.reconciled';
        this.#conversation.publish({ type, sessionId: this.id, idempotencyKey, status });
      },
      onData: (status, reason) =>
        this.#conversation.publish({ type: 'secure.data', sessionId: this.id, status, reason }),
    });
    try {
      const end = await runFlow(flow, this.#facts(), run, signal);
      return { end, data: resultData(end, run) };
    } catch (error) {
      // Its words could be anybody's; its name is enough to begin a search with.
      this.#reason = `fault in the flow (${error instanceof Error ? error.name : typeof error})`;
      return { end: { kind: 'disconnect', reason: 'error' }, data: resultData('interrupted', run) };
    } finally {
      run.close();
      over.abort();
      signal.removeEventListener('abort', stopPrompt);
    }
  }

  #facts(): StartFacts {
    const { id, from, to, language } = this.#conversation;
    return { id, from, to, language, invocationData: this.#options.invocationData };
  }

  #endOf(end: SecureFlowEnd | 'interrupted'): SecureEnd {
    const { customer, agent } = this.#conversation;
    if (customer.leg.gone.aborted) return 'customer-hung-up';
    if (end === 'interrupted') {
      if (this.#options.shutdown.aborted) return 'shutdown';
      return this.#cancel.signal.aborted ? 'cancelled' : 'flow-error';
    }
    if (end.kind === 'disconnect') return end.reason === 'flow' ? 'disconnected' : 'flow-error';
    if (end.kind === 'transfer') return 'transferred';
    if (agent) return 'returned';
    return this.#options.source && !this.#options.disconnect ? 'agent-gone' : 'disconnected';
  }

  async #guard(end: SecureEnd): Promise<Left> {
    const { customer, agent } = this.#conversation;
    const awaited = end === 'transferred' ? [] : agent && [agent.leg.gone];
    if (!awaited) return 'gone';
    const { leavingGuardMs, leavingGuardMaxMs, shutdown } = this.#options;
    try {
      return await leavingGuard(customer.leg.endpoint, {
        quietMs: leavingGuardMs,
        maxMs: leavingGuardMaxMs,
        gone: AbortSignal.any([customer.leg.gone, ...awaited, shutdown]),
      });
    } catch {
      // The endpoint cannot say that no key is down, so it counts as one.
      return 'restless';
    }
  }

  /** Why a session that would have gone back to the agent does not. */
  #lost(end: SecureEnd, left: Left): SecureEnd {
    if (!STAYS.has(end)) return end;
    if (this.#conversation.customer.leg.gone.aborted) return 'customer-hung-up';
    if (this.#options.shutdown.aborted) return 'shutdown';
    if (left === 'restless') return 'flow-error';
    const { source, disconnect } = this.#options;
    return end === 'cancelled' && (source === null || disconnect) ? 'cancelled' : 'agent-gone';
  }

  async #returnToAgent(end: SecureEnd): Promise<'talk' | 'end'> {
    const released = await this.#release();
    const { agent } = this.#conversation;
    if (!released) return this.#leaveByHangingUp('shield-failed');
    if (!agent || this.#conversation.customer.leg.gone.aborted) {
      return this.#leaveByHangingUp(this.#lost(end, 'gone'));
    }
    agent.moveTo('connected');
    this.#publishResult(agent);
    this.#finish(end);
    return 'talk';
  }

  /** The agent is freed first (G6), so that the shield of the agent leg has nobody to join the customer with. */
  async #handOn(command: TransferCommand): Promise<AfterSession> {
    const { agent, customer } = this.#conversation;
    if (agent) await this.#conversation.endParticipant(agent);
    if (!(await this.#release())) return this.#leaveByHangingUp('shield-failed');
    if (customer.leg.gone.aborted) return this.#leaveByHangingUp('customer-hung-up');
    this.#publishResult(agent);
    this.#finish('transferred');
    return command;
  }

  /** The call ends: everybody is gone before the shields come down, so there is nobody left to hear anything. */
  async #leaveByHangingUp(end: SecureEnd): Promise<'end'> {
    const agent = this.#conversation.agent;
    await this.#conversation.endParticipants();
    await this.#stack.discard();
    this.#publishResult(agent);
    this.#finish(end);
    return 'end';
  }

  async #release(): Promise<boolean> {
    try {
      await this.#stack.release();
      return true;
    } catch (error) {
      this.#reason ??= error instanceof ShieldError ? error.message : 'a shield could not be released';
      return false;
    }
  }

  #publishResult(agent: Participant | null): void {
    if (Object.keys(this.#result).length === 0) return;
    const participantId = agent?.id ?? null;
    this.#conversation.publish({
      type: 'agent.data',
      sessionId: this.id,
      participantId,
      data: this.#result,
    });
  }

  #finish(end: SecureEnd): void {
    this.#values.wipe();
    this.#end = end;
    this.#endedAt = new Date().toISOString();
    this.#state.to('ended');
  }

  #publishState(): void {
    this.#conversation.publish({
      type: 'secure.state',
      sessionId: this.id,
      state: this.#state.current,
      end: this.#end,
      reason: this.#reason,
    });
  }
}

/** The flow's own data, or, when it ended early, what became of the charge: the agent must never be left guessing. */
function resultData(end: SecureFlowEnd | 'interrupted', run: SecureRun): Record<string, PlainValue> {
  if (end !== 'interrupted' && end.kind === 'return') return { ...end.data };
  const { lastData } = run;
  return lastData ? { ...lastData.outputs, status: lastData.status, reason: lastData.reason } : {};
}
