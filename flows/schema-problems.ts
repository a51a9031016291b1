import type { TObject, TSchema } from 'typebox';
import Value from 'typebox/value';
import type { Path } from './document.js';
import { nearest } from './nearest.js';

/** One way in which a value is not what its schema says. */
export interface SchemaProblem {
  readonly path: Path;
  /** True when the key at the end of the path is wrong, not its value. */
  readonly isKey: boolean;
  readonly message: string;
  readonly remedy: string;
}

type Refusal = { readonly message: string; readonly remedy: string } | null | undefined;

/**
 * What is wrong with a mapping, in the words of the language, with the descriptions of the schema as remedies.
 * `extraKeys` are known keys beyond the schema's; `refuse` explains keys that are refused.
 */
export function schemaProblems(
  schema: TObject,
  value: Readonly<Record<string, unknown>>,
  extraKeys: readonly string[] = [],
  refuse: (key: string) => Refusal = () => null,
): SchemaProblem[] {
  const known = Object.keys(schema.properties);
  const unknown = Object.keys(value).filter((name) => !known.includes(name));
  // TypeBox leaves `required` out when nothing is, whatever its type says.
  const required: readonly string[] | undefined = schema.required;
  const missing = known.filter((name) => required?.includes(name) && value[name] === undefined);
  // Key by key: the library stops after eight errors, and one union alone can have as many.
  const wrong = known.flatMap((name) => {
    const part = schema.properties[name];
    return part && value[name] !== undefined ? valueProblems(part, value[name], [name]) : [];
  });
  return [
    ...unknown.map((name) => ({
      path: [name],
      isKey: true,
      ...(refuse(name) ?? unknownKey(name, [...known, ...extraKeys])),
    })),
    ...missing.map((name) => missingKey([], name, schema.properties[name] as Described | undefined)),
    ...wrong,
  ];
}

type SchemaError = ReturnType<typeof Value.Errors>[number];

interface Described {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Described>>;
}

function valueProblems(schema: TSchema, value: unknown, path: Path): SchemaProblem[] {
  const seen = new Set<string>();
  return Value.Errors(schema, value)
    .filter((error) => error.keyword !== 'boolean')
    .flatMap((error) => describe(schema, error, path))
    .filter((problem) => {
      const place = JSON.stringify(problem);
      return !seen.has(place) && seen.add(place);
    });
}

function describe(schema: TSchema, error: SchemaError, base: Path): SchemaProblem[] {
  const branch = error.schemaPath.indexOf('/anyOf');
  if (error.keyword === 'anyOf' || branch >= 0) {
    const pointer = branch >= 0 ? error.schemaPath.slice(0, branch) : error.schemaPath;
    const path = [...base, ...keys(error.instancePath).slice(0, depthOf(pointer))];
    return [misfit(path, 'has none of the forms it can have', partAt(schema, pointer))];
  }
  const path = [...base, ...keys(error.instancePath)];
  const part = partAt(schema, error.schemaPath);
  if (error.keyword === 'additionalProperties') {
    const known = Object.keys(part.properties ?? {});
    return error.params.additionalProperties.map((name) => ({
      path: [...path, name],
      isKey: true,
      ...unknownKey(name, known, part.description),
    }));
  }
  if (error.keyword === 'required') {
    return error.params.requiredProperties.map((name) => missingKey(path, name, part.properties?.[name]));
  }
  return [misfit(path, error.message, part)];
}

function misfit(path: Path, message: string, part: Described): SchemaProblem {
  const name = path.findLast((key) => typeof key === 'string');
  const remedy = part.description ? `give ${part.description}` : 'see docs/flows.md';
  return { path, isKey: false, message: `'${name}' ${message}`, remedy };
}

function missingKey(path: Path, name: string, part: Described | undefined): SchemaProblem {
  const remedy = `add ${name}: ${part?.description ?? 'see docs/flows.md'}`;
  return { path: [...path, name], isKey: false, message: `'${name}' is missing`, remedy };
}

function unknownKey(name: string, known: readonly string[], description?: string) {
  const meant = nearest(name, known);
  const list = known.length > 0 ? `known keys: ${known.join(', ')}` : `give ${description ?? 'no keys'}`;
  return { message: `unknown key '${name}'`, remedy: meant ? `did you mean '${meant}'?` : list };
}

function segments(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The way into a value; no key of the language is a number, so numbers are indexes. */
function keys(pointer: string): (string | number)[] {
  return segments(pointer).map((segment) => (/^\d+$/.test(segment) ? Number(segment) : segment));
}

/** How many keys of the value a way into the schema stands for. */
function depthOf(pointer: string): number {
  return segments(pointer).filter((segment) => /^(properties|patternProperties|items)$/.test(segment)).length;
}

/** The last part of the schema, on the way to `pointer`, that says what it expects. */
function partAt(schema: TSchema, pointer: string): Described {
  let part: unknown = schema;
  let described = part as Described;
  for (const segment of segments(pointer)) {
    part = (part as Record<string, unknown>)[segment];
    if (part === null || typeof part !== 'object') break;
    if ('description' in part || 'properties' in part) described = part as Described;
  }
  return described;
}
