import type { CaptureCommand, CaptureError, CollectCommand, CollectFailure } from './commands.js';
import { checkField, completeLength, type FieldFacts } from './fields/field.js';

/** Where the keys go, and nowhere else: the server's secure value. Codes are ASCII. */
export interface DigitSink {
  /** False when there is no room. */
  append(code: number): boolean;
  clear(): void;
  readonly length: number;
}

export interface CollectorOptions extends FieldFacts {
  readonly command: Pick<
    CollectCommand,
    | 'field'
    | 'bargeIn'
    | 'firstDigitTimeoutMs'
    | 'interDigitTimeoutMs'
    | 'totalTimeoutMs'
    | 'terminator'
    | 'clearKey'
    | 'cancelKey'
    | 'typeAhead'
    | 'focusable'
  >;
  readonly sink: DigitSink;
  /** Shows the digits of the sink to a check; what it returns must not hold them. */
  readonly look: <T>(check: (digits: Uint8Array) => T) => T;
  /** {@link Collector.surplusSince} of the collector before this one. Default null. */
  readonly surplusSince?: number | null;
  /** When the field was opened: what `typeAhead: flush` counts from. Default 0. */
  readonly startedAt?: number;
}

/** What the server has to know after each input. Times are in ms on the clock of the inputs. */
export interface CollectorStep {
  /** Null while the field is open. After a failure the sink is empty. */
  readonly result: { readonly ok: true } | CollectFailure | null;
  /** When to call {@link Collector.timer}; replaces the time of the step before. Null: no timer. */
  readonly timerAt: number | null;
  /** What the input did to the field. Either one ends the prompt; a key that was dropped (null) must not. */
  readonly change: 'key' | 'cleared' | null;
  /** Keys in the field. */
  readonly entered: number;
}

/** Why a command of the agent does not fit now. */
export type CommandRefusal = 'no-field' | 'nothing-keyed' | 'not-focusable' | 'no-more-time';

export interface CommandStep extends CollectorStep {
  /** Null when the command was taken; a refused one has changed nothing. */
  readonly refusal: CommandRefusal | null;
  /** The prompt is to be played from its beginning, with {@link Collector.audioEnded} at its end. */
  readonly replay: boolean;
}

/** How much time an agent can add to one entry, all in all. */
export const MOST_EXTRA_MS = 300_000;

/** Without a key for this long, keys that follow an automatically completed field are meant for the next one. */
export const SURPLUS_GAP_MS = 400;

const STAR = 42;
const HASH = 35;

/**
 * One attempt at one field, decided from keys, times and the agent's commands alone.
 *
 * ```
 *   surplus ──400 ms without a key, or the terminator──▶ open ──terminator, length, time──▶ done
 * ```
 * A terminator as the very first key belongs to the field before and is dropped. What the agent throws away counts as a
 * field before too: keys of the same burst go with it. With `typeAhead: flush` a field begins in `surplus`, which no
 * terminator ends.
 */
export class Collector {
  readonly #options: CollectorOptions;
  readonly #terminator: number | null;
  readonly #clearKey: number | null;
  readonly #cancelKey: number | null;
  readonly #flushes: boolean;
  #surplusSince: number | null;
  #result: CollectorStep['result'] = null;
  #promptEnded = false;
  /** When silence ends the field. */
  #quietAt: number | null = null;
  #totalAt: number | null = null;
  /** What the agent has added to each time-out. */
  #extraMs = 0;

  constructor(options: CollectorOptions) {
    this.#options = options;
    this.#terminator = keyCode(options.command.terminator);
    this.#clearKey = keyCode(options.command.clearKey);
    this.#cancelKey = keyCode(options.command.cancelKey ?? null);
    this.#flushes = options.command.typeAhead === 'flush';
    this.#surplusSince = options.surplusSince ?? (this.#flushes ? (options.startedAt ?? 0) : null);
    options.sink.clear();
  }

  /**
   * When the last key was pressed that belongs to this field or is surplus of it; null when its terminator came.
   * A finished collector may still be fed keys: they only move this time.
   */
  get surplusSince(): number | null {
    return this.#surplusSince;
  }

