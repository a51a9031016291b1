import type { CallDataResult, CollectCommand, FlowCommand, FlowNote } from '../../flows/commands.js';
import type { DataActions } from '../data-actions/data-actions.js';
import type { SecureActions } from '../secure/secure-actions.js';
import type { SecureSession } from '../secure/secure-session.js';
import { SecureValue } from '../secure/secure-value.js';
import type { TransferResult } from '../transfer/to-agent.js';
import { pause } from './abort.js';
import { callData } from './call-data.js';
import { collect } from './collect.js';
import { collectTwice } from './collect-twice.js';
import type { Conversation } from './conversation.js';
import { playTo } from './play.js';
import type { Executed, FlowHost } from './run-flow.js';

/** How the inbound flow handed the call on. */
export type InboundEnd =
  | { readonly kind: 'talk' }
  | { readonly kind: 'secure'; readonly session: SecureSession }
  | { readonly kind: 'disconnect'; readonly reason: 'flow' | 'error' };

export interface InboundRunOptions {
  readonly conversation: Conversation;
  readonly signal: AbortSignal;
  readonly dataActions: DataActions;
  readonly secureActions: SecureActions;
  /** Starts a session without an agent; null when the shields could not be engaged. */
  readonly enterSecure: (flow: string, invocationData: string) => Promise<SecureSession | null>;
  readonly toAgent: (wanted: string, ringTimeoutMs: number) => Promise<TransferResult>;
}

/** Executes the commands of an inbound flow on the customer's leg. */
export class InboundRun implements FlowHost<InboundEnd> {
  readonly #options: InboundRunOptions;
  #surplusSince: number | null = null;
  /** An action that is not secure was entered since the last command. */
  #enteredPlain = false;

  constructor(options: InboundRunOptions) {
    this.#options = options;
  }

  note({ action, path, name, secure }: FlowNote): void {
    this.#enteredPlain ||= !secure;
    const { conversation } = this.#options;
    conversation.publish({ type: 'flow.action', flow: conversation.flow, action, path, name });
  }

  async execute(command: FlowCommand, secure: boolean): Promise<Executed<InboundEnd>> {
    const { secureActions } = this.#options;
    const stays = secure && !this.#enteredPlain;
    this.#enteredPlain = false;
    // Who hangs up in secure mode has nobody to go back to in the open.
    if (command.do === 'disconnect') return { end: { kind: 'disconnect', reason: command.reason } };
    if (secureActions.active && !stays) {
      if (!(await secureActions.leave())) return { end: { kind: 'disconnect', reason: 'error' } };
      // Keys that come at once are still those of the last field.
      this.#surplusSince = performance.now();
    }
    return secure ? secureActions.execute(command, this.#surplusSince) : this.#execute(command);
  }

  async #execute(command: FlowCommand): Promise<Executed<InboundEnd>> {
    switch (command.do) {
      case 'play':
        await this.#play(command.audio, command.bargeIn);
        return { event: { type: 'played' } };
      case 'wait':
        await pause(command.ms, this.#options.signal);
        return { event: { type: 'waited' } };
      case 'collect':
        return this.#collect(command);
      case 'callData':
        return { event: { type: 'dataAnswered', result: await this.#callData(command) } };
      case 'transferToAgent':
        return this.#toAgent(command);
      case 'transferToSecureFlow':
        return this.#toSecureFlow(command);
      case 'disconnect':
      case 'callSecureData':
      case 'extract':
      case 'returnToAgent':
        // No action that is not secure asks for these; whatever did all the same must not run outside secure mode.
        return { end: { kind: 'disconnect', reason: 'error' } };
    }
  }

  async #play(audio: (FlowCommand & { do: 'play' })['audio'], bargeIn = false): Promise<void> {
    await playTo(this.#options.conversation.customer.leg, audio, { bargeIn });
  }

  async #collect(command: CollectCommand): Promise<Executed<InboundEnd>> {
    if (command.into.scope === 'secure') return { end: { kind: 'disconnect', reason: 'error' } };
    const value = new SecureValue();
    try {
      const options = {
        leg: this.#options.conversation.customer.leg,
        value,
        card: null,
        signal: this.#options.signal,
        surplusSince: this.#surplusSince,
        onProgress: () => {},
      };
      const collected = await collectTwice(command, options, collect);
      this.#surplusSince = collected.surplusSince;
      if (!collected.result.ok) return { event: { type: 'collected', result: collected.result } };
      const plain = value.use('extract', (digits) => Buffer.from(digits).toString('latin1'));
      return { event: { type: 'collected', result: { ok: true, value: plain } } };
    } finally {
      value.wipe();
    }
  }

  #callData(command: FlowCommand & { do: 'callData' }): Promise<CallDataResult> {
    const { conversation, dataActions, secureActions, signal } = this.#options;
    return callData(command, {
      leg: conversation.customer.leg,
      dataActions,
      values: secureActions.values,
      runId: conversation.id,
      signal,
      publish: (event) => conversation.publish(event),
    });
  }

  async #toAgent(command: FlowCommand & { do: 'transferToAgent' }): Promise<Executed<InboundEnd>> {
    await this.#play(command.preTransferAudio);
    const result = await this.#options.toAgent(command.agent, command.ringTimeoutMs);
    if (result.ok) return { end: { kind: 'talk' } };
    await this.#play(command.failedTransferAudio);
    return { event: { type: 'transferFailed', error: result.error, message: result.message } };
  }

  async #toSecureFlow(command: FlowCommand & { do: 'transferToSecureFlow' }): Promise<Executed<InboundEnd>> {
    await this.#play(command.preTransferAudio);
    const session = await this.#options.enterSecure(command.flow, command.invocationData);
    if (session) return { end: { kind: 'secure', session } };
    await this.#play(command.failedTransferAudio);
    const message = 'the secure session was refused';
    return { event: { type: 'transferFailed', error: 'shield-failed', message } };
  }
}
