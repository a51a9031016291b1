import { SecureValue } from '../secure/secure-value.js';

/** What stands in a JSON string, a header and a form as it is. */
const TOKEN = /^[A-Za-z0-9._~:+/=-]{1,255}$/;

/** Outputs that are secure values, by name. Whoever takes them wipes them. */
export type SecureOutputs = ReadonlyMap<string, SecureValue>;

/** Which outputs of an answer are secure: those that never become plain, and those that the flow wants. */
export interface SecureOutputNames {
  readonly never: readonly string[];
  readonly wanted: readonly string[];
}

/** A text in memory that is zeroed with the secure value. */
export function secureText(text: string): SecureValue {
  const value = new SecureValue(text.length);
  for (const code of Buffer.from(text, 'latin1')) value.append(code);
  return value;
}

/**
 * Takes secure outputs out of an answer: `rest` has none of them. One that nobody wants is dropped; one that is no token
 * is not taken.
 */
export function takeSecureOutputs(
  answer: Readonly<Record<string, unknown>>,
  { never, wanted }: SecureOutputNames,
): { readonly rest: Readonly<Record<string, unknown>>; readonly taken: SecureOutputs } {
  const taken = new Map<string, SecureValue>();
  const rest = Object.entries(answer).filter(([name, value]) => {
    if (!never.includes(name) && !wanted.includes(name)) return true;
    if (wanted.includes(name) && typeof value === 'string' && TOKEN.test(value)) {
      taken.set(name, secureText(value));
    }
    return false;
  });
  return { rest: Object.fromEntries(rest), taken };
}
