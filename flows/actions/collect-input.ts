import Type, { type Static } from 'typebox';
import type { CollectCommand, FieldKind } from '../commands.js';
import { duration, milliseconds } from '../duration.js';
import {
  LONGEST_ACCOUNT_NUMBER,
  ROUTING_NUMBER_LENGTH,
  SHORTEST_ACCOUNT_NUMBER,
} from '../fields/bank-account.js';
import { Prompt } from '../prompt.js';
import { type ActionCheck, defineAction, type Run } from './action.js';
import { bareName } from './fields.js';

type Kind = Exclude<FieldKind, 'menu'>;

/** Fewest and most digits of a field; `author` fields take `length`, `min` and `max` from the document. */
const SIZES: Readonly<Record<Kind, { min: number; max: number; author: boolean }>> = {
  cardNumber: { min: 12, max: 19, author: false },
  expiry: { min: 4, max: 4, author: false },
  securityCode: { min: 3, max: 4, author: false },
  postalCode: { min: 3, max: 10, author: true },
  routingNumber: { min: ROUTING_NUMBER_LENGTH, max: ROUTING_NUMBER_LENGTH, author: false },
  accountNumber: { min: SHORTEST_ACCOUNT_NUMBER, max: LONGEST_ACCOUNT_NUMBER, author: true },
  digits: { min: 1, max: 32, author: true },
};

/** Payment data (PCI DSS, Nacha): never in a variable that expressions can read. */
const SECURE_ONLY: ReadonlySet<Kind> = new Set([
  'cardNumber',
  'expiry',
  'securityCode',
  'routingNumber',
  'accountNumber',
]);

const CardBrand = Type.Union(
  (['visa', 'mastercard', 'amex', 'discover', 'diners', 'jcb', 'unionpay', 'maestro'] as const).map((brand) =>
    Type.Literal(brand),
  ),
  { description: 'one of visa, mastercard, amex, discover, diners, jcb, unionpay, maestro' },
);

const Key = Type.Union([Type.Literal('#'), Type.Literal('*'), Type.Literal('none')], {
  description: "'#', '*' or none",
});

const Retry = Type.Object(
  {
    timeout: Type.Optional(Prompt),
    'invalid-card-number': Type.Optional(Prompt),
    'invalid-card-type': Type.Optional(Prompt),
    'invalid-date': Type.Optional(Prompt),
    'invalid-security-code': Type.Optional(Prompt),
    'invalid-postal-code': Type.Optional(Prompt),
    'invalid-bank-routing-number': Type.Optional(Prompt),
    'invalid-bank-account-number': Type.Optional(Prompt),
    'invalid-input': Type.Optional(Prompt),
    'input-matching-failed': Type.Optional(Prompt),
    default: Type.Optional(Prompt),
  },
  { additionalProperties: false, description: 'prompts by error, and default for every other error' },
);

const Size = Type.Integer({ minimum: 1, maximum: 32, description: 'a whole number from 1 to 32' });

const schema = Type.Object(
  {
    field: Type.Union(
      [
        Type.Literal('cardNumber'),
        Type.Literal('expiry'),
        Type.Literal('securityCode'),
        Type.Literal('postalCode'),
        Type.Literal('routingNumber'),
        Type.Literal('accountNumber'),
        Type.Literal('digits'),
      ],
      {
        description:
          'one of cardNumber, expiry, securityCode, postalCode, routingNumber, accountNumber, digits',
      },
    ),
    into: Type.String({
      pattern: '^(flow|secure)\\.[A-Za-z][A-Za-z0-9_]{0,49}$',
      description: 'a declared variable, as secure.card or flow.choice',
    }),
    prompt: Prompt,
    again: Type.Optional(Prompt),
    retry: Type.Optional(Retry),
    lastRetry: Type.Optional(Retry),
    attempts: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10, default: 3, description: 'a whole number from 1 to 10' }),
    ),
    length: Type.Optional(Size),
    min: Type.Optional(Size),
    max: Type.Optional(Size),
    brands: Type.Optional(
      Type.Array(CardBrand, { minItems: 1, description: 'accepted brands; absent accepts every known one' }),
    ),
    card: Type.Optional(
      Type.String({
        pattern: '^secure\\.[A-Za-z][A-Za-z0-9_]{0,49}$',
        description: 'the secure variable with the card whose brand decides the length, as secure.card',
      }),
    ),
    terminator: Type.Optional(Key),
    clearKey: Type.Optional(Key),
    bargeIn: Type.Optional(
      Type.Boolean({ default: true, description: 'false: keys before the end of the prompt are dropped' }),
    ),
    firstDigitTimeout: Type.Optional(duration('from the end of the prompt to the first key', '5s')),
    interDigitTimeout: Type.Optional(duration('from one key to the next', '3s')),
    totalTimeout: Type.Optional(duration('for the whole attempt, from the end of the prompt', '60s')),
  },
  { additionalProperties: false },
);
type Fields = Static<typeof schema>;

