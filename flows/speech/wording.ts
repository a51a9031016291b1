/** An amount of money, taken apart. */
export interface Amount {
  readonly isNegative: boolean;
  /** Whole units of the currency. */
  readonly whole: number;
  /** What is left in minor units. */
  readonly rest: number;
  /** Digits after the decimal point (ISO 4217). */
  readonly digits: number;
  /** ISO 4217. */
  readonly currency: string;
}

export interface CalendarDate {
  readonly year: number;
  /** From 1. */
  readonly month: number;
  readonly day: number;
}

export interface TimeOfDay {
  /** 0 to 23. */
  readonly hour: number;
  readonly minute: number;
}

/** How one language says values. What it is given is in range: it never fails. */
export interface Wording {
  number(value: number): string;
  money(amount: Amount): string;
  date(date: CalendarDate): string;
  time(time: TimeOfDay): string;
  /** Digits and capital letters one by one, with a pause between groups. */
  spell(groups: readonly string[]): string;
}

/** A language that can be spoken: one file, named in `languages.ts`. The synthesizer of `media/prompts` must speak it too. */
export interface LanguagePack {
  /** Primary subtag (BCP 47). */
  readonly language: string;
  /** The words of a region, by a tag with that primary subtag. */
  wording(tag: string): Wording;
}

/** A value that nobody could make sense of when spoken. The message never quotes it. */
export class SpeechError extends Error {
  /** What the author can do. */
  readonly remedy: string;
  constructor(message: string, remedy: string) {
    super(message);
    this.name = 'SpeechError';
    this.remedy = remedy;
  }
}
