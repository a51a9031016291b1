import type { CallDataResult, DataResult, FlowCommand, FlowNote, PlainValue } from '../../flows/commands.js';
import { transform } from '../../flows/fields/transforms.js';
import type { Executed, FlowHost } from '../../server/call/run-flow.js';
import type { Connector } from '../../server/connectors/connector.js';
import type { SecureFlowEnd } from '../../server/secure/secure-run.js';
import type { SimulatedDataService } from './data-service.js';
import type { Fields } from './fields.js';
import type { Line } from './line.js';

export interface SecureHostOptions {
  readonly line: Line;
  readonly fields: Fields;
  readonly gateway: Connector;
  readonly data: SimulatedDataService;
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
    this.#options.line.tell({ type: 'action', note });
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
      case 'callData':
        return { event: { type: 'dataAnswered', result: await this.#callData(command) } };
      case 'callSecureData':
        return { event: { type: 'dataCalled', result: await this.#callSecureData(command) } };
      case 'extract': {
        line.tell({ type: 'extract', transform: command.transform, source: command.source });
        const source = fields.values.get(command.source);
        const value = source?.use('extract', (digits) => transform(command.transform, digits)) ?? null;
        return { event: { type: 'extracted', value } };
      }
      case 'returnToAgent':
        return { end: { kind: 'return', data: command.data } };
      case 'disconnect':
        return { end: { kind: 'disconnect', reason: command.reason } };
      case 'transferToSecureFlow':
      case 'transferToAgent':
        return { end: { kind: 'disconnect', reason: 'error' } };
    }
  }

  #callData(command: FlowCommand & { do: 'callData' }): Promise<CallDataResult> {
    const { data, fields, signal } = this.#options;
    return data.call(command, fields.values, signal);
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

  async #charge({ secureInputs, occurrence, operation, inputs }: FlowCommand & { do: 'callSecureData' }) {
    const { fields, gateway, sessionId, signal } = this.#options;
    const secure = fields.values.inputs(secureInputs);
    if (!secure) return { status: 'error' as const, reason: 'missing-input', outputs: {} };
    return gateway.charge({
      operation,
      idempotencyKey: `${sessionId}:${occurrence}`,
      secure,
      inputs,
      signal,
    });
  }
}
