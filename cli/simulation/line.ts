import type { AudioItem, CallDataResult, FlowNote } from '../../flows/commands.js';
import type { CalendarDay } from '../../flows/fields/date.js';
import { DEFAULT_LANGUAGE } from '../../flows/languages.js';
import { failed } from '../../server/data-actions/data-action.js';
import type { Act, Caller } from './caller.js';
import type { Happening, HappeningBody } from './happening.js';

/** How long every prompt plays: there is no speech here whose length could be known. */
const PROMPT_MS = 2000;

export interface LineOptions {
  readonly caller: Caller;
  /** The day that cards and dates are judged on. */
  readonly today: CalendarDay;
  readonly onHappening: (happening: Happening) => void;
}

/** The telephone line of a simulated call, and its clock: time passes only while somebody waits on it. */
export class Line {
  readonly today: CalendarDay;
  readonly #caller: Caller;
  readonly #onHappening: (happening: Happening) => void;
  readonly #gone = new AbortController();
  #cancelled = new AbortController();
  #now = 0;
  #secure = false;
  #language: string | undefined;

  constructor({ caller, today, onHappening }: LineOptions) {
    this.#caller = caller;
    this.today = today;
    this.#onHappening = onHappening;
  }

  /** Ms since the call began. */
  get now(): number {
    return this.#now;
  }

  /** In which the caller heard the last prompts; undefined before the first flow has begun. */
  get language(): string | undefined {
    return this.#language;
  }

  /** Aborted when the caller has hung up. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** The call is in secure mode. */
  get secure(): boolean {
    return this.#secure;
  }

  enterSecure(): void {
    this.#secure = true;
    this.#cancelled = new AbortController();
  }

  leaveSecure(): void {
    this.#secure = false;
  }

  /** Aborted when the secure session was ended from outside; each has a signal of its own. */
  get cancelled(): AbortSignal {
    return this.#cancelled.signal;
  }

  tell(body: HappeningBody): void {
    this.#onHappening({ ...body, at: this.#now, secure: this.#secure });
  }

  /** A run has entered an action; tells the language when it is another one. */
  note(note: FlowNote): void {
    const { language } = note;
    if (language !== (this.#language ?? DEFAULT_LANGUAGE)) this.tell({ type: 'language', language });
    this.#language = language;
    this.tell({ type: 'action', note });
  }

  /** Lets time pass to `until`, or to what comes from outside before. Null: it is `until` now. */
  async next(until: number, field: number | null): Promise<Act | null> {
    if (until <= this.#now) return null;
    const next = await this.#caller.next({ now: this.#now, until, field });
    this.#now = next === null ? until : Math.min(Math.max(next.at, this.#now), until);
    if (next?.act.do === 'hang-up') this.#gone.abort();
    if (next?.act.do === 'cancel' && this.#secure) this.#cancelled.abort();
    if (next?.act.do === 'command' && (field === null || !this.#secure)) {
      this.tell({ type: 'command', command: next.act.command.do, refusal: 'no-field' });
    }
    return next?.act ?? null;
  }

  /** Asks whoever calls what a data action answers. */
  async answer(): Promise<CallDataResult> {
    const answer = await this.#caller.answer();
    if (answer === null) this.#gone.abort();
    return answer ?? failed('cancelled', 'the call has ended');
  }

  /** Lets `ms` pass, less when the signal aborts; keys are dropped. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    const ends = this.#now + ms;
    while (this.#now < ends && !signal.aborted) await this.next(ends, null);
  }

  /** Says a prompt; returns when it will have ended. */
  say(audio: readonly AudioItem[]): number {
    if (audio.length === 0) return this.#now;
    const text = audio.map((item) => ('text' in item ? item.text : `[${item.file}]`)).join(' ');
    this.tell({ type: 'prompt', text: text.replace(/\s+/g, ' ').trim() });
    return this.#now + PROMPT_MS;
  }

  /** Plays a prompt to its end, or to the first key when `bargeIn`. Other keys are dropped. */
  async play(audio: readonly AudioItem[], signal: AbortSignal, bargeIn = false): Promise<void> {
    const ends = this.say(audio);
    while (this.#now < ends && !signal.aborted) {
      const act = await this.next(ends, null);
      if (act?.do === 'key' && bargeIn) return;
    }
  }
}
