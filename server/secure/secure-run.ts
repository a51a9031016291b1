import type { CollectCommand, DataResult, FlowCommand, FlowNote, PlainValue } from '../../flows/commands.js';
import { transform } from '../../flows/fields/transforms.js';
import { pause } from '../call/abort.js';
import { type CollectOptions, collect } from '../call/collect.js';
import { collectTwice } from '../call/collect-twice.js';
import type { FieldProgress } from '../call/events.js';
import type { Leg } from '../call/leg.js';
import { playTo } from '../call/play.js';
import type { Executed, FlowHost } from '../call/run-flow.js';
import type { Connector } from '../connectors/connector.js';
import type { SecureValue } from './secure-value.js';
import type { SecureValues } from './secure-values.js';

/** How the flow of a secure session ended. */
export type SecureFlowEnd =
  | { readonly kind: 'return'; readonly data: Readonly<Record<string, PlainValue>> }
  | { readonly kind: 'disconnect'; readonly reason: 'flow' | 'error' };

export interface SecureRunOptions {
  readonly sessionId: string;
  readonly customer: Leg;
  readonly values: SecureValues;
  readonly connectors: ReadonlyMap<string, Connector>;
  /** Ends prompts and collects early; a charge that is under way is waited for all the same. */
  readonly signal: AbortSignal;
  /** Aborted when the process stops: the only thing that gives a charge up. */
  readonly shutdown: AbortSignal;
  readonly onNote: (note: FlowNote) => void;
  readonly onProgress: (progress: FieldProgress) => void;
  readonly onData: (status: DataResult['status'] | 'calling', reason: string) => void;
}

/** Executes the commands of a secure flow on the customer's leg, alone with the caller. */
export class SecureRun implements FlowHost<SecureFlowEnd> {
  readonly #options: SecureRunOptions;
  #surplusSince: number | null = null;
  #lastData: DataResult | null = null;

  constructor(options: SecureRunOptions) {
    this.#options = options;
  }

  /** The verdict of the last secure data action; what the agent is told when the flow could not say it. */
  get lastData(): DataResult | null {
    return this.#lastData;
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
      case 'callSecureData':
        return { event: { type: 'dataCalled', result: await this.#callSecureData(command) } };
      case 'extract': {
        const source = this.#options.values.get(command.source);
        const value = source?.use('extract', (digits) => transform(command.transform, digits)) ?? null;
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
    // What was asked for in the open must not take the place of a secure value of its name: no name has a dot.
    const held = into.scope === 'secure' ? into.name : `${into.scope}.${into.name}`;
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
    const done = new AbortController();
    const processing = this.#playProcessing(command.processingAudio, done.signal);
    const result = await this.#charge(command).finally(() => done.abort());
    await this.#options.customer.endpoint.stopPlaying().catch(() => {});
    await processing;
    const { values, onData } = this.#options;
    values.dropSecurityCodes();
    const reason = String(values.redact({ reason: result.reason }).reason);
    this.#lastData = { status: result.status, reason, outputs: values.redact(result.outputs) };
    onData(result.status, reason);
    return this.#lastData;
  }

  async #charge(command: FlowCommand & { do: 'callSecureData' }): Promise<DataResult> {
    const { connectors, values, sessionId, shutdown } = this.#options;
    const connector = connectors.get(command.connector);
    const secure = new Map<string, SecureValue>();
    for (const [input, name] of Object.entries(command.secureInputs)) {
      const value = values.get(name);
      if (!value) return { status: 'error', reason: 'missing-input', outputs: {} };
      secure.set(input, value);
    }
    if (!connector) return { status: 'error', reason: 'unknown-connector', outputs: {} };
    const idempotencyKey = `${sessionId}:${command.occurrence}`;
    const { operation, inputs } = command;
    return connector.charge({ operation, idempotencyKey, secure, inputs, signal: shutdown });
  }

  /** The processing prompt, again and again with a short gap, until the data action has answered (G12). */
  async #playProcessing(
    audio: (FlowCommand & { do: 'callSecureData' })['processingAudio'],
    done: AbortSignal,
  ): Promise<void> {
    const { customer } = this.#options;
    while (audio.length > 0 && !done.aborted && !customer.gone.aborted) {
      await playTo(customer, audio).catch(() => {});
      await pause(1500, AbortSignal.any([done, customer.gone]));
    }
  }
}
