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
 * What is wrong with a value, in the words of the language: one problem per place, with the description of the
 * schema as the remedy. `extraKeys` are known keys beyond the schema's; `refuse` explains keys that are refused.
 */
export function schemaProblems(
  schema: TObject,
  value: unknown,
  extraKeys: readonly string[] = [],
  refuse: (key: string) => Refusal = () => null,
): SchemaProblem[] {
  const errors = Value.Errors(schema, value).filter((error) => error.keyword !== 'boolean');
  const unions = errors
    .filter((error) => error.keyword === 'anyOf')
    .map((error) => `${error.schemaPath}/anyOf/`);
  const seen = new Set<string>();
  return errors
    .filter((error) => !unions.some((union) => error.schemaPath.startsWith(union)))
    .flatMap((error) => describe(schema, error, extraKeys, refuse))
    .filter((problem) => {
      const place = JSON.stringify([problem.path, problem.isKey]);
      return !seen.has(place) && seen.add(place);
    });
}

type SchemaError = ReturnType<typeof Value.Errors>[number];

function describe(
  schema: TObject,
  error: SchemaError,
  extraKeys: readonly string[],
  refuse: (key: string) => Refusal,
): SchemaProblem[] {
  const path = pathOf(error.instancePath);
  const part = partOf(schema, error.schemaPath);
  if (error.keyword === 'additionalProperties') {
    const known = [...Object.keys(part.properties ?? {}), ...(path.length === 0 ? extraKeys : [])];
    return error.params.additionalProperties.map((name) => ({
      path: [...path, name],
      isKey: true,
      ...(refuse(name) ?? unknownKey(name, known, part.description)),
    }));
  }
  if (error.keyword === 'required') {
    return error.params.requiredProperties.map((name) => ({
      path: [...path, `${name} (missing)`],
      isKey: false,
      message: `'${name}' is missing`,
      remedy: `add ${name}: ${part.properties?.[name]?.description ?? 'see docs/flows.md'}`,
    }));
  }
  const name = path.at(-1);
  const where = typeof name === 'string' ? `'${name}'` : 'this';
  const remedy = part.description ? `give ${part.description}` : 'see docs/flows.md';
  return [{ path, isKey: false, message: `${where} ${error.message}`, remedy }];
}

function unknownKey(name: string, known: readonly string[], description: string | undefined) {
  const meant = nearest(name, known);
  if (meant) return { message: `unknown key '${name}'`, remedy: `did you mean '${meant}'?` };
  const remedy = known.length > 0 ? `known keys: ${known.join(', ')}` : `give ${description ?? 'no keys'}`;
  return { message: `unknown key '${name}'`, remedy };
}

function pathOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

interface SchemaPart {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, { readonly description?: string }>>;
}

/** The nearest part of the schema, on the way to `pointer`, that describes what it expects. */
function partOf(schema: TSchema, pointer: string): SchemaPart {
  let part: unknown = schema;
  let described = part as SchemaPart;
  for (const segment of pathOf(pointer)) {
    part = (part as Record<string, unknown>)[segment];
    if (part === null || typeof part !== 'object') break;
    if ('description' in part || 'properties' in part) described = part as SchemaPart;
  }
  return described;
}
