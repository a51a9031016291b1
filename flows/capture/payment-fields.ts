import { bareName } from '../actions/fields.js';
import type { CaptureKind } from './errors.js';
import type { FieldSpec } from './field-spec.js';
import type { PaymentEntry, PaymentKeys } from './payment-keys.js';
import { fieldTexts } from './payment-texts.js';
import type { Spoken } from './spoken.js';

/** One field of a payment: how it is asked for, and the plain value that may spare asking. */
export interface PaymentField {
  readonly spec: FieldSpec;
  readonly value: PaymentEntry['value'];
}

const USUAL: Readonly<Record<PaymentKeys['method'], readonly PaymentEntry[]>> = {
  card: [{ field: 'cardNumber' }, { field: 'expiry' }, { field: 'securityCode' }, { field: 'postalCode' }],
  bankAccount: [{ field: 'routingNumber' }, { field: 'accountNumber' }],
};

/** What reads a card back, or a bank account. */
export const MAIN_FIELD: Readonly<Record<PaymentKeys['method'], CaptureKind>> = {
  card: 'cardNumber',
  bankAccount: 'accountNumber',
};

export function entriesOf(keys: PaymentKeys): readonly PaymentEntry[] {
  return keys.fields ?? USUAL[keys.method];
}

/** The fields in the order they are asked for, with the words and keys of the action where they have none of their own. */
export function paymentFields(keys: PaymentKeys): readonly PaymentField[] {
  const entries = entriesOf(keys);
  const card = entries.find(({ field }) => field === 'cardNumber');
  return entries.map((entry) => ({ spec: specOf(entry, keys, card), value: entry.value }));
}

export function variableOf(entry: PaymentEntry): string {
  return bareName(entry.into ?? `secure.${entry.field}`);
}

function specOf(entry: PaymentEntry, keys: PaymentKeys, card: PaymentEntry | undefined): FieldSpec {
  const { value: _value, again: _again, ...own } = entry;
  const { terminator, clearKey, cancelKey, bargeIn, typeAhead } = keys;
  const { attempts, firstDigitTimeout, interDigitTimeout, totalTimeout } = keys;
  const texts = fieldTexts(entry.field, terminator ?? '#');
  const again = entry.again === false ? undefined : ((entry.again as Spoken | undefined) ?? texts?.again);
  return {
    ...defined({ terminator, clearKey, cancelKey, bargeIn, typeAhead }),
    ...defined({ attempts, firstDigitTimeout, interDigitTimeout, totalTimeout }),
    // An author's own words for the first attempt are for the others too, as everywhere.
    ...(entry.prompt === undefined && texts ? { retry: texts.retry } : {}),
    ...own,
    into: `secure.${variableOf(entry)}`,
    prompt: entry.prompt ?? texts?.prompt ?? '',
    ...defined({ again }),
    ...(entry.field === 'cardNumber' ? defined({ brands: keys.brands }) : {}),
    ...(entry.field === 'securityCode' && card ? { card: `secure.${variableOf(card)}` } : {}),
  };
}

/** Without the keys that are undefined. */
export function defined<T extends object>(keys: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(keys).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
