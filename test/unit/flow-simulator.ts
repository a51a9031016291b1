import { Collector, type DigitSink } from '../../flows/collector.js';
import type {
  CallDataResult,
  CaptureCommand,
  CollectCommand,
  DataResult,
  FlowCommand,
  FlowEvent,
  PlainValue,
  StartFacts,
} from '../../flows/commands.js';
import { brandOf } from '../../flows/fields/brands.js';
import { checkField } from '../../flows/fields/field.js';
import { transform } from '../../flows/fields/transforms.js';
import type { Flow } from '../../flows/flow.js';
import { start, step } from '../../flows/interpreter.js';
import { variableOf } from '../../flows/secure-names.js';

/** A sink as the server's secure value is one: the only place that holds keyed digits. */
export class TestSink implements DigitSink {
  readonly #bytes = new Uint8Array(32);
  length = 0;

  append(code: number): boolean {
    if (this.length === this.#bytes.length) return false;
    this.#bytes[this.length] = code;
    this.length += 1;
    return true;
  }

  clear(): void {
    this.#bytes.fill(0);
    this.length = 0;
  }

  look = <T>(check: (digits: Uint8Array) => T): T => check(this.#bytes.subarray(0, this.length));

  /** What was keyed: only tests read it. */
  get text(): string {
    return String.fromCharCode(...this.#bytes.subarray(0, this.length));
  }
}

export const NOW = { year: 2026, month: 11, day: 27 };
export const CALL: StartFacts = { id: 'c1', from: 'sip:caller', to: 'sip:pay', invocationData: '' };

const NO_SERVER = { status: 'failure', error: 'unreachable', message: 'no server', outputs: {} } as const;

const PROMPT_MS = 2000;
const KEY_MS = 100;
/** From the begin of a collect to the first key that is meant for it. */
const THINK_MS = 700;

export interface Script {
  readonly flow: Flow;
  /**
   * The keys for each collect in turn, 100 ms apart, begun 700 ms into its prompt; '' keys nothing. In parentheses at the
   * end: a command of the agent, as `12(cancel)`.
   */
  readonly keys: readonly string[];
  readonly invocationData?: string;
  readonly charge?: DataResult;
  readonly data?: CallDataResult;
  /** The caller's attributes. */
  readonly attributes?: Readonly<Record<string, PlainValue>>;
}

export interface Replay {
  /** One line for each command, in words that never hold a secure digit. */
  readonly trace: readonly string[];
  readonly end: FlowCommand;
  /** Everything a flow ever shows: states, notes and commands, as JSON. */
  readonly shown: string;
  readonly spoken: string;
  readonly paths: readonly string[];
  readonly secrets: ReadonlyMap<string, TestSink>;
}

/** Runs a flow in virtual time against a caller who keys a script. */
export function replay(script: Script): Replay {
  return new Simulation(script).run();
}

class Simulation {
  readonly #script: Script;
  readonly #secrets = new Map<string, TestSink>();
  readonly #trace: string[] = [];
  readonly #shown: string[] = [];
  readonly #paths: string[] = [];
  #spoken = '';
  #now = 0;
  #collects = 0;
  #typed: { readonly at: number; readonly act: number | CaptureCommand }[] = [];
  #surplusSince: number | null = null;

  constructor(script: Script) {
    this.#script = script;
  }

  run(): Replay {
    const { flow, invocationData = '' } = this.#script;
    let next = start(flow, { ...CALL, invocationData });
    for (;;) {
      this.#shown.push(JSON.stringify(next));
      this.#paths.push(...next.notes.map((note) => note.path));
      const { command } = next;
      if (!command) throw new Error('a step without a command');
      const event = this.#execute(command);
      if (!event) return this.#result(command);
      next = step(JSON.parse(JSON.stringify(next.state)), event);
    }
  }

  #result(end: FlowCommand): Replay {
    return {
      trace: this.#trace,
      end,
      shown: this.#shown.join('\n'),
      spoken: this.#spoken.trim(),
      paths: this.#paths,
      secrets: this.#secrets,
    };
  }

  #execute(command: FlowCommand): FlowEvent | null {
    switch (command.do) {
      case 'play':
        this.#speak(command.audio);
        this.#trace.push('play');
        this.#now += PROMPT_MS;
        return { type: 'played' };
      case 'wait':
        this.#trace.push(`wait ${command.ms} ms`);
        this.#now += command.ms;
        return { type: 'waited' };
      case 'collect':
        return this.#collect(command);
      case 'held':
        return { type: 'held', names: command.names.filter((name) => this.#secrets.has(name)) };
      case 'fill':
        return this.#fill(command);
      case 'botTurn':
        this.#trace.push(`bot ${command.bot} turn ${command.turn}: ${command.event}`);
        return { type: 'botAnswered', result: { ok: false, error: 'unreachable', message: 'no bot' } };
      case 'extract': {
        const value = this.#secrets
          .get(command.source)
          ?.look((digits) => transform(command.transform, digits));
        this.#trace.push(`extract ${command.transform} of ${variableOf(command.source)}: ${value}`);
        return { type: 'extracted', value: value ?? null };
      }
      case 'callData':
        this.#trace.push(`callData ${command.action} ${JSON.stringify(command.inputs)}`);
        this.#speak(command.processingAudio);
        return { type: 'dataAnswered', result: this.#script.data ?? NO_SERVER };
      case 'callSecureData': {
        const inputs = Object.entries(command.secureInputs).map(
          ([input, name]) => `${input}=${variableOf(name)}`,
        );
        this.#trace.push(
          `${command.operation} ${command.connector} ${inputs.join(' ')} ${JSON.stringify(command.inputs)}`,
        );
        const declined: DataResult = { status: 'error', reason: 'no-gateway', outputs: {} };
        return { type: 'dataCalled', result: this.#script.charge ?? declined };
      }
      case 'transferToSecureFlow':
        this.#trace.push(`transferToSecureFlow ${command.flow} ${command.invocationData}`);
        return null;
      case 'transferToAgent':
        this.#trace.push(`transferToAgent ${command.agent}`);
        return { type: 'transferFailed', error: 'no-agent', message: 'nobody is free' };
      case 'transferToQueue':
        this.#trace.push(`transferToQueue ${command.queue}`);
        return { type: 'transferFailed', error: 'no-agent-available', message: 'nobody is free' };
      case 'transferToNumber':
        this.#trace.push(`transferToNumber ${command.number} by ${command.trunk}`);
        return { type: 'transferFailed', error: 'busy', message: 'the number is busy' };
      case 'transferToFlow':
        this.#trace.push(`transferToFlow ${command.flow} ${command.invocationData}`.trimEnd());
        return null;
      case 'setParticipantData':
        this.#trace.push(`setParticipantData ${JSON.stringify(command.attributes)}`);
        return { type: 'applied', refusal: null };
      case 'getParticipantData':
        this.#trace.push(`getParticipantData ${command.names.join(' ')}`);
        return { type: 'participantData', attributes: this.#script.attributes ?? {} };
      case 'sendEvent':
        this.#trace.push(`sendEvent ${command.type} ${JSON.stringify(command.data)}`);
        return { type: 'applied', refusal: null };
      case 'returnToAgent':
        this.#trace.push(`returnToAgent ${JSON.stringify(command.data)}`);
        return null;
      case 'disconnect':
        this.#trace.push(`disconnect ${command.reason}`);
        return null;
    }
  }

  #speak(audio: CollectCommand['audio']): void {
    for (const item of audio) this.#spoken += ` ${'text' in item ? item.text : item.file}`;
  }

  #collect(command: CollectCommand): FlowEvent {
    const { field, into, attempt } = command;
    const sink = new TestSink();
    this.#speak(command.audio);
    const card = field.cardVariable === null ? undefined : this.#secrets.get(field.cardVariable);
    const collector = new Collector({
      command,
      sink,
      look: sink.look,
      cardBrand: card?.look(brandOf) ?? null,
      now: NOW,
      startedAt: this.#now,
      surplusSince: this.#surplusSince,
    });
    this.#type();
    const last = this.#feed(collector);
    this.#surplusSince = collector.surplusSince;
    const { result } = last;
    const verdict = result?.ok ? `${last.entered} keys` : result?.error;
    this.#trace.push(
      `collect ${field.kind} into ${into.scope}.${variableOf(into.name)} #${attempt}: ${verdict}`,
    );
    if (!result?.ok) return { type: 'collected', result: result ?? { ok: false, error: 'timeout' } };
    if (into.scope !== 'secure') return { type: 'collected', result: { ok: true, value: sink.text } };
    this.#secrets.set(into.name, sink);
    return { type: 'collected', result: { ok: true } };
  }

  #fill({ field, into, value }: FlowCommand & { do: 'fill' }): FlowEvent {
    const sink = new TestSink();
    for (const digit of value.replace(/\D/g, '')) sink.append(digit.charCodeAt(0));
    const error = sink.look((digits) => checkField(field, digits, { cardBrand: null, now: NOW }));
    this.#trace.push(`fill secure.${into}: ${error ?? 'known'}`);
    if (error !== null) return { type: 'collected', result: { ok: false, error } };
    this.#secrets.set(into, sink);
    return { type: 'collected', result: { ok: true } };
  }

  /** Puts the keys meant for this collect behind those that were typed before. */
  #type(): void {
    const keys = this.#script.keys[this.#collects] ?? '';
    this.#collects += 1;
    const from = Math.max(this.#now, this.#typed.at(-1)?.at ?? 0) + THINK_MS;
    const [, pressed = '', command] = /^([^(]*)(?:\((\w+)\))?$/.exec(keys) ?? [];
    const acts: (number | CaptureCommand)[] = [...pressed].map((key) => key.charCodeAt(0));
    if (command !== undefined) acts.push({ do: command as 'cancel' });
    this.#typed.push(...acts.map((act, index) => ({ at: from + index * KEY_MS, act })));
  }

  #feed(collector: Collector) {
    const audioEnd = this.#now + PROMPT_MS;
    let heard = false;
    let last = collector.timer(this.#now);
    while (last.result === null) {
      const keyAt = this.#typed[0]?.at ?? Number.POSITIVE_INFINITY;
      const audioAt = heard ? Number.POSITIVE_INFINITY : audioEnd;
      const timerAt = last.timerAt ?? Number.POSITIVE_INFINITY;
      this.#now = Math.max(this.#now, Math.min(keyAt, audioAt, timerAt));
      if (this.#now === Number.POSITIVE_INFINITY) throw new Error('the collector waits for nothing');
      if (keyAt <= this.#now) {
        const act = this.#typed.shift()?.act ?? 0;
        last = typeof act === 'number' ? collector.key(act, this.#now) : collector.command(act, this.#now);
      } else if (audioAt <= this.#now) {
        heard = true;
        last = collector.audioEnded(this.#now);
      } else last = collector.timer(this.#now);
    }
    return last;
  }
}
