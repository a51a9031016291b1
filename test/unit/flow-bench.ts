import {
  Collector,
  type CollectorOptions,
  type CollectorStep,
  type CommandRefusal,
} from '../../flows/collector.js';
import type { CaptureCommand } from '../../flows/commands.js';
import type { CardBrand } from '../../flows/fields/brands.js';
import { NOW, TestSink } from './flow-simulator.js';

type Command = CollectorOptions['command'];

export const CARD: Command = {
  field: { kind: 'cardNumber', min: 12, max: 19, brands: [], cardVariable: null },
  bargeIn: true,
  firstDigitTimeoutMs: 5000,
  interDigitTimeoutMs: 3000,
  totalTimeoutMs: 60_000,
  terminator: '#',
  clearKey: '*',
};

export function digits(min: number, max: number, rest: Partial<Command> = {}): Command {
  return { ...CARD, field: { kind: 'digits', min, max, brands: [], cardVariable: null }, ...rest };
}

/** A collector on a virtual clock, and what it last said. */
export class Bench {
  readonly sink = new TestSink();
  readonly collector: Collector;
  at: number;
  last: CollectorStep;
  refusal: CommandRefusal | null = null;
  replay = false;

  constructor(
    command: Command,
    more: { surplusSince?: number | null; cardBrand?: CardBrand; at?: number } = {},
  ) {
    const { surplusSince = null, cardBrand = null, at = 0 } = more;
    this.at = at;
    this.collector = new Collector({
      command,
      sink: this.sink,
      look: this.sink.look,
      now: NOW,
      cardBrand,
      surplusSince,
    });
    this.last = this.collector.timer(at);
  }

  /** Presses keys `gap` ms apart, the first one after `gap`; runs timers that come due before a key. */
  press(keys: string, gap = 100): this {
    for (const key of keys) {
      this.wait(gap);
      this.last = this.collector.key(key.charCodeAt(0), this.at);
    }
    return this;
  }

  /** The agent's command; `refusal` and `replay` are what it said to it. */
  command(command: CaptureCommand): this {
    const step = this.collector.command(command, this.at);
    this.last = step;
    this.refusal = step.refusal;
    this.replay = step.replay;
    return this;
  }

  audioEnds(): this {
    this.last = this.collector.audioEnded(this.at);
    return this;
  }

  wait(ms: number): this {
    const until = this.at + ms;
    while (this.last.timerAt !== null && this.last.timerAt <= until && this.last.result === null) {
      this.at = this.last.timerAt;
      this.last = this.collector.timer(this.at);
    }
    this.at = until;
    return this;
  }

  get verdict(): string {
    const { result } = this.last;
    if (result === null) return 'open';
    return result.ok ? `ok ${this.sink.text}` : result.error;
  }
}
