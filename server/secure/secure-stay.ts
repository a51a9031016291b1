import type { CaptureCommand, PlainValue } from '../../flows/commands.js';
import type { Flow } from '../../flows/flow.js';
import { firstUntil, pause } from '../abort.js';
import type { Conversation, SessionRecord } from '../call/conversation.js';
import type { Participant } from '../call/participant.js';
import type { SecureEnd, SecureSessionView } from '../call/views.js';
import { type Flows, remembering } from '../flows/published-flows.js';
import { CaptureControl } from './capture-control.js';
import { type Left, leavingGuard } from './leaving-guard.js';
import { SecureRun, type SecureRunOptions } from './secure-run.js';
import type { SecureValues } from './secure-values.js';
import { SessionState } from './session-state.js';
import type { Shield } from './shields/shield.js';
import { ShieldError, ShieldStack } from './shields/shield-stack.js';

export interface SecureStayOptions {
  readonly id: string;
  readonly conversation: Conversation;
  /** The flow that it begins with, or whose own actions run in it. */
  readonly flow: Flow;
  /** What a transfer to a flow finds. */
  readonly flows: Flows;
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

/** How a way out in order came out. All but `released` leave shields engaged, and the call must end. */
export type Leaving = 'released' | 'not-released' | Exclude<Left, 'quiet'>;

/**
 * One stay in secure mode, whoever it is for: shields up, commands executed alone with the caller, shields down in
 * reverse. Its clean-up does not run under the signal that a hang-up aborts.
 */
export class SecureStay implements SessionRecord {
  readonly id: string;
  readonly #options: SecureStayOptions;
  readonly #conversation: Conversation;
  readonly #state: SessionState;
  readonly #stack: ShieldStack;
  readonly #taken: Set<Flow>;
  readonly #control = new CaptureControl();
  readonly #cancel = new AbortController();
  readonly #tooLong = new AbortController();
  /** Aborted when nothing is executed in it any more. */
  readonly #over = new AbortController();
  readonly #startedAt = new Date().toISOString();
  #endedAt: string | null = null;
  #end: SecureEnd | null = null;
  #reason: string | null = null;
  #result: Record<string, PlainValue> = {};
  readonly #reconciled: SecureSessionView['reconciled'] = [];

  constructor(options: SecureStayOptions) {
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

  get conversation(): Conversation {
    return this.#conversation;
  }

  get shutdown(): AbortSignal {
    return this.#options.shutdown;
  }

  /** The flow that it began with, and those it went on with. */
  get flows(): Iterable<Flow> {
    return this.#taken;
  }

  /** Aborted when somebody asked for its end. */
  get cancelled(): AbortSignal {
    return this.#cancel.signal;
  }

  /** Aborted when it has lasted for as long as any may. */
  get tooLong(): AbortSignal {
    return this.#tooLong.signal;
  }

  /** Asks for its end, after the leaving guard. A charge under way is waited for. */
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
      if (!(await this.release())) {
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

  /** Begins the time that it may last; what the run executes ends early by the signal. */
  begin(values: SecureValues, surplusSince: number | null = null): { run: SecureRun; signal: AbortSignal } {
    const { flows, connectors, dataActions, bots, shutdown, maxSessionMs } = this.#options;
    const { customer } = this.#conversation;
    const { leg } = customer;
    void pause(maxSessionMs, this.#over.signal).then((how) => how === 'elapsed' && this.#tooLong.abort());
    const signal = firstUntil(this.#over.signal, leg.gone, this.cancelled, this.tooLong, shutdown);
    const stopPrompt = () => void leg.endpoint.stopPlaying().catch(() => {});
    signal.addEventListener('abort', stopPrompt);
    this.#over.signal.addEventListener('abort', () => run.close());
    this.#over.signal.addEventListener('abort', () => signal.removeEventListener('abort', stopPrompt));
    const run = new SecureRun({
      sessionId: this.id,
      customer,
      values,
      control: this.#control,
      connectors,
      dataActions,
      flows: remembering(flows, this.#taken),
      bots,
      signal,
      shutdown,
      surplusSince,
      publish: (event) => this.#conversation.publish(event),
      onNote: (note) => this.#conversation.entered(note),
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
    return { run, signal };
  }

  /** Nothing is executed in it any more; `result` is what it came to. */
  unshield(result: Record<string, PlainValue>): void {
    this.#over.abort();
    this.#result = result;
    this.#state.to('unshielding');
  }

  /** A fault ended what ran in it; its words could be anybody's, its name is enough to begin a search with. */
  failed(error: unknown): void {
    this.#reason = `fault in the flow (${error instanceof Error ? error.name : typeof error})`;
  }

  /** The way out in order: the leaving guard, then the shields in reverse. `gone`: there is nobody to go back to. */
  async leave(...gone: AbortSignal[]): Promise<Leaving> {
    const left = await this.guard(...gone);
    if (left !== 'quiet') return left;
    return (await this.release()) ? 'released' : 'not-released';
  }

  /** The leaving guard: keys are swallowed until none has come for a while. */
  async guard(...gone: AbortSignal[]): Promise<Left> {
    const { leavingGuardMs, leavingGuardMaxMs, shutdown } = this.#options;
    const { leg } = this.#conversation.customer;
    const end = new AbortController();
    try {
      return await leavingGuard(leg.endpoint, {
        quietMs: leavingGuardMs,
        maxMs: leavingGuardMaxMs,
        gone: firstUntil(end.signal, leg.gone, shutdown, ...gone),
      });
    } catch {
      // The endpoint cannot say that no key is down, so it counts as one.
      return 'restless';
    } finally {
      end.abort();
    }
  }

  /** Brings the shields down in reverse, after the {@link guard}. False: one of them did not come down, and the call must end. */
  async release(): Promise<boolean> {
    try {
      await this.#stack.release();
      return true;
    } catch (error) {
      this.#reason ??= error instanceof ShieldError ? error.message : 'a shield could not be released';
      return false;
    }
  }

  /** The end of a stay that was left in order. `heir` is told the result. */
  finish(end: SecureEnd, heir: Participant | null): void {
    this.#publishResult(heir);
    this.#finish(end);
  }

  /** The call ends: everybody is gone before the shields come down, so there is nobody left to hear anything. */
  async leaveByHangingUp(end: SecureEnd): Promise<void> {
    const { agent } = this.#conversation;
    await this.#conversation.endParticipants();
    await this.#stack.discard();
    this.finish(end, agent);
  }

  view(): SecureSessionView {
    const { flow, source, disconnect } = this.#options;
    return {
      id: this.id,
      conversationId: this.#conversation.id,
      flow: flow.name,
      flowVersion: flow.version,
      state: this.#state.current,
      sourceParticipantId: source?.id ?? null,
      disconnect,
      shields: [...this.#stack.engaged],
      end: this.#end,
      reason: this.#reason,
      result: this.#result,
      reconciled: [...this.#reconciled],
      startedAt: this.#startedAt,
      endedAt: this.#endedAt,
    };
  }

  #publishResult(heir: Participant | null): void {
    if (Object.keys(this.#result).length === 0) return;
    const participantId = heir?.id ?? null;
    this.#conversation.publish({
      type: 'agent.data',
      sessionId: this.id,
      participantId,
      data: this.#result,
    });
  }

  #finish(end: SecureEnd): void {
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
