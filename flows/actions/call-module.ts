import Type, { type Static } from 'typebox';
import type { PlainValue } from '../commands.js';
import type { Ports } from '../flow.js';
import { nearest } from '../nearest.js';
import { type ActionCheck, defineAction } from './action.js';
import { bareName, Expression, IDENTIFIER } from './fields.js';

const RESULT = { string: 'string', number: 'number', boolean: 'bool' } as const;
const SECURE = /^secure\.[A-Za-z][A-Za-z0-9_]{0,49}$/;

const schema = Type.Object(
  {
    module: Type.String({ minLength: 1, description: 'the name of a flow of type module' }),
    inputs: Type.Optional(
      Type.Record(Type.String({ pattern: IDENTIFIER }), Expression, {
        additionalProperties: false,
        maxProperties: 50,
        description: 'expressions by plain input and secure variables by secure input, as card: secure.card',
      }),
    ),
    outputs: Type.Optional(
      Type.Record(
        Type.String({ pattern: IDENTIFIER }),
        Type.String({
          pattern: '^(flow|secure)\\.[A-Za-z][A-Za-z0-9_]{0,49}$',
          description: 'a declared variable, as flow.reference or secure.card',
        }),
        {
          additionalProperties: false,
          maxProperties: 50,
          description: 'variables by the output that goes into them, as reference: flow.reference',
        },
      ),
    ),
  },
  { additionalProperties: false },
);
type Fields = Static<typeof schema>;

export const callModule = defineAction({
  name: 'callModule',
  description: 'runs a module with inputs, takes its outputs and goes on',
  schema,
  blocks: ['onError'],
  uses: ({ module }) => [{ kind: 'flow', name: module, key: 'module', types: ['module'] }],
  check(fields, check) {
    const module = check.callee('module', ['module'], fields.module);
    for (const [name, source] of Object.entries(fields.inputs ?? {})) {
      checkInput(name, source, module?.inputs ?? null, check);
    }
    for (const [name, reference] of Object.entries(fields.outputs ?? {})) {
      checkOutput(name, reference, module?.outputs ?? null, check);
    }
    checkTargets(fields, check);
    if (module) checkMissing(fields, module.inputs, check);
  },
  dataName: (_fields, name) => name,
  ends: () => false,
  begin(fields, run) {
    const inputs: Record<string, PlainValue> = {};
    const secureInputs: Record<string, string> = {};
    for (const [name, source] of Object.entries(fields.inputs ?? {})) {
      if (isSecureVariable(source)) secureInputs[name] = bareName(source);
      else inputs[name] = run.evaluate(source);
    }
    return { kind: 'module', module: fields.module, inputs, secureInputs, outputs: fields.outputs ?? {} };
  },
});

/** What is called, as its key is named and as its ports are. */
type Called = 'module' | 'bot';
const WORDS = {
  module: { inputs: 'input', outputs: 'output' },
  bot: { inputs: 'input', outputs: 'slot' },
} as const;

function isSecureVariable(source: unknown): source is string {
  return typeof source === 'string' && SECURE.test(source);
}

/** The declared port; undefined after a problem, null when the module is not known. */
function portOf(
  key: 'inputs' | 'outputs',
  name: string,
  ports: Ports | null,
  check: ActionCheck,
  called: Called,
): Ports[string] | null | undefined {
  if (ports === null) return null;
  if (Object.hasOwn(ports, name)) return ports[name];
  const meant = nearest(name, Object.keys(ports));
  const known = Object.keys(ports).join(', ') || 'none';
  check.problem(
    [key, name],
    `the ${called} has no ${WORDS[called][key]} '${name}'`,
    meant ? `did you mean '${meant}'?` : `it has: ${known}`,
  );
  return undefined;
}

export function checkInput(
  name: string,
  source: string | number | boolean,
  ports: Ports | null,
  check: ActionCheck,
  called: Called = 'module',
): void {
  const key = ['inputs', name];
  const port = portOf('inputs', name, ports, check, called);
  if (isSecureVariable(source)) {
    const variable = check.secureVariable(key, source);
    if (!port || variable === null) return;
    if (port.type !== 'secure') {
      const message = `${source} would be in the open in the plain input '${name}'`;
      check.problem(key, message, 'declare the input with type: secure, or give a part of extractSecureData');
    } else checkField(key, source, port.field, check.collected.get(variable), check);
    return;
  }
  if (port?.type === 'secure') {
    const message = `the input '${name}' is secure, and '${source}' is no secure variable`;
    check.problem(key, message, 'give a variable of type secure, as secure.card');
    return;
  }
  check.expression(key, source, port ? RESULT[port.type] : 'any');
}

export function checkOutput(
  name: string,
  reference: string,
  ports: Ports | null,
  check: ActionCheck,
  called: Called = 'module',
): void {
  const key = ['outputs', name];
  const what = WORDS[called].outputs;
  const port = portOf('outputs', name, ports, check, called);
  if (isSecureVariable(reference)) {
    if (check.secureVariable(key, reference) === null || !port || port.type === 'secure') return;
    const message = `the ${what} '${name}' is a ${port.type}, and ${reference} is secure`;
    check.problem(key, message, 'name a variable flow.<name> of its type');
    return;
  }
  const type = check.flowVariable(key, reference);
  if (type === null || !port || port.type === type) return;
  if (port.type === 'secure') {
    const message = `the secure ${what} '${name}' would be in the open in ${reference}`;
    check.problem(key, message, 'name a variable of type secure, as secure.card');
    return;
  }
  const message = `the ${what} '${name}' is a ${port.type}, but ${reference} is a ${type}`;
  check.problem(key, message, `declare the variable with type: ${port.type}`);
}

/** Two outputs in one variable: which of them stays would depend on their order. */
export function checkTargets(fields: Pick<Fields, 'outputs'>, check: ActionCheck): void {
  const taken = new Set<string>();
  for (const [name, reference] of Object.entries(fields.outputs ?? {})) {
    if (taken.has(reference)) {
      check.problem(['outputs', name], `${reference} takes two outputs`, 'give each a variable of its own');
    }
    taken.add(reference);
  }
}

export function checkMissing(
  fields: Pick<Fields, 'inputs'>,
  inputs: Ports,
  check: ActionCheck,
  called: Called = 'module',
): void {
  const given = fields.inputs ?? {};
  for (const [name, { type, required }] of Object.entries(inputs)) {
    if (!required || Object.hasOwn(given, name)) continue;
    const example = type === 'secure' ? 'secure.<name>' : `a ${type}`;
    check.problem([called], `the input '${name}' is missing`, `add inputs: {${name}: ${example}}`);
  }
}

/** What a module takes for a card number must be one: of other fields more digits could be extracted than is harmless. */
function checkField(
  key: readonly string[],
  source: string,
  field: string | null,
  kinds: ReadonlySet<string> | undefined,
  check: ActionCheck,
): void {
  const other = field === null ? undefined : [...(kinds ?? [])].find((kind) => kind !== field);
  if (other === undefined) return;
  const message = `the input takes a ${field}, and ${source} can hold a ${other}`;
  check.problem(key, message, `give a variable that holds a ${field} only`);
}
