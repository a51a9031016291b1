import type { BotResult, CallDataResult, FlowCommand, FlowNote } from '../../flows/commands.js';
import type { FlowSet } from '../../flows/flow.js';
import { botFailed } from '../../server/bots/bot-service.js';
import { nextFlow } from '../../server/call/next-flow.js';
import type { Executed, FlowHost } from '../../server/call/run-flow.js';
import { type TransferCommand, targetOf } from '../../server/transfer/transfers.js';
import type { SimulatedBots } from './bots.js';
import type { SimulatedCustomer } from './customer.js';
import type { SimulatedDataService } from './data-service.js';
import type { Fields } from './fields.js';
import type { Line } from './line.js';
import { transferFailed } from './scenario.js';
import type { SimulatedActions } from './secure-actions.js';
import type { SimulatedSession } from './session.js';
import type { SimulatedTransfers } from './transfers.js';

/** How an inbound flow handed the call on. */
export type InboundEnd =
  | { readonly kind: 'talk' }
  | { readonly kind: 'secure'; readonly session: SimulatedSession }
  | { readonly kind: 'disconnect'; readonly reason: 'flow' | 'error' };

export interface InboundHostOptions {
  readonly line: Line;
  readonly fields: Fields;
  readonly data: SimulatedDataService;
  readonly secureActions: SimulatedActions;
  readonly customer: SimulatedCustomer;
  readonly transfers: SimulatedTransfers;
  readonly flows: FlowSet;
  readonly bots: SimulatedBots;
  /** Starts a session without an agent; null when it is refused. */
  readonly enterSecure: (flow: string, invocationData: string) => SimulatedSession | null;
}

/** Executes the commands of an inbound flow, as server/call/inbound-run.ts does. */
export class InboundHost implements FlowHost<InboundEnd> {
  readonly #options: InboundHostOptions;
  #enteredPlain = false;

  constructor(options: InboundHostOptions) {
    this.#options = options;
  }

  note(note: FlowNote): void {
    this.#enteredPlain ||= !note.secure;
    this.#options.line.note(note);
  }

  async execute(command: FlowCommand, secure: boolean): Promise<Executed<InboundEnd>> {
    const { secureActions, fields } = this.#options;
    const stays = secure && !this.#enteredPlain;
    this.#enteredPlain = false;
    if (command.do === 'disconnect') return { end: { kind: 'disconnect', reason: command.reason } };
    if (secureActions.active && !stays) {
      if (!(await secureActions.leave())) return { end: { kind: 'disconnect', reason: 'error' } };
      fields.swallowSurplus();
    }
    return secure ? secureActions.execute(command) : this.#execute(command);
  }

  async #execute(command: FlowCommand): Promise<Executed<InboundEnd>> {
    const { line, fields } = this.#options;
    switch (command.do) {
      case 'play':
        await line.play(command.audio, line.gone, command.bargeIn);
        return { event: { type: 'played' } };
      case 'wait':
        await line.wait(command.ms, line.gone);
        return { event: { type: 'waited' } };
      case 'collect':
        return { event: await fields.collect(command) };
      case 'callData':
        return { event: { type: 'dataAnswered', result: await this.#callData(command) } };
      case 'setParticipantData':
      case 'getParticipantData':
      case 'sendEvent':
        return { event: this.#options.customer.execute(command, fields.values) };
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
        return { end: { kind: 'disconnect', reason: 'error' } };
    }
  }

  #callData(command: FlowCommand & { do: 'callData' }): Promise<CallDataResult> {
    const { data, fields, line } = this.#options;
    return data.call(command, fields.values, line.gone);
  }

  async #botTurn(command: FlowCommand & { do: 'botTurn' }): Promise<BotResult> {
    const { bots, fields, line } = this.#options;
    const { context, digits } = command;
    const isShown = fields.values.showIn({ ...context, ...(digits !== null && { digits }) });
    return isShown || command.secureDigits !== null
      ? botFailed('secure-value')
      : bots.turn(command, line.gone);
  }

  async #toFlow(command: FlowCommand & { do: 'transferToFlow' }): Promise<Executed<InboundEnd>> {
    const { line, fields, flows } = this.#options;
    const { flow, invocationData } = command;
    await line.play(command.preTransferAudio, line.gone);
    const handed = nextFlow(command, 'inbound', flows, fields.values);
    if (!handed) return { end: { kind: 'disconnect', reason: 'error' } };
    line.tell({ type: 'to-flow', flow, invocationData });
    line.tell({ type: 'flow', flow });
    return handed;
  }

  async #transfer(command: TransferCommand): Promise<Executed<InboundEnd>> {
    const { line, fields, transfers } = this.#options;
    if (fields.values.showIn(targetOf(command))) return { end: { kind: 'disconnect', reason: 'error' } };
    await line.play(command.preTransferAudio, line.gone);
    if (line.gone.aborted) return { event: transferFailed('cancelled', 'the caller is gone') };
    const refusal = transfers.ring(command);
    if (refusal === null) return { end: { kind: 'talk' } };
    await line.play(command.failedTransferAudio, line.gone);
    return { event: transferFailed(refusal.error, refusal.message) };
  }

  async #toSecureFlow(command: FlowCommand & { do: 'transferToSecureFlow' }): Promise<Executed<InboundEnd>> {
    const { line, fields, enterSecure } = this.#options;
    const { flow, invocationData } = command;
    if (fields.values.showIn({ invocationData })) return { end: { kind: 'disconnect', reason: 'error' } };
    await line.play(command.preTransferAudio, line.gone);
    if (line.gone.aborted) return { event: transferFailed('cancelled', 'the caller is gone') };
    line.tell({ type: 'to-secure-flow', flow, invocationData });
    const session = enterSecure(flow, invocationData);
    if (session) return { end: { kind: 'secure', session } };
    await line.play(command.failedTransferAudio, line.gone);
    return { event: transferFailed('shield-failed', 'the secure session was refused') };
  }
}
