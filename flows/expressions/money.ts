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

/** Digits after the decimal point of an ISO 4217 currency; null when the code is not well formed. */
function fractionDigits(currency: string): number | null {
  if (!/^[A-Z]{3}$/.test(currency)) return null;
  return (
    new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 0
  );
}

/**
 * An amount in minor units (cents), or 0 when it is none: from a whole number, taken as minor units, or from a
 * text with the currency's number of decimals (`19.99`). Everything else could be read in two ways and is 0.
 */
export function minorUnits(amount: unknown, currency: string): number {
  const digits = fractionDigits(currency);
  if (digits === null) return 0;
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
  const digits = fractionDigits(currency);
  if (digits === null) return `${amount} ${currency}`;
  const unit = 10 ** digits;
  const format = new Intl.NumberFormat('en', {
    style: 'currency',
    currency,
    currencyDisplay: 'name',
    minimumFractionDigits: 0,
    maximumFractionDigits: 0,
    useGrouping: false,
  });
  const whole = Math.trunc(amount / unit);
  const rest = amount - whole * unit;
  if (rest === 0) return format.format(whole);
  const hundredth = HUNDREDTHS[currency];
  if (!hundredth) return `${format.format(whole)} and ${rest}`;
  return `${format.format(whole)} and ${rest} ${rest === 1 ? hundredth.replace(/s$/, '') : hundredth}`;
}
