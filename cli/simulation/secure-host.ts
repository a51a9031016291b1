import type {
  BotResult,
  CallDataResult,
  DataResult,
  FlowCommand,
  FlowNote,
  PlainValue,
} from '../../flows/commands.js';
import { transform } from '../../flows/fields/transforms.js';
import type { FlowSet } from '../../flows/flow.js';
import { variableOf } from '../../flows/secure-names.js';
import { botFailed } from '../../server/bots/bot-service.js';
import { nextFlow } from '../../server/call/next-flow.js';
import type { Executed, FlowHost } from '../../server/call/run-flow.js';
import type { Connector } from '../../server/connectors/connector.js';
import type { SecureFlowEnd } from '../../server/secure/secure-run.js';
import { type TransferCommand, targetOf } from '../../server/transfer/transfers.js';
import type { SimulatedBots } from './bots.js';
import type { SimulatedCustomer } from './customer.js';
import type { SimulatedDataService } from './data-service.js';
import type { Fields } from './fields.js';
import type { Line } from './line.js';
import { transferFailed } from './scenario.js';

export interface SecureHostOptions {
  readonly line: Line;
  readonly fields: Fields;
  readonly gateway: Connector;
  readonly data: SimulatedDataService;
  readonly customer: SimulatedCustomer;
  readonly flows: FlowSet;
  readonly bots: SimulatedBots;
  readonly sessionId: string;
  readonly signal: AbortSignal;
}

/** Executes the commands of a secure flow, as server/secure/secure-run.ts does. */
export class SecureHost implements FlowHost<SecureFlowEnd> {
  readonly #options: SecureHostOptions;
  #lastData: DataResult | null = null;

  constructor(options: SecureHostOptions) {
    this.#options = options;
  }

  /** What became of the last charge, empty without one: told where the flow could not say it. */
  get verdict(): Record<string, PlainValue> {
    if (this.#lastData === null) return {};
    const { outputs, status, reason } = this.#lastData;
    return { ...outputs, status, reason };
  }

  note(note: FlowNote): void {
    this.#options.line.note(note);
  }

  async execute(command: FlowCommand): Promise<Executed<SecureFlowEnd>> {
    const { line, fields, signal } = this.#options;
    switch (command.do) {
      case 'play':
        await line.play(command.audio, signal, command.bargeIn);
        return { event: { type: 'played' } };
      case 'wait':
        await line.wait(command.ms, signal);
        return { event: { type: 'waited' } };
      case 'collect':
        return { event: await fields.collect(command, signal) };
      case 'held':
        return { event: { type: 'held', names: fields.values.held(command.names) } };
      case 'fill': {
        const error = fields.values.fill(command, line.today);
        line.tell({ type: 'filled', name: command.into, error });
        return { event: { type: 'collected', result: error === null ? { ok: true } : { ok: false, error } } };
      }
      case 'callData':
        return { event: { type: 'dataAnswered', result: await this.#callData(command) } };
      case 'callSecureData':
        return { event: { type: 'dataCalled', result: await this.#callSecureData(command) } };
      case 'botTurn':
        return { event: { type: 'botAnswered', result: await this.#botTurn(command) } };
      case 'extract': {
        line.tell({ type: 'extract', transform: command.transform, source: variableOf(command.source) });
        const source = fields.values.get(command.source);
        const value = source?.use('extract', (digits) => transform(command.transform, digits)) ?? null;
        return { event: { type: 'extracted', value } };
      }
      case 'returnToAgent':
        return { end: { kind: 'return', data: command.data } };
      case 'disconnect':
        return { end: { kind: 'disconnect', reason: command.reason } };
      case 'setParticipantData':
      case 'getParticipantData':
      case 'sendEvent':
        return { event: this.#options.customer.execute(command, fields.values) };
      case 'transferToFlow':
        return this.#toFlow(command);
      case 'transferToAgent':
      case 'transferToQueue':
      case 'transferToNumber':
        return this.#transfer(command);
      case 'transferToSecureFlow':
        return { end: { kind: 'disconnect', reason: 'error' } };
    }
  }

  async #toFlow(command: FlowCommand & { do: 'transferToFlow' }): Promise<Executed<SecureFlowEnd>> {
    const { line, fields, flows, signal } = this.#options;
    const { flow, invocationData, preTransferAudio } = command;
    await line.play(preTransferAudio, signal);
    const handed = nextFlow(command, 'secure', flows, fields.values);
    if (!handed) return { end: { kind: 'disconnect', reason: 'error' } };
    line.tell({ type: 'to-flow', flow, invocationData });
    line.tell({ type: 'flow', flow });
    return handed;
  }

  async #transfer(command: TransferCommand): Promise<Executed<SecureFlowEnd>> {
    const { line, fields, signal } = this.#options;
    if (fields.values.showIn(targetOf(command))) return { end: { kind: 'disconnect', reason: 'error' } };
    await line.play(command.preTransferAudio, signal);
    if (signal.aborted) return { event: transferFailed('cancelled', 'the session has ended') };
    return { end: { kind: 'transfer', command } };
  }

  #callData(command: FlowCommand & { do: 'callData' }): Promise<CallDataResult> {
    const { data, fields, signal } = this.#options;
    return data.call(command, fields.values, signal);
  }

  async #botTurn(command: FlowCommand & { do: 'botTurn' }): Promise<BotResult> {
    const { bots, fields, signal } = this.#options;
    if (fields.values.showIn(command.context)) return botFailed('secure-value');
    const result = await bots.turn(command, signal);
    const { secureDigits: keyed } = command;
    if (keyed && !keyed.keep) fields.values.drop(keyed.name);
    return result;
  }

  async #callSecureData(command: FlowCommand & { do: 'callSecureData' }): Promise<DataResult> {
    const { line, fields } = this.#options;
    const { values } = fields;
    line.tell({ type: 'charge', command });
    line.say(command.processingAudio);
    const answer = await this.#charge(command);
    this.#lastData = values.charged(answer);
    const { status, reason } = this.#lastData;
    line.tell({ type: 'verdict', status, reason });
    return this.#lastData;
  }

  async #charge(command: FlowCommand & { do: 'callSecureData' }) {
    const { fields, gateway, sessionId, signal } = this.#options;
    const { secureInputs, secureOutputs, occurrence, operation, inputs, parameters } = command;
    const secure = fields.values.inputs(secureInputs);
    if (!secure) return { status: 'error' as const, reason: 'missing-input', outputs: {} };
    const result = await gateway.charge({
      operation,
      idempotencyKey: `${sessionId}:${occurrence}`,
      secure,
      inputs,
      parameters,
      secureOutputs: Object.keys(secureOutputs),
      signal,
    });
    fields.values.takeOutputs(result.secureOutputs ?? new Map(), secureOutputs);
    return result;
  }
}
