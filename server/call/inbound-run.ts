import type {
  CallDataResult,
  CollectCommand,
  FlowCommand,
  FlowEvent,
  FlowNote,
} from '../../flows/commands.js';
import type { Flow } from '../../flows/flow.js';
import { BotTalks } from '../bots/bot-talks.js';
import type { Bots } from '../bots/bots.js';
import type { DataActions } from '../data-actions/data-actions.js';
import type { Flows } from '../flows/published-flows.js';
import type { SecureSession } from '../secure/secure-session.js';
import { SecureValue } from '../secure/secure-value.js';
import type { TransferResult } from '../transfer/connect.js';
import type { TransferCommand } from '../transfer/transfers.js';
import { pause } from './abort.js';
import { callData } from './call-data.js';
import { collect } from './collect.js';
import { collectTwice } from './collect-twice.js';
import type { Conversation } from './conversation.js';
import { executePlainData, type PlainDataCommand } from './plain-data.js';
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
  /** What a transfer to a flow finds. */
  readonly flows: Flows;
  readonly bots: Bots;
  /** Starts a session without an agent; null when the shields could not be engaged. */
  readonly enterSecure: (flow: string, invocationData: string) => Promise<SecureSession | null>;
  readonly transfer: (command: TransferCommand) => Promise<TransferResult>;
}

/** Executes the commands of an inbound flow on the customer's leg. */
export class InboundRun implements FlowHost<InboundEnd> {
  readonly #options: InboundRunOptions;
  readonly #talks: BotTalks;
  #surplusSince: number | null = null;
  #flow = '';

  constructor(options: InboundRunOptions) {
    const { conversation, bots, signal } = options;
    this.#options = options;
    this.#talks = new BotTalks({
      bots,
      runId: conversation.id,
      signal,
      values: null,
      publish: (event) => conversation.publish(event),
    });
  }

  /** The run is over, whatever ended it. */
  close(): void {
    this.#talks.close();
  }

  note({ language, ...action }: FlowNote, flow: Flow): void {
    const { conversation } = this.#options;
    this.#flow = flow.name;
    conversation.language = language;
    conversation.publish({ type: 'flow.action', ...action });
  }

  async execute(command: FlowCommand): Promise<Executed<InboundEnd>> {
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
      case 'setParticipantData':
      case 'getParticipantData':
      case 'sendEvent':
        return { event: this.#plainData(command) };
      case 'transferToFlow':
        return this.#toFlow(command);
      case 'botTurn':
        return { event: { type: 'botAnswered', result: await this.#talks.turn(command) } };
      case 'transferToAgent':
      case 'transferToQueue':
      case 'transferToNumber':
        return this.#transfer(command);
      case 'transferToSecureFlow':
        return this.#toSecureFlow(command);
      case 'disconnect':
        return { end: { kind: 'disconnect', reason: command.reason } };
      case 'held':
      case 'fill':
      case 'callSecureData':
      case 'extract':
      case 'returnToAgent':
        // The loader refuses these in an inbound flow; whatever got past it must not run outside secure mode.
        return { end: { kind: 'disconnect', reason: 'error' } };
    }
  }

  async #play(audio: (FlowCommand & { do: 'play' })['audio'], bargeIn = false): Promise<void> {
    await playTo(this.#options.conversation.customer.leg, audio, { bargeIn });
  }

  async #collect(command: CollectCommand): Promise<Executed<InboundEnd>> {
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
    const { conversation, dataActions, signal } = this.#options;
    return callData(command, {
      leg: conversation.customer.leg,
      dataActions,
      runId: conversation.id,
      signal,
      publish: (event) => conversation.publish(event),
    });
  }

  #plainData(command: PlainDataCommand): FlowEvent {
    const { conversation } = this.#options;
    return executePlainData(command, {
      customer: conversation.customer,
      flow: this.#flow,
      publish: (event) => conversation.publish(event),
      values: null,
    });
  }

  async #toFlow(command: FlowCommand & { do: 'transferToFlow' }): Promise<Executed<InboundEnd>> {
    await this.#play(command.preTransferAudio);
    const next = this.#options.flows.get(command.flow);
    // The loader refuses other types; a transfer to a flow is blind.
    if (next?.type !== 'inbound') return { end: { kind: 'disconnect', reason: 'error' } };
    return { next, invocationData: command.invocationData };
  }

  async #transfer(command: TransferCommand): Promise<Executed<InboundEnd>> {
    await this.#play(command.preTransferAudio);
    const result = await this.#options.transfer(command);
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
