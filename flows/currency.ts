/** ISO 4217 alphabetic codes, as the runtime's Unicode data lists them. */
const CODES: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));

/** False for a `currency` that is not an ISO 4217 code in capitals. */
export function isCurrency(value: unknown): boolean {
  return typeof value === 'string' && CODES.has(value);
}
