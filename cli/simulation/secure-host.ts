import type { CallDataResult, DataResult, FlowCommand, FlowNote } from '../../flows/commands.js';
import { transform } from '../../flows/fields/transforms.js';
import { variableOf } from '../../flows/secure-names.js';
import type { Executed, FlowHost } from '../../server/call/run-flow.js';
import type { Connector } from '../../server/connectors/connector.js';
import { failed } from '../../server/data-actions/data-action.js';
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

  /** The verdict of the last charge; what the agent is told when the flow could not say it. */
  get lastData(): DataResult | null {
    return this.#lastData;
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
        return { event: await fields.collect(command) };
      case 'callData':
        return { event: { type: 'dataAnswered', result: await this.#callData(command) } };
      case 'callSecureData':
        return { event: { type: 'dataCalled', result: await this.#callSecureData(command) } };
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
      case 'transferToSecureFlow':
      case 'transferToAgent':
        return { end: { kind: 'disconnect', reason: 'error' } };
    }
  }

  async #callData(command: FlowCommand & { do: 'callData' }): Promise<CallDataResult> {
    const { data, fields, signal } = this.#options;
    if (fields.values.showIn(command.inputs)) {
      return failed('secure-value', 'an input shows a value of the secure session');
    }
    const result = await data.call(command, signal);
    return { ...result, outputs: fields.values.redact(result.outputs) };
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
