import type {
  CallDataResult,
  CollectCommand,
  DataResult,
  FlowCommand,
  FlowEvent,
  FlowNote,
  PlainValue,
} from '../../flows/commands.js';
import { calendarDay } from '../../flows/fields/date.js';
import { transform } from '../../flows/fields/transforms.js';
import type { Flow } from '../../flows/flow.js';
import { variableOf } from '../../flows/secure-names.js';
import { pause } from '../abort.js';
import { BotTalks } from '../bots/bot-talks.js';
import type { Bots } from '../bots/bots.js';
import { callData } from '../call/call-data.js';
import { type CollectOptions, collect } from '../call/collect.js';
import { collectTwice } from '../call/collect-twice.js';
import type { CallEventBody, FieldProgress } from '../call/events.js';
import { fieldProgress } from '../call/field-progress.js';
import { nextFlow } from '../call/next-flow.js';
import type { Participant } from '../call/participant.js';
import { executePlainData, type PlainDataCommand } from '../call/plain-data.js';
import { playTo } from '../call/play.js';
import { withProcessingAudio } from '../call/processing-audio.js';
import type { Executed, FlowHost } from '../call/run-flow.js';
import type { Connector, Reconciled } from '../connectors/connector.js';
import type { DataActions } from '../data-actions/data-actions.js';
import type { Flows } from '../flows/published-flows.js';
import { type TransferCommand, targetOf } from '../transfer/transfers.js';
import type { CaptureControl } from './capture-control.js';
import { heldAs, type SecureValues } from './secure-values.js';

/** How the flow of a secure session ended. */
export type SecureFlowEnd =
  | { readonly kind: 'return'; readonly data: Readonly<Record<string, PlainValue>> }
  /** The customer is handed on once secure mode is left. */
  | { readonly kind: 'transfer'; readonly command: TransferCommand }
  | { readonly kind: 'disconnect'; readonly reason: 'flow' | 'error' };

export interface SecureRunOptions {
  readonly sessionId: string;
  readonly customer: Participant;
  readonly values: SecureValues;
  /** The agent's commands to the field that is being keyed. */
  readonly control: CaptureControl;
  readonly connectors: ReadonlyMap<string, Connector>;
  readonly dataActions: DataActions;
  /** What a transfer to a flow finds. */
  readonly flows: Flows;
  readonly bots: Bots;
  /** Ends prompts, collects and plain data actions early; a charge that is under way is waited for all the same. */
  readonly signal: AbortSignal;
  /** Aborted when the process stops: the only thing that gives a charge up. */
  readonly shutdown: AbortSignal;
  /** Keys before this run that are surplus of another field ({@link CollectOptions.surplusSince}). Default null. */
  readonly surplusSince?: number | null;
  readonly publish: (event: CallEventBody) => void;
  readonly onNote: (note: FlowNote, flow: Flow) => void;
  readonly onProgress: (progress: FieldProgress) => void;
  /** What a gateway said afterwards of a charge in doubt; perhaps when the session is over. */
  readonly onReconciled: (idempotencyKey: string, status: Reconciled) => void;
  readonly onData: (status: DataResult['status'] | 'calling', reason: string) => void;
}

const CANCELLED = { error: 'cancelled', message: 'the session has ended' };

/** Executes the commands of a secure flow on the customer's leg, alone with the caller. */
export class SecureRun implements FlowHost<SecureFlowEnd> {
  readonly #options: SecureRunOptions;
  readonly #talks: BotTalks;
  #surplusSince: number | null;
  #lastData: DataResult | null = null;
  #flow = '';

  constructor(options: SecureRunOptions) {
    const { bots, sessionId: runId, signal, values, publish } = options;
    this.#options = options;
    this.#surplusSince = options.surplusSince ?? null;
    this.#talks = new BotTalks({ bots, runId, signal, values, publish });
  }

  /** The run is over, whatever ended it. */
  close(): void {
    this.#talks.close();
  }