  /** The prompt has ended, or there is none: the first digit is waited for from here. */
  audioEnded(at: number): CollectorStep {
    if (this.#result === null && !this.#promptEnded) this.#waitForFirst(at);
    return this.#step(null);
  }

  /** A key by its ASCII code. */
  key(code: number, at: number): CollectorStep {
    const isDigit = code >= 48 && code <= 57;
    if (!isDigit && code !== STAR && code !== HASH) return this.#step(null);
    if (this.#swallows(code, at) || this.#result !== null) return this.#step(null);
    if (!this.#promptEnded && !this.#options.command.bargeIn) return this.#step(null);
    if (code === this.#cancelKey) return this.#cancel(at);
    if (code === this.#clearKey) return this.#clear(at);
    if (code === this.#terminator) return this.#terminate(at);
    const isEntry = isDigit || this.#options.command.field.kind === 'menu';
    return isEntry ? this.#enter(code, at) : this.#step(null);
  }

  /** What the agent wants done. Never call it for anything that the caller does. */
  command(command: CaptureCommand, at: number): CommandStep {
    const refusal = this.#refusalOf(command);
    if (refusal !== null) return { ...this.#step(null), refusal, replay: false };
    return { ...this.#obey(command, at), refusal, replay: command.do === 'askAgain' };
  }

  /** The time asked for by `timerAt` has come; a call before it does nothing. */
  timer(at: number): CollectorStep {
    const due = this.#timerAt;
    if (due === null || at < due) return this.#step(null);
    const { sink, command } = this.#options;
    const isTotal = this.#totalAt !== null && at >= this.#totalAt;
    if (isTotal || sink.length < Math.max(1, command.field.min)) {
      this.#throwAway(at);
      return this.#fail('timeout');
    }
    return this.#complete(at, null);
  }

  #refusalOf(command: CaptureCommand): CommandRefusal | null {
    if (this.#result !== null) return 'no-field';
    switch (command.do) {
      case 'complete':
        return this.#options.sink.length === 0 ? 'nothing-keyed' : null;
      case 'extendTime':
        return this.#extraMs + command.ms > MOST_EXTRA_MS ? 'no-more-time' : null;
      case 'focus':
        return this.#options.command.focusable?.includes(command.field) ? null : 'not-focusable';
      default:
        return null;
    }
  }

  #obey(command: CaptureCommand, at: number): CollectorStep {
    switch (command.do) {
      case 'complete':
        return this.#complete(at, null);
      case 'extendTime':
        return this.#extend(command.ms);
      case 'askAgain':
        this.#throwAway(at);
        return this.#begins();
      case 'clear':
        this.#throwAway(at);
        // Nothing can have been keyed while the prompt plays, so it plays on.
        return this.#promptEnded ? this.#clear(at) : this.#step(null);
      case 'cancel':
        this.#throwAway(at);
        return this.#fail('cancelled-by-agent');
      case 'focus':
        this.#throwAway(at);
        return this.#end({ ok: false, error: 'focus', field: command.field });
    }
  }

  #extend(ms: number): CollectorStep {
    this.#extraMs += ms;
    if (this.#quietAt !== null) this.#quietAt += ms;
    if (this.#totalAt !== null) this.#totalAt += ms;
    return this.#step(null);
  }

  /** As before the first prompt. */
  #begins(): CollectorStep {
    this.#promptEnded = false;
    this.#quietAt = null;
    this.#totalAt = null;
    return this.#step(null);
  }

  /** Keys that follow in the same burst belong to what is thrown away. */
  #throwAway(at: number): void {
    if (this.#options.sink.length > 0) this.#surplusSince = at;
    this.#options.sink.clear();
  }

  #swallows(code: number, at: number): boolean {
    if (this.#surplusSince === null) return false;
    if (at - this.#surplusSince >= SURPLUS_GAP_MS && this.#result === null) {
      this.#surplusSince = null;
      return false;
    }
    const isOver = code === this.#terminator && !(this.#flushes && this.#result === null);
    this.#surplusSince = isOver ? null : at;
    return true;
  }

  #enter(code: number, at: number): CollectorStep {
    const { command, sink, look } = this.#options;
    if (!sink.append(code)) return this.#step(null);
    this.#begin(at);
    const full = look((digits) => completeLength(command.field, digits, this.#options));
    if (sink.length >= full) return this.#complete(at, 'key');
    this.#quietAt = at + command.interDigitTimeoutMs + this.#extraMs;
    return this.#step('key');
  }

  #terminate(at: number): CollectorStep {
    if (this.#options.sink.length === 0) return this.#step(null);
    const step = this.#complete(at, null);
    this.#surplusSince = null;
    return step;
  }

  #clear(at: number): CollectorStep {
    this.#options.sink.clear();
    this.#waitForFirst(at);
    return this.#step('cleared');
  }

  #cancel(at: number): CollectorStep {
    this.#surplusSince = at;
    return { ...this.#fail('caller-interrupted-with-star'), change: 'cleared' };
  }

  #complete(at: number, change: CollectorStep['change']): CollectorStep {
    const { command, look } = this.#options;
    const entered = this.#options.sink.length;
    const error = look((digits) => checkField(command.field, digits, this.#options));
    this.#surplusSince = at;
    if (error !== null) return { ...this.#fail(error), change, entered };
    this.#result = { ok: true };
    return this.#step(change);
  }

  #fail(error: CaptureError): CollectorStep {
    return this.#end({ ok: false, error });
  }

  #end(failure: CollectFailure): CollectorStep {
    this.#options.sink.clear();
    this.#result = failure;
    return this.#step(null);
  }

  #waitForFirst(at: number): void {
    this.#begin(at);
    this.#quietAt = at + this.#options.command.firstDigitTimeoutMs + this.#extraMs;
  }

  #begin(at: number): void {
    this.#promptEnded = true;
    this.#totalAt ??= at + this.#options.command.totalTimeoutMs + this.#extraMs;
  }

  get #timerAt(): number | null {
    if (this.#result !== null || this.#quietAt === null) return null;
    return Math.min(this.#quietAt, this.#totalAt ?? Number.POSITIVE_INFINITY);
  }

  #step(change: CollectorStep['change']): CollectorStep {
    return { result: this.#result, timerAt: this.#timerAt, change, entered: this.#options.sink.length };
  }
}

function keyCode(key: '#' | '*' | null): number | null {
  return key === null ? null : key.charCodeAt(0);
}
