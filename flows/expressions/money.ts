import { minorDigits } from '../currency.js';

/** Highest amount a flow takes, in minor units. A longer number is a mistyped one. */
const HIGHEST = 99_999_999;

/** Names of the hundredth part, where speech says one. */
const HUNDREDTHS: Readonly<Record<string, string>> = {
  AUD: 'cents',
  CAD: 'cents',
  EUR: 'cents',
  GBP: 'pence',
  NZD: 'cents',
  USD: 'cents',
};

interface Currency {
  /** Digits after the decimal point (ISO 4217). */
  readonly digits: number;
  /** Whole units with the name of the currency. */
  readonly format: Intl.NumberFormat;
}

/** Formats are dear to build. Codes come from outside, so the number kept is bounded. */
const currencies = new Map<string, Currency>();
const MOST_KEPT = 50;

/** Null when the code is not well formed. */
function currencyOf(code: string): Currency | null {
  const kept = currencies.get(code);
  if (kept) return kept;
  if (!/^[A-Z]{3}$/.test(code)) return null;
  const format = new Intl.NumberFormat('en', {
    style: 'currency',
    currency: code,
    currencyDisplay: 'name',
    minimumFractionDigits: 0,
    maximumFractionDigits: 0,
    useGrouping: false,
  });
  const currency = { digits: minorDigits(code), format };
  if (currencies.size >= MOST_KEPT) currencies.clear();
  currencies.set(code, currency);
  return currency;
}

/**
 * An amount in minor units (cents), or 0 when it is none: from a whole number, taken as minor units, or from a
 * text with the currency's number of decimals (`19.99`). Everything else could be read in two ways and is 0.
 */
export function minorUnits(amount: unknown, currency: string): number {
  const digits = currencyOf(currency)?.digits;
  if (digits === undefined) return 0;
  let value = 0;
  if (typeof amount === 'bigint') value = Number(amount);
  else if (typeof amount === 'string' && digits > 0) {
    const match = /^(\d{1,9})\.(\d+)$/.exec(amount);
    if (match?.[2]?.length === digits) value = Number(`${match[1]}${match[2]}`);
  }
  return value > 0 && value <= HIGHEST ? value : 0;
}

/** An amount of minor units as it is spoken: `19 euros and 99 cents`. */
export function formatMoney(amount: number, currency: string): string {
  const known = currencyOf(currency);
  if (known === null) return `${amount} ${currency}`;
  const { digits, format } = known;
  const unit = 10 ** digits;
  const whole = Math.trunc(amount / unit);
  const rest = amount - whole * unit;
  if (rest === 0) return format.format(whole);
  const hundredth = HUNDREDTHS[currency];
  if (!hundredth) return `${format.format(whole)} and ${rest}`;
  return `${format.format(whole)} and ${rest} ${rest === 1 ? hundredth.replace(/s$/, '') : hundredth}`;
}
