import type {
  CallDataResult,
  CollectCommand,
  DataResult,
  FlowCommand,
  FlowNote,
  PlainValue,
} from '../../flows/commands.js';
import { transform } from '../../flows/fields/transforms.js';
import { pause } from '../call/abort.js';
import { callData } from '../call/call-data.js';
import { type CollectOptions, collect } from '../call/collect.js';
import { collectTwice } from '../call/collect-twice.js';
import type { CallEventBody, FieldProgress } from '../call/events.js';
import type { Leg } from '../call/leg.js';
import { playTo } from '../call/play.js';
import { withProcessingAudio } from '../call/processing-audio.js';
import type { Executed, FlowHost } from '../call/run-flow.js';
import type { Connector } from '../connectors/connector.js';
import type { DataActions } from '../data-actions/data-actions.js';
import { heldAs, type SecureValues } from './secure-values.js';

/** How the flow of a secure session ended. */
export type SecureFlowEnd =
  | { readonly kind: 'return'; readonly data: Readonly<Record<string, PlainValue>> }
  | { readonly kind: 'disconnect'; readonly reason: 'flow' | 'error' };

export interface SecureRunOptions {
  readonly sessionId: string;
  readonly customer: Leg;
  readonly values: SecureValues;
  readonly connectors: ReadonlyMap<string, Connector>;
  readonly dataActions: DataActions;
  /** Ends prompts, collects and plain data actions early; a charge that is under way is waited for all the same. */
  readonly signal: AbortSignal;
  /** Aborted when the process stops: the only thing that gives a charge up. */
  readonly shutdown: AbortSignal;
  /** Keys before this run that are surplus of another field ({@link CollectOptions.surplusSince}). Default null. */
  readonly surplusSince?: number | null;
  readonly publish: (event: CallEventBody) => void;
  readonly onNote: (note: FlowNote) => void;
  readonly onProgress: (progress: FieldProgress) => void;
  readonly onData: (status: DataResult['status'] | 'calling', reason: string) => void;
}

/** Executes the commands of a secure flow on the customer's leg, alone with the caller. */
export class SecureRun implements FlowHost<SecureFlowEnd> {
  readonly #options: SecureRunOptions;
  #surplusSince: number | null;
  #lastData: DataResult | null = null;

  constructor(options: SecureRunOptions) {
    this.#options = options;
    this.#surplusSince = options.surplusSince ?? null;
  }

  /** What became of the last charge, empty without one: told where the flow could not say it. */
  get verdict(): Record<string, PlainValue> {
    if (this.#lastData === null) return {};
    const { outputs, status, reason } = this.#lastData;
    return { ...outputs, status, reason };
  }

  note(note: FlowNote): void {
    this.#options.onNote(note);
  }

  async execute(command: FlowCommand): Promise<Executed<SecureFlowEnd>> {
    const { customer } = this.#options;
    switch (command.do) {
      case 'play':
        await playTo(customer, command.audio, { bargeIn: command.bargeIn });
        return { event: { type: 'played' } };
      case 'wait':
        await pause(command.ms, this.#options.signal);
        return { event: { type: 'waited' } };
      case 'collect':
        return this.#collect(command);
      case 'callData':
        return { event: { type: 'dataAnswered', result: await this.#callData(command) } };
      case 'callSecureData':
        return { event: { type: 'dataCalled', result: await this.#callSecureData(command) } };
      case 'extract': {
        const source = this.#options.values.get(command.source);
        const value = source?.use('extract', (digits) => transform(command.transform, digits)) ?? null;
        const { source: variable, transform: kind } = command;
        this.#options.publish({
          type: 'secure.extracted',
          sessionId: this.#options.sessionId,
          variable,
          transform: kind,
        });
        return { event: { type: 'extracted', value } };
      }
      case 'returnToAgent':
        return { end: { kind: 'return', data: command.data } };
      case 'disconnect':
        return { end: { kind: 'disconnect', reason: command.reason } };
      case 'transferToSecureFlow':
      case 'transferToAgent':
        // Rule 7: a transfer inside a secure flow that cannot be made disconnects, whatever path was drawn.
        return { end: { kind: 'disconnect', reason: 'error' } };
    }
  }

  async #collect(command: CollectCommand): Promise<Executed<SecureFlowEnd>> {
    const { values, customer, signal, onProgress } = this.#options;
    const { field, into, attempt } = command;
    const held = heldAs(into);
    const value = values.create(held, field.kind);
    const card = field.cardVariable === null ? null : (values.get(field.cardVariable) ?? null);
    const options: CollectOptions = {
      leg: customer,
      value,
      card,
      signal,
      surplusSince: this.#surplusSince,
      onProgress: (state, entered, error) =>
        onProgress({ field: field.kind, name: into.name, state, entered, attempt, error }),
    };
    const collected = await collectTwice(command, options, collect);
    this.#surplusSince = collected.surplusSince;
    if (!collected.result.ok) {
      values.drop(held);
      return { event: { type: 'collected', result: collected.result } };
    }
    if (into.scope === 'secure') return { event: { type: 'collected', result: { ok: true } } };
    // A plain field or a menu in a secure flow: the author asked for it in the open.
    const plain = value.use('extract', (digits) => Buffer.from(digits).toString('latin1'));
    values.drop(held);
    return { event: { type: 'collected', result: { ok: true, value: plain } } };
  }

  async #callSecureData(command: FlowCommand & { do: 'callSecureData' }): Promise<DataResult> {
    this.#options.onData('calling', '');
    const result = await withProcessingAudio(this.#options.customer, command.processingAudio, () =>
      this.#charge(command),
    );
    const { values, onData } = this.#options;
    this.#lastData = values.charged(result);
    onData(this.#lastData.status, this.#lastData.reason);
    return this.#lastData;
  }

  async #charge(command: FlowCommand & { do: 'callSecureData' }): Promise<DataResult> {
    const { connectors, values, sessionId, shutdown } = this.#options;
    const connector = connectors.get(command.connector);
    const secure = values.inputs(command.secureInputs);
    if (!secure) return { status: 'error', reason: 'missing-input', outputs: {} };
    if (!connector) return { status: 'error', reason: 'unknown-connector', outputs: {} };
    const idempotencyKey = `${sessionId}:${command.occurrence}`;
    const { operation, inputs } = command;
    return connector.charge({ operation, idempotencyKey, secure, inputs, signal: shutdown });
  }

  #callData(command: FlowCommand & { do: 'callData' }): Promise<CallDataResult> {
    const { customer, dataActions, values, sessionId, signal, publish } = this.#options;
    return callData(command, { leg: customer, dataActions, values, runId: sessionId, signal, publish });
  }
}
