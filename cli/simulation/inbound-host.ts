import type { FlowCommand, FlowNote } from '../../flows/commands.js';
import type { FlowSet } from '../../flows/flow.js';
import type { Executed, FlowHost } from '../../server/call/run-flow.js';
import type { TransferCommand } from '../../server/transfer/transfers.js';
import type { SimulatedBots } from './bots.js';
import type { SimulatedCustomer } from './customer.js';
import type { SimulatedDataService } from './data-service.js';
import type { Fields } from './fields.js';
import type { Line } from './line.js';
import { transferFailed } from './scenario.js';
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

  constructor(options: InboundHostOptions) {
    this.#options = options;
  }

  note(note: FlowNote): void {
    this.#options.line.note(note);
  }

  async execute(command: FlowCommand): Promise<Executed<InboundEnd>> {
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
        return { event: { type: 'dataAnswered', result: await this.#options.data.call(command, line.gone) } };
      case 'setParticipantData':
      case 'getParticipantData':
      case 'sendEvent':
        return { event: this.#options.customer.execute(command, null) };
      case 'transferToFlow':
        return this.#toFlow(command);
      case 'botTurn':
        return { event: { type: 'botAnswered', result: await this.#options.bots.turn(command, line.gone) } };
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
        return { end: { kind: 'disconnect', reason: 'error' } };
    }
  }

  async #toFlow(command: FlowCommand & { do: 'transferToFlow' }): Promise<Executed<InboundEnd>> {
    const { line, flows } = this.#options;
    const { flow, invocationData } = command;
    await line.play(command.preTransferAudio, line.gone);
    line.tell({ type: 'to-flow', flow, invocationData });
    const next = flows.get(flow);
    if (next?.type !== 'inbound') return { end: { kind: 'disconnect', reason: 'error' } };
    line.tell({ type: 'flow', flow });
    return { next, invocationData };
  }

  async #transfer(command: TransferCommand): Promise<Executed<InboundEnd>> {
    const { line, transfers } = this.#options;
    await line.play(command.preTransferAudio, line.gone);
    if (line.gone.aborted) return { event: transferFailed('cancelled', 'the caller is gone') };
    const refusal = transfers.ring(command);
    if (refusal === null) return { end: { kind: 'talk' } };
    await line.play(command.failedTransferAudio, line.gone);
    return { event: transferFailed(refusal.error, refusal.message) };
  }

  async #toSecureFlow(command: FlowCommand & { do: 'transferToSecureFlow' }): Promise<Executed<InboundEnd>> {
    const { line, enterSecure } = this.#options;
    const { flow, invocationData } = command;
    await line.play(command.preTransferAudio, line.gone);
    if (line.gone.aborted) return { event: transferFailed('cancelled', 'the caller is gone') };
    line.tell({ type: 'to-secure-flow', flow, invocationData });
    const session = enterSecure(flow, invocationData);
    if (session) return { end: { kind: 'secure', session } };
    await line.play(command.failedTransferAudio, line.gone);
    return { event: transferFailed('shield-failed', 'the secure session was refused') };
  }
}
