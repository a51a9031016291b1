import * as british from 'n2words/en-GB';
import * as american from 'n2words/en-US';
import type { Amount, CalendarDate, LanguagePack, TimeOfDay, Wording } from '../wording.js';

/** Regions that say `one hundred five` and `May fifth`; the others say `one hundred and five`, `the fifth of May`. */
const AMERICAN: ReadonlySet<string> = new Set(['en', 'en-US', 'en-CA', 'en-PH']);

/** One and several of the hundredth part. An amount in another currency is said with its decimals. */
const HUNDREDTHS: ReadonlyMap<string, readonly [string, string]> = new Map([
  ...['AUD', 'CAD', 'EUR', 'HKD', 'NZD', 'SGD', 'USD', 'ZAR'].map(
    (code): [string, readonly [string, string]] => [code, ['cent', 'cents']],
  ),
  ['GBP', ['penny', 'pence']],
  ['CHF', ['centime', 'centimes']],
  ['INR', ['paisa', 'paise']],
  ['PLN', ['grosz', 'groszy']],
  ['BRL', ['centavo', 'centavos']],
  ['MXN', ['centavo', 'centavos']],
]);

class English implements Wording {
  readonly #tag: string;
  readonly #isAmerican: boolean;

  constructor(tag: string) {
    this.#tag = tag;
    this.#isAmerican = AMERICAN.has(tag);
  }

  number(value: number): string {
    // The library says `point fourteen` for 3.14.
    const [whole = '', decimals = ''] = String(Math.abs(value)).split('.');
    const point = [...decimals].map((digit) => ` ${this.#cardinal(digit)}`).join('');
    return `${value < 0 ? 'minus ' : ''}${this.#cardinal(whole)}${point && ` point${point}`}`;
  }

  money({ isNegative, whole, rest, digits, currency }: Amount): string {
    const sign = isNegative ? 'minus ' : '';
    const wholes = `${this.number(whole)} ${this.#unit(currency, whole)}`;
    if (rest === 0) return `${sign}${wholes}`;
    const names = digits === 2 ? HUNDREDTHS.get(currency) : undefined;
    if (!names) {
      const amount = whole + rest / 10 ** digits;
      return `${sign}${this.number(Number(amount.toFixed(digits)))} ${this.#unit(currency, amount)}`;
    }
    const parts = `${this.number(rest)} ${names[rest === 1 ? 0 : 1]}`;
    return `${sign}${whole === 0 ? parts : `${wholes} and ${parts}`}`;
  }

  date({ year, month, day }: CalendarDate): string {
    const name = monthName(this.#tag, month);
    const nth = (this.#isAmerican ? american : british).toOrdinal(day);
    return `${this.#isAmerican ? `${name} ${nth}` : `the ${nth} of ${name}`}, ${this.#year(year)}`;
  }

  time({ hour, minute }: TimeOfDay): string {
    if (minute === 0 && hour % 12 === 0) return hour === 0 ? 'midnight' : 'twelve noon';
    const minutes =
      minute === 0 ? '' : minute < 10 ? ` oh ${this.number(minute)}` : ` ${this.number(minute)}`;
    return `${this.number(hour % 12 || 12)}${minutes || " o'clock"} ${partOfDay(hour)}`;
  }

  spell(groups: readonly string[]): string {
    return groups.map((group) => [...group].join(' ')).join(', ');
  }

  #cardinal(whole: string): string {
    return this.#isAmerican ? american.toCardinal(whole) : british.toCardinal(whole);
  }

  #year(year: number): string {
    const rest = year % 100;
    if (year % 1000 < 10) return this.number(year);
    const century = this.number(Math.trunc(year / 100));
    if (rest === 0) return `${century} hundred`;
    return `${century} ${rest < 10 ? 'oh ' : ''}${this.number(rest)}`;
  }

  /** `euro` or `euros`, as the number asks for. A synthesizer would read `US` as a word. */
  #unit(currency: string, count: number): string {
    const parts = new Intl.NumberFormat(this.#tag, {
      style: 'currency',
      currency,
      currencyDisplay: 'name',
      maximumFractionDigits: Number.isInteger(count) ? 0 : 3,
    }).formatToParts(count);
    const name = parts.find(({ type }) => type === 'currency')?.value ?? currency;
    return name.replace(/\b[A-Z]{2,}\b/g, (letters) => [...letters].join(' '));
  }
}

function monthName(tag: string, month: number): string {
  return new Intl.DateTimeFormat(tag, { month: 'long', timeZone: 'UTC' }).format(
    Date.UTC(2000, month - 1, 1),
  );
}

/** In words: a synthesizer reads `a.m.` as it likes. */
function partOfDay(hour: number): string {
  if (hour < 5 || hour >= 22) return 'at night';
  if (hour < 12) return 'in the morning';
  return hour < 18 ? 'in the afternoon' : 'in the evening';
}

export const english: LanguagePack = { language: 'en', wording: (tag) => new English(tag) };
