const CODES: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));

/** Minor unit exponents of ISO 4217 that are not 2. `Intl` has those of daily use: 0 for HUF, whose cards are charged in 2. */
const EXPONENTS: ReadonlyMap<string, number> = new Map([
  ...['BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'VND', 'VUV'].map(noMinor),
  ...['XAF', 'XOF', 'XPF'].map(noMinor),
  ...['BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND'].map((code): [string, number] => [code, 3]),
]);

function noMinor(code: string): [string, number] {
  return [code, 0];
}

/** False for what is not an ISO 4217 code in capitals. */
export function isCurrency(value: unknown): boolean {
  return typeof value === 'string' && CODES.has(value);
}

/** Digits after the decimal point of a currency. */
export function minorDigits(code: string): number {
  return EXPONENTS.get(code) ?? 2;
}
