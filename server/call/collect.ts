import { Collector, type CollectorStep, type CommandRefusal } from '../../flows/collector.js';
import type { CaptureCommand, CollectCommand, CollectFailure } from '../../flows/commands.js';
import { brandOf } from '../../flows/fields/brands.js';
import { calendarDay } from '../../flows/fields/date.js';
import type { CaptureControl } from '../secure/capture-control.js';
import type { SecureValue } from '../secure/secure-value.js';
import type { FieldProgress } from './events.js';
import type { Leg } from './leg.js';
import { tellEnd } from './tell-end.js';

export interface CollectOptions {
  readonly leg: Leg;
  /** Where the keys go. */
  readonly value: SecureValue;
  /** The card that a security code belongs to. */
  readonly card: SecureValue | null;
  /** Ends the attempt as `caller-hung-up`. */
  readonly signal: AbortSignal;
  /** {@link Collected.surplusSince} of the attempt before. */
  readonly surplusSince: number | null;
  /** Where the agent's commands come from; absent: nobody can send one. */
  readonly control?: CaptureControl;
  readonly onProgress: (
    state: FieldProgress['state'],
    entered: number,
    error: FieldProgress['error'],
  ) => void;
}

export interface Collected {
  readonly result: { readonly ok: true } | CollectFailure;
  readonly surplusSince: number | null;
}

/**
 * Plays the prompt of one attempt at one field and feeds the caller's keys and the agent's commands to the
 * {@link Collector} until it is done.
 */
export function collect(command: CollectCommand, options: CollectOptions): Promise<Collected> {
  return new Promise((resolve) => new Attempt(command, options, resolve).begin());
}

class Attempt {
  readonly #command: CollectCommand;
  readonly #options: CollectOptions;
  readonly #resolve: (collected: Collected) => void;
  readonly #collector: Collector;
  #timer: NodeJS.Timeout | undefined;
  #stopListening: () => void = () => {};
  #closeControl: () => void = () => {};
  /** Counts the times the prompt was begun: the end of one that was replaced is not the end of the prompt. */
  #plays = 0;
  #finished = false;

  constructor(command: CollectCommand, options: CollectOptions, resolve: (collected: Collected) => void) {
    const { value, card, surplusSince } = options;
    this.#command = command;
    this.#options = options;
    this.#resolve = resolve;
    this.#collector = new Collector({
      command,
      sink: value,
      look: (check) => value.use('field-check', check),
      surplusSince,
      cardBrand: card?.use('field-check', brandOf) ?? null,
      now: calendarDay(new Date()),
      startedAt: performance.now(),
    });
  }

  begin(): void {
    const { leg, signal, control, onProgress } = this.#options;
    this.#stopListening = leg.onDigit(({ code }) => this.#take(this.#collector.key(code, performance.now())));
    signal.addEventListener('abort', this.#aborted);
    if (control) this.#closeControl = control.open((command) => this.#decide(command));
    if (signal.aborted) {
      onProgress('asked', 0, null);
      this.#aborted();
    } else this.#ask();
  }

  #ask(): void {
    this.#options.onProgress('asked', 0, null);
    void this.#play();
  }

  async #play(): Promise<void> {
    const { audio } = this.#command;
    this.#plays += 1;
    const turn = this.#plays;
    if (audio.length > 0) await this.#options.leg.endpoint.play(audio).catch(() => {});
    if (!this.#finished && turn === this.#plays) this.#take(this.#collector.audioEnded(performance.now()));
  }

  #decide(command: CaptureCommand): CommandRefusal | (() => void) {
    const step = this.#collector.command(command, performance.now());
    return (
      step.refusal ??
      (() => {
        this.#take(step);
        if (step.replay) this.#ask();
      })
    );
  }

  #take(step: CollectorStep): void {
    if (this.#finished) return;
    const { leg, onProgress } = this.#options;
    // Only a key that counts ends the prompt; the surplus of the field before must not.
    if (step.change !== null) void leg.endpoint.stopPlaying().catch(() => {});
    if (step.change === 'key') onProgress('entering', step.entered, null);
    if (step.change === 'cleared') onProgress('cleared', 0, null);
    if (step.result) this.#finish(step.result, step.entered);
    else this.#arm(step.timerAt);
  }

  #arm(at: number | null): void {
    clearTimeout(this.#timer);
    if (at === null) return;
    const wait = Math.max(0, Math.ceil(at - performance.now()));
    this.#timer = setTimeout(() => this.#take(this.#collector.timer(performance.now())), wait);
  }

  readonly #aborted = (): void => {
    this.#options.value.clear();
    this.#finish({ ok: false, error: 'caller-hung-up' }, 0);
  };

  #finish(result: Collected['result'], entered: number): void {
    this.#finished = true;
    clearTimeout(this.#timer);
    this.#stopListening();
    this.#closeControl();
    this.#options.signal.removeEventListener('abort', this.#aborted);
    tellEnd(this.#options.onProgress, result, entered);
    // The prompt must not run on into the next action.
    void this.#options.leg.endpoint.stopPlaying().catch(() => {});
    this.#resolve({ result, surplusSince: this.#collector.surplusSince });
  }
}
