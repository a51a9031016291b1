import { Collector, type CollectorStep } from '../../flows/collector.js';
import type { CaptureError, CollectCommand } from '../../flows/commands.js';
import { brandOf } from '../../flows/fields/brands.js';
import { calendarDay } from '../../flows/fields/date.js';
import type { SecureValue } from '../secure/secure-value.js';
import type { FieldProgress } from './events.js';
import type { Leg } from './leg.js';

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
  readonly onProgress: (
    state: FieldProgress['state'],
    entered: number,
    error: FieldProgress['error'],
  ) => void;
}

export interface Collected {
  readonly result: { readonly ok: true } | { readonly ok: false; readonly error: CaptureError };
  readonly surplusSince: number | null;
}

/** Plays the prompt of one attempt at one field and feeds the caller's keys to the {@link Collector} until it is done. */
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
    const { leg, signal, onProgress } = this.#options;
    this.#stopListening = leg.onDigit(({ code }) => this.#take(this.#collector.key(code, performance.now())));
    signal.addEventListener('abort', this.#aborted);
    onProgress('asked', 0, null);
    if (signal.aborted) this.#aborted();
    else void this.#play();
  }

  async #play(): Promise<void> {
    const { audio } = this.#command;
    if (audio.length > 0) await this.#options.leg.endpoint.play(audio).catch(() => {});
    if (!this.#finished) this.#take(this.#collector.audioEnded(performance.now()));
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
    this.#options.signal.removeEventListener('abort', this.#aborted);
    if (result.ok) this.#options.onProgress('accepted', entered, null);
    else this.#options.onProgress('rejected', entered, result.error);
    // The prompt must not run on into the next action.
    void this.#options.leg.endpoint.stopPlaying().catch(() => {});
    this.#resolve({ result, surplusSince: this.#collector.surplusSince });
  }
}
