import { checkKeys, checkSpec, checkTimes } from '../capture/check-field.js';
import type { CaptureKind } from '../capture/errors.js';
import { type FieldSpec, promptsOf } from '../capture/field-spec.js';
import { defined, entriesOf, MAIN_FIELD, paymentFields, variableOf } from '../capture/payment-fields.js';
import { type PaymentEntry, PaymentKeys } from '../capture/payment-keys.js';
import { PaymentRun } from '../capture/payment-run.js';
import { confirmTexts, fieldTexts } from '../capture/payment-texts.js';
import { Brand } from '../capture/spoken.js';
import { type ActionCheck, defineAction } from './action.js';

/** Fields of one method only; all others stand in both. */
const OF_METHOD: Readonly<Record<PaymentKeys['method'], readonly CaptureKind[]>> = {
  card: ['cardNumber', 'expiry', 'securityCode'],
  bankAccount: ['routingNumber', 'accountNumber'],
};

/** Fields that an author may have several of, or the plain value of: they are no payment data. */
const OWN: readonly CaptureKind[] = ['digits', 'date'];
const WITH_VALUE: readonly CaptureKind[] = ['postalCode', ...OWN];

export const collectPayment = defineAction({
  name: 'collectPayment',
  description: 'asks the caller for the fields of a card or bank account, one after the other',
  schema: PaymentKeys,
  blocks: ['onCollected', 'onCancelled', 'onFailed'],
  secure: 'runs',
  dataName: (_fields, name) => name,
  collects: (fields) =>
    entriesOf(fields).map((entry) => ({ variable: variableOf(entry), kind: entry.field })),
  check: checkPayment,
  ends: (ends, action) =>
    ends('onCollected') && ['onCancelled', 'onFailed'].every((path) => !action.blocks[path] || ends(path)),
  prompts(fields) {
    const { confirm, method } = fields;
    const own = typeof confirm === 'object' ? confirm.prompt : undefined;
    const readBack = confirm === undefined ? [] : own === undefined ? confirmTexts(method) : [own];
    return [...paymentFields(fields).flatMap(({ spec }) => promptsOf(spec)), ...readBack];
  },
  begin: (fields, run) => new PaymentRun(fields, run).begin(),
  resume: (fields, run, event) => new PaymentRun(fields, run).resume(event),
});

function checkPayment(keys: PaymentKeys, check: ActionCheck): void {
  const entries = entriesOf(keys);
  checkKeys(keys, check);
  checkTimes(keys, check);
  checkEntries(keys, entries, check);
  checkConfirm(keys, entries, check);
  if (keys.brands && keys.method !== 'card') {
    check.problem(['brands'], 'a bank account has no brand', 'remove it, or use method: card');
  }
  const card = entries.findIndex(({ field }) => field === 'cardNumber');
  for (const [index, { spec }] of paymentFields(keys).entries()) {
    const entry = entries[index];
    const base = keys.fields ? ['fields', index] : ['method'];
    check.secureVariable(keys.fields && entry?.into ? [...base, 'into'] : base, spec.into);
    if (!entry || !keys.fields) continue;
    const brands = card >= 0 && card < index ? (keys.brands ?? Brand.enum) : [];
    checkSpec(authored(entry, spec), check, { brands }, base);
  }
}

/** What stands in the entry itself: the keys of the action are judged once, and words that are built in fit every payment. */
function authored(entry: PaymentEntry, spec: FieldSpec): FieldSpec {
  const { retry, firstDigitTimeout, interDigitTimeout, totalTimeout, prompt = '.' } = entry;
  const { retry: _r, firstDigitTimeout: _f, interDigitTimeout: _i, totalTimeout: _t, ...rest } = spec;
  return { ...rest, prompt, ...defined({ retry, firstDigitTimeout, interDigitTimeout, totalTimeout }) };
}

