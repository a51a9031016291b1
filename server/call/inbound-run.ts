import type {
  BotResult,
  CallDataResult,
  CollectCommand,
  FlowCommand,
  FlowEvent,
  FlowNote,
} from '../../flows/commands.js';
import type { Flow } from '../../flows/flow.js';
import { pause } from '../abort.js';
import { botFailed } from '../bots/bot-service.js';
import { BotTalks } from '../bots/bot-talks.js';
import type { Bots } from '../bots/bots.js';
import type { DataActions } from '../data-actions/data-actions.js';
import type { Flows } from '../flows/published-flows.js';
import type { SecureActions } from '../secure/secure-actions.js';
import type { SecureSession } from '../secure/secure-session.js';
import { SecureValue } from '../secure/secure-value.js';
import type { TransferResult } from '../transfer/connect.js';
import { type TransferCommand, targetOf } from '../transfer/transfers.js';
import { callData } from './call-data.js';
import { collect } from './collect.js';
import { collectTwice } from './collect-twice.js';
import type { Conversation } from './conversation.js';
import { nextFlow } from './next-flow.js';
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
  /** That the run begins with. */
  readonly flow: Flow;
  readonly dataActions: DataActions;
  readonly secureActions: SecureActions;
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
  /** The flow or module that the last action stands in. */
  #frame = '';
  /** The flow that runs, whatever module it has called. */
  #flow: Flow;
  /** An action that is not secure was entered since the last command. */
  #enteredPlain = false;

  constructor(options: InboundRunOptions) {
    const { conversation, bots, signal } = options;
    this.#options = options;
    this.#flow = options.flow;
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

  note(note: FlowNote, frame: Flow): void {
    this.#enteredPlain ||= !note.secure;
    this.#frame = frame.name;
    this.#options.conversation.entered(note);
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
    return secure ? secureActions.execute(command, this.#flow, this.#surplusSince) : this.#execute(command);
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
      case 'setParticipantData':
      case 'getParticipantData':
      case 'sendEvent':
        return { event: this.#plainData(command) };
      case 'transferToFlow':
        return this.#toFlow(command);
      case 'botTurn':
        return { event: { type: 'botAnswered', result: await this.#botTurn(command) } };
      case 'transferToAgent':
      case 'transferToQueue':
      case 'transferToNumber':
        return this.#transfer(command);
      case 'transferToSecureFlow':
        return this.#toSecureFlow(command);
      case 'disconnect':
      case 'held':
      case 'fill':
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

  #plainData(command: PlainDataCommand): FlowEvent {
    const { conversation, secureActions } = this.#options;
    return executePlainData(command, {
      customer: conversation.customer,
      flow: this.#frame,
      publish: (event) => conversation.publish(event),
      values: secureActions.values,
    });
  }

  async #botTurn(command: FlowCommand & { do: 'botTurn' }): Promise<BotResult> {
    const { values } = this.#options.secureActions;
    const { context, digits } = command;
    if (values.showIn({ ...context, ...(digits !== null && { digits }) })) return botFailed('secure-value');
    // A bot that takes secure digits talks in secure mode only.
    return command.secureDigits === null ? this.#talks.turn(command) : botFailed('secure-value');
  }

  async #toFlow(command: FlowCommand & { do: 'transferToFlow' }): Promise<Executed<InboundEnd>> {
    const { flows, secureActions } = this.#options;
    await this.#play(command.preTransferAudio);
    const handed = nextFlow(command, 'inbound', flows, secureActions.values);
    if (!handed) return { end: { kind: 'disconnect', reason: 'error' } };
    this.#flow = handed.next;
    return handed;
  }

  async #transfer(command: TransferCommand): Promise<Executed<InboundEnd>> {
    // A target goes into SIP messages.
    if (this.#options.secureActions.values.showIn(targetOf(command))) {
      return { end: { kind: 'disconnect', reason: 'error' } };
    }
    await this.#play(command.preTransferAudio);
    const result = await this.#options.transfer(command);
    if (result.ok) return { end: { kind: 'talk' } };
    await this.#play(command.failedTransferAudio);
    return { event: { type: 'transferFailed', error: result.error, message: result.message } };
  }

  async #toSecureFlow(command: FlowCommand & { do: 'transferToSecureFlow' }): Promise<Executed<InboundEnd>> {
    const { flow, invocationData } = command;
    if (this.#options.secureActions.values.showIn({ invocationData })) {
      return { end: { kind: 'disconnect', reason: 'error' } };
    }
    await this.#play(command.preTransferAudio);
    const session = await this.#options.enterSecure(flow, invocationData);
    if (session) return { end: { kind: 'secure', session } };
    await this.#play(command.failedTransferAudio);
    const message = 'the secure session was refused';
    return { event: { type: 'transferFailed', error: 'shield-failed', message } };
  }
}