export const collectInput = defineAction({
  name: 'collectInput',
  description: 'asks the caller for keys, checks them, and asks again for this field only',
  schema,
  blocks: ['onFailure'],
  check: checkFields,
  dataName: (_fields, name) => name,
  ends: () => false,
  prompts: (fields) => [
    fields.prompt,
    fields.again,
    ...Object.values(fields.retry ?? {}),
    ...Object.values(fields.lastRetry ?? {}),
  ],
  begin: (fields, run) => ({ kind: 'wait', command: command(fields, run, 1, fields.prompt), attempt: 1 }),
  resume(fields, run, event) {
    if (event.type !== 'collected') return { kind: 'next' };
    if (event.result.ok) {
      const scope = fields.into.startsWith('flow.') ? 'flow' : 'secure';
      return scope === 'secure' ? { kind: 'next' } : accepted(fields, run, event.result.value ?? '');
    }
    const { error } = event.result;
    const attempts = fields.attempts ?? 3;
    if (error === 'caller-hung-up' || run.attempt >= attempts) {
      const data = { [run.action.name]: { status: 'error', reason: error, error, message: '' } };
      return { kind: 'path', block: 'onFailure', reason: error, data };
    }
    const attempt = run.attempt + 1;
    const sets = attempt === attempts ? [fields.lastRetry, fields.retry] : [fields.retry];
    const known: Readonly<Record<string, Prompt | undefined>>[] = sets.flatMap((set) => set ?? []);
    const prompt = known.map((set) => set[error] ?? set.default).find((found) => found !== undefined);
    return { kind: 'wait', command: command(fields, run, attempt, prompt ?? fields.prompt), attempt };
  },
});

function accepted(fields: Fields, run: Run, value: string) {
  const name = bareName(fields.into);
  const isNumber = run.flow.variables[name]?.type === 'number';
  return { kind: 'next' as const, variables: { [name]: isNumber ? Number(value) : value } };
}

function command(fields: Fields, run: Run, attempt: number, prompt: Prompt): CollectCommand {
  const size = SIZES[fields.field];
  return {
    do: 'collect',
    field: {
      kind: fields.field,
      min: fields.length ?? fields.min ?? size.min,
      max: fields.length ?? fields.max ?? size.max,
      brands: fields.brands ?? [],
      cardVariable: fields.card === undefined ? null : bareName(fields.card),
    },
    into: { scope: fields.into.startsWith('flow.') ? 'flow' : 'secure', name: bareName(fields.into) },
    audio: run.audio(prompt),
    again: fields.again === undefined ? null : run.audio(fields.again),
    bargeIn: fields.bargeIn ?? true,
    firstDigitTimeoutMs: milliseconds(fields.firstDigitTimeout ?? '5s'),
    interDigitTimeoutMs: milliseconds(fields.interDigitTimeout ?? '3s'),
    totalTimeoutMs: milliseconds(fields.totalTimeout ?? '60s'),
    terminator: key(fields.terminator ?? '#'),
    clearKey: key(fields.clearKey ?? '*'),
    attempt,
    attempts: fields.attempts ?? 3,
  };
}

function key(name: '#' | '*' | 'none'): '#' | '*' | null {
  return name === 'none' ? null : name;
}

function checkFields(fields: Fields, check: ActionCheck): void {
  check.prompt(['prompt'], fields.prompt);
  check.prompt(['again'], fields.again);
  for (const set of ['retry', 'lastRetry'] as const) {
    for (const [error, prompt] of Object.entries(fields[set] ?? {})) check.prompt([set, error], prompt);
  }
  check.duration(['firstDigitTimeout'], fields.firstDigitTimeout, 1000, 99_000);
  check.duration(['interDigitTimeout'], fields.interDigitTimeout, 500, 99_000);
  check.duration(['totalTimeout'], fields.totalTimeout, 1000, 600_000);
  checkTarget(fields, check);
  checkSize(fields, check);
  const terminator = fields.terminator ?? '#';
  if (terminator !== 'none' && terminator === (fields.clearKey ?? '*')) {
    check.problem(
      ['terminator'],
      'terminator and clearKey are the same key',
      'choose two keys, or none for one',
    );
  }
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
  if (type === 'number' && (fields.length ?? fields.max ?? 32) > 15) {
    check.problem(['into'], 'a number holds 15 digits at most', 'set max: 15, or use a string variable');
  }
}

function checkSize(fields: Fields, check: ActionCheck): void {
  const size = SIZES[fields.field];
  const given = (['length', 'min', 'max'] as const).filter((name) => fields[name] !== undefined);
  const [first] = given;
  if (!size.author && first !== undefined) {
    check.problem([first], `the length of a ${fields.field} is fixed`, `remove ${first}`);
  }
  if (fields.length !== undefined && given.length > 1) {
    check.problem(['length'], 'length stands for both min and max', 'give length alone, or min and max');
  }
  if (fields.field === 'digits' && fields.length === undefined && fields.max === undefined) {
    check.problem(['field'], 'digits has no most number of digits', 'add length or max');
  }
  if (fields.min !== undefined && fields.min > (fields.max ?? size.max)) {
    check.problem(['min'], 'min is above max', 'exchange them');
  }
}