  /** What became of the last charge, empty without one: told where the flow could not say it. */
  get verdict(): Record<string, PlainValue> {
    if (this.#lastData === null) return {};
    const { outputs, status, reason } = this.#lastData;
    return { ...outputs, status, reason };
  }

  note(note: FlowNote, flow: Flow): void {
    this.#flow = flow.name;
    this.#options.onNote(note, flow);
  }

  async execute(command: FlowCommand): Promise<Executed<SecureFlowEnd>> {
    const { leg } = this.#options.customer;
    switch (command.do) {
      case 'play':
        await playTo(leg, command.audio, { bargeIn: command.bargeIn });
        return { event: { type: 'played' } };
      case 'wait':
        await pause(command.ms, this.#options.signal);
        return { event: { type: 'waited' } };
      case 'collect':
        return this.#collect(command);
      case 'held':
        return { event: { type: 'held', names: this.#options.values.held(command.names) } };
      case 'fill': {
        const error = this.#options.values.fill(command, calendarDay(new Date()));
        return { event: { type: 'collected', result: error === null ? { ok: true } : { ok: false, error } } };
      }
      case 'callData':
        return { event: { type: 'dataAnswered', result: await this.#callData(command) } };
      case 'callSecureData':
        return { event: { type: 'dataCalled', result: await this.#callSecureData(command) } };
      case 'botTurn':
        return { event: { type: 'botAnswered', result: await this.#talks.turn(command) } };
      case 'extract': {
        const source = this.#options.values.get(command.source);
        const value = source?.use('extract', (digits) => transform(command.transform, digits)) ?? null;
        const { source: held, transform: kind } = command;
        this.#options.publish({
          type: 'secure.extracted',
          sessionId: this.#options.sessionId,
          variable: variableOf(held),
          transform: kind,
        });
        return { event: { type: 'extracted', value } };
      }
      case 'returnToAgent':
        return { end: { kind: 'return', data: command.data } };
      case 'disconnect':
        return { end: { kind: 'disconnect', reason: command.reason } };
      case 'setParticipantData':
      case 'getParticipantData':
      case 'sendEvent':
        return { event: this.#plainData(command) };
      case 'transferToFlow':
        return this.#toFlow(command);
      case 'transferToAgent':
      case 'transferToQueue':
      case 'transferToNumber':
        return this.#transfer(command);
      case 'transferToSecureFlow':
        // The loader refuses it here. Rule 7: what cannot be done disconnects, whatever path was drawn.
        return { end: { kind: 'disconnect', reason: 'error' } };
    }
  }

  #plainData(command: PlainDataCommand): FlowEvent {
    const { customer, publish, values } = this.#options;
    return executePlainData(command, { customer, flow: this.#flow, publish, values });
  }

  /** The next flow runs in the same session. */
  async #toFlow(command: FlowCommand & { do: 'transferToFlow' }): Promise<Executed<SecureFlowEnd>> {
    const { customer, flows, values } = this.#options;
    await playTo(customer.leg, command.preTransferAudio);
    return nextFlow(command, 'secure', flows, values) ?? { end: { kind: 'disconnect', reason: 'error' } };
  }

  async #transfer(command: TransferCommand): Promise<Executed<SecureFlowEnd>> {
    const { customer, values, signal } = this.#options;
    // A target goes into SIP messages.
    if (values.showIn(targetOf(command))) return { end: { kind: 'disconnect', reason: 'error' } };
    await playTo(customer.leg, command.preTransferAudio);
    // An agent who ended the session meanwhile wants the caller back.
    if (signal.aborted) return { event: { type: 'transferFailed', ...CANCELLED } };
    return { end: { kind: 'transfer', command } };
  }

  async #collect(command: CollectCommand): Promise<Executed<SecureFlowEnd>> {
    const { values, customer, control, signal, onProgress } = this.#options;
    const { field, into } = command;
    const held = heldAs(into);
    const value = values.create(held, field.kind);
    const card = field.cardVariable === null ? null : (values.get(field.cardVariable) ?? null);
    const options: CollectOptions = {
      leg: customer.leg,
      value,
      card,
      signal,
      surplusSince: this.#surplusSince,
      control,
      onProgress: fieldProgress(command, onProgress),
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
    const result = await withProcessingAudio(this.#options.customer.leg, command.processingAudio, () =>
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
    const { operation, inputs, parameters, secureOutputs } = command;
    const result = await connector.charge({
      operation,
      idempotencyKey,
      secure,
      inputs,
      parameters,
      secureOutputs: Object.keys(secureOutputs),
      signal: shutdown,
    });
    values.takeOutputs(result.secureOutputs ?? new Map(), secureOutputs);
    void result.later?.then((status) => this.#options.onReconciled(idempotencyKey, status));
    return result;
  }

  #callData(command: FlowCommand & { do: 'callData' }): Promise<CallDataResult> {
    const { customer, dataActions, values, sessionId, signal, publish } = this.#options;
    const { leg } = customer;
    return callData(command, { leg, dataActions, values, runId: sessionId, signal, publish });
  }
}
