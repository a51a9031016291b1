/** Stripe's decline and error codes that have a name of their own in flows; others keep theirs, with hyphens. */
const REASONS: Readonly<Record<string, string>> = {
  generic_decline: 'card-declined',
  card_declined: 'card-declined',
  do_not_honor: 'do-not-honour',
  incorrect_number: 'invalid-card-number',
  invalid_number: 'invalid-card-number',
  incorrect_cvc: 'invalid-security-code',
  invalid_cvc: 'invalid-security-code',
  invalid_expiry_month: 'invalid-date',
  invalid_expiry_year: 'invalid-date',
  incorrect_zip: 'invalid-postal-code',
  card_not_supported: 'invalid-card-type',
};

/** A reason for flows: `a-z`, `0-9` and `-`. */
export function stripeReason(code: string | undefined, otherwise: string): string {
  if (code === undefined) return otherwise;
  const reason =
    REASONS[code] ??
    code
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .slice(0, 40);
  return reason.replace(/^-+|-+$/g, '') || otherwise;
}
