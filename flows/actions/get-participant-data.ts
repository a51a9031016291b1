import Type, { type Static } from 'typebox';
import type { PlainValue } from '../commands.js';
import { type ActionCheck, defineAction, type Outcome, type Run } from './action.js';
import { failure } from './applied.js';
import { bareName, Expression, FlowVariable, Name } from './fields.js';

const RESULT = { string: 'string', number: 'number', boolean: 'bool' } as const;

const schema = Type.Object(
  {
    get: Type.Record(FlowVariable, Name, {
      additionalProperties: false,
      minProperties: 1,
      maxProperties: 50,
      description: 'attributes by variable, as flow.customer: customer',
    }),
    defaults: Type.Optional(
      Type.Record(FlowVariable, Expression, {
        additionalProperties: false,
        maxProperties: 50,
        description: 'expressions by variable, for attributes that are missing, as flow.tries: 0',
      }),
    ),
  },
  { additionalProperties: false },
);
type Fields = Static<typeof schema>;

export const getParticipantData = defineAction({
  name: 'getParticipantData',
  description: 'reads attributes of the caller into flow variables, converted to their types',
  schema,
  blocks: ['onMissing'],
  dataName: (_fields, name) => name,
  check: checkFields,
  ends: () => false,
  begin: (fields) => ({
    kind: 'wait',
    command: { do: 'getParticipantData', names: [...new Set(Object.values(fields.get))] },
  }),
  resume: (fields, run, event) =>
    event.type === 'participantData' ? read(fields, run, event.attributes) : { kind: 'next' },
});

function checkFields(fields: Fields, check: ActionCheck): void {
  for (const reference of Object.keys(fields.get)) check.flowVariable(['get', reference], reference);
  for (const [reference, source] of Object.entries(fields.defaults ?? {})) {
    const key = ['defaults', reference];
    if (!Object.hasOwn(fields.get, reference)) {
      check.problem(key, `nothing is read into ${reference}`, `add it to get, or remove it`);
      continue;
    }
    const type = check.flowVariable(key, reference);
    check.expression(key, source, type ? RESULT[type] : 'any');
  }
}

/** Sets every variable that there is a value for; then says what there was none for. */
function read(fields: Fields, run: Run, attributes: Readonly<Record<string, PlainValue>>): Outcome {
  const variables: Record<string, PlainValue> = {};
  let missing: { error: string; message: string } | null = null;
  for (const [reference, name] of Object.entries(fields.get)) {
    const variable = bareName(reference);
    const fallback = fields.defaults?.[reference];
    const attribute = Object.hasOwn(attributes, name) ? (attributes[name] ?? null) : null;
    const value = attribute === null ? null : converted(attribute, run.flow.variables[variable]?.type);
    if (value !== null) variables[variable] = value;
    else if (fallback !== undefined) variables[variable] = run.evaluate(fallback);
    else if (attribute === null) missing ??= { error: 'missing-attribute', message: `there is no ${name}` };
    else missing ??= { error: 'wrong-type', message: `${name} does not fit ${reference}` };
  }
  if (missing === null) return { kind: 'next', variables };
  return { ...failure(run, 'onMissing', missing.error, missing.message), variables };
}

/** The attribute as a variable of this type holds it; null when it is none. */
function converted(value: PlainValue, type: string | undefined): PlainValue {
  if (typeof value === type) return value;
  if (type === 'string') return String(value);
  if (type === 'boolean') return value === 'true' ? true : value === 'false' ? false : null;
  const isNumber = typeof value === 'string' && /^-?\d{1,15}(\.\d{1,15})?$/.test(value);
  return isNumber ? Number(value) : null;
}