function checkEntries(keys: PaymentKeys, entries: readonly PaymentEntry[], check: ActionCheck): void {
  const main = MAIN_FIELD[keys.method];
  if (!entries.some(({ field }) => field === main)) {
    check.problem(['fields'], `a payment of method ${keys.method} needs a ${main}`, `add - field: ${main}`);
  }
  for (const [index, entry] of entries.entries()) {
    const before = entries.slice(0, index);
    const at = ['fields', index];
    const { field } = entry;
    const other = keys.method === 'card' ? 'bankAccount' : 'card';
    if (OF_METHOD[other].includes(field)) {
      const has = [...OF_METHOD[keys.method], ...WITH_VALUE].join(', ');
      check.problem([...at, 'field'], `a ${keys.method} has no ${field}`, `give one of ${has}`);
    }
    if (!OWN.includes(field) && before.some((one) => one.field === field)) {
      check.problem([...at, 'field'], `${field} is asked for twice`, 'remove one of the two');
    } else if (before.some((one) => variableOf(one) === variableOf(entry))) {
      check.problem([...at], `two fields go into secure.${variableOf(entry)}`, 'give each its own into');
    }
    if (field === 'securityCode' && !before.some((one) => one.field === 'cardNumber')) {
      check.problem(
        [...at, 'field'],
        'the card number decides the security code',
        'put cardNumber before it',
      );
    }
    checkEntry(entry, at, check);
    const isShared = entries.some((one) => one !== entry && variableOf(one) === variableOf(entry));
    if (keys.known !== 'ask' && !isShared) checkHeld(entry, at, check);
  }
}

/** Whether words that are built in cannot be said in some language of the flow. */
function isForeign(check: ActionCheck): boolean {
  return check.languages.some((language) => !/^en(-|$)/.test(language));
}

function checkEntry(entry: PaymentEntry, at: readonly (string | number)[], check: ActionCheck): void {
  const { field, value } = entry;
  if (entry.prompt === undefined && fieldTexts(field, '#') === null) {
    check.problem([...at, 'field'], `a ${field} has no prompt of its own`, 'add prompt');
  }
  if (entry.prompt === undefined && fieldTexts(field, '#') !== null && isForeign(check)) {
    check.problem([...at], 'the words that are built in are English', 'add prompt, by language');
  }
  if (value !== undefined) {
    if (WITH_VALUE.includes(field)) check.expression([...at, 'value'], value, 'any');
    else {
      const message = `a ${field} that an expression can read`;
      check.problem([...at, 'value'], message, 'remove it: payment data is keyed by the caller');
    }
  }
}

/** A value that is held is not judged again, so it must have been judged as this field. */
function checkHeld(entry: PaymentEntry, at: readonly (string | number)[], check: ActionCheck): void {
  const variable = variableOf(entry);
  const kinds = [...(check.collected.get(variable) ?? [])];
  const other = kinds.find((kind) => kind !== entry.field);
  if (other === undefined) return;
  const message = `secure.${variable} may hold something else already: ${other}`;
  check.problem([...at], message, 'give each its own variable, or set known: ask');
}

function checkConfirm(keys: PaymentKeys, entries: readonly PaymentEntry[], check: ActionCheck): void {
  if (keys.confirm !== undefined && isForeign(check)) {
    const isOwn = keys.confirm !== true && keys.confirm.prompt !== undefined;
    if (!isOwn)
      check.problem(['confirm'], 'the words that are built in are English', 'add prompt, by language');
  }
  if (typeof keys.confirm !== 'object') return;
  const { prompt, again = 'all' } = keys.confirm;
  check.prompt(['confirm', 'prompt'], prompt);
  if (again !== 'all' && entries.filter(({ field }) => field === again).length !== 1) {
    const fields = entries.map(({ field }) => field).join(', ');
    check.problem(['confirm', 'again'], `${again} is not one field of this payment`, `give all, ${fields}`);
  }
}
