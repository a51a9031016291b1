import Type, { type Static } from 'typebox';
import { checkKeys, checkSpec } from '../capture/check-field.js';
import type { CaptureKind } from '../capture/errors.js';
import { CapturedField, KEYING_KEYS, RETRY_KEYS, SHAPE_KEYS } from '../capture/field-keys.js';
import { ATTEMPTS, asksBrand, collectCommand, promptsOf } from '../capture/field-spec.js';
import { Brand, type Situation, Spoken } from '../capture/spoken.js';
import type { CollectFailure } from '../commands.js';
import { isFinal } from '../final-errors.js';
import { type ActionCheck, defineAction, type Outcome, type Run } from './action.js';
import { bareName } from './fields.js';

/** Payment data (PCI DSS, Nacha): never in a variable that expressions can read. */
const SECURE_ONLY: ReadonlySet<CaptureKind> = new Set([
  'cardNumber',
  'expiry',
  'securityCode',
  'routingNumber',
  'accountNumber',
]);

const schema = Type.Object(
  {
    field: CapturedField,
    into: Type.String({
      pattern: '^(flow|secure)\\.[A-Za-z][A-Za-z0-9_]{0,49}$',
      description: 'a declared variable, as secure.card or flow.choice',
    }),
    prompt: Spoken,
    again: Type.Optional(Spoken),
    ...RETRY_KEYS,
    ...SHAPE_KEYS,
    ...KEYING_KEYS,
    brands: Type.Optional(
      Type.Array(Brand, { minItems: 1, description: 'accepted brands; absent accepts every known one' }),
    ),
    card: Type.Optional(
      Type.String({
        pattern: '^secure\\.[A-Za-z][A-Za-z0-9_]{0,49}$',
        description: 'the secure variable with the card whose brand decides the length, as secure.card',
      }),
    ),
  },
  { additionalProperties: false },
);
type Fields = Static<typeof schema>;

export const collectInput = defineAction({
  name: 'collectInput',
  description: 'asks the caller for keys, checks them, and asks again for this field only',
  schema,
  blocks: ['onFailure', 'onCancelled'],
  check: checkFields,
  dataName: (_fields, name) => name,
  collects: (fields) =>
    fields.into.startsWith('secure.') ? [{ variable: bareName(fields.into), kind: fields.field }] : [],
  ends: () => false,
  prompts: promptsOf,
  begin(fields, run) {
    // Only the server knows the card; it tells its brand and nothing else.
    if (fields.card !== undefined && asksBrand(fields)) {
      return { kind: 'wait', command: { do: 'extract', source: bareName(fields.card), transform: 'brand' } };
    }
    return ask(fields, run, { attempt: 1, error: null, brand: null });
  },
  resume(fields, run, event) {
    if (event.type === 'extracted') {
      return ask(fields, run, { attempt: 1, error: null, brand: brandOf(event.value) });
    }
    if (event.type !== 'collected') return { kind: 'next' };
    if (event.result.ok) {
      const scope = fields.into.startsWith('flow.') ? 'flow' : 'secure';
      return scope === 'secure' ? { kind: 'next' } : accepted(fields, run, event.result.value ?? '');
    }
    const { error } = event.result;
    if (isFinal(error) || run.attempt >= (fields.attempts ?? ATTEMPTS)) return failed(run, error);
    return ask(fields, run, { attempt: run.attempt + 1, error, brand: brandOf(run.memory?.brand) });
  },
});

function ask(fields: Fields, run: Run, situation: Situation): Outcome {
  const command = collectCommand(fields, situation, run);
  return { kind: 'wait', command, attempt: situation.attempt, memory: { brand: situation.brand } };
}

function brandOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function failed(run: Run, error: CollectFailure['error']): Outcome {
  const data = { [run.action.name]: { status: 'error', reason: error, error, message: '' } };
  const isDrawn = run.action.blocks.onCancelled !== undefined;
  const block = error === 'caller-interrupted-with-star' && isDrawn ? 'onCancelled' : 'onFailure';
  return { kind: 'path', block, reason: error, data };
}

function accepted(fields: Fields, run: Run, value: string) {
  const name = bareName(fields.into);
  const isNumber = run.flow.variables[name]?.type === 'number';
  return { kind: 'next' as const, variables: { [name]: isNumber ? Number(value) : value } };
}

function checkFields(fields: Fields, check: ActionCheck): void {
  const brands = fields.card === undefined ? [] : Brand.enum;
  checkSpec(fields, check, { brands });
  checkKeys(fields, check);
  checkTarget(fields, check);
  if (fields.brands && fields.field !== 'cardNumber') {
    check.problem(['brands'], `a ${fields.field} has no brand`, 'remove it, or use field: cardNumber');
  }
  if (fields.card === undefined) return;
  if (fields.field !== 'securityCode') {
    check.problem(['card'], `a ${fields.field} has no card`, 'remove it, or use field: securityCode');
  }
  const card = check.secureVariable(['card'], fields.card);
  if (card !== null && !check.collected.get(card)?.has('cardNumber')) {
    check.problem(
      ['card'],
      `${fields.card} holds no card number`,
      'name the variable of the cardNumber field',
    );
  }
}

function checkTarget(fields: Fields, check: ActionCheck): void {
  if (fields.into.startsWith('secure.')) {
    check.secureVariable(['into'], fields.into);
    return;
  }
  const type = check.flowVariable(['into'], fields.into);
  if (SECURE_ONLY.has(fields.field)) {
    check.problem(
      ['into'],
      `a ${fields.field} in ${fields.into} could be read by every expression`,
      'declare a variable of type secure and use into: secure.<name>',
    );
  }
  if (type === 'boolean') check.problem(['into'], 'keys are no boolean', 'use a string or number variable');
  const most = fields.format?.length ?? fields.length ?? fields.max ?? 32;
  if (type === 'number' && most > 15) {
    check.problem(['into'], 'a number holds 15 digits at most', 'set max: 15, or use a string variable');
  }
}
