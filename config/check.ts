import { isIP } from 'node:net';
import { didYouMean } from './nearest.js';

/** Where a value is: keys and list positions from the top of the document. */
export type Path = readonly (string | number)[];

/** What was found wrong at a path. `at: 'key'` points at the key itself (an unknown one). */
export interface Finding {
  readonly path: Path;
  readonly at: 'key' | 'value';
  readonly message: string;
  readonly remedy: string;
}

/** The part of JSON Schema that the configuration uses. */
export interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly minItems?: number;
  readonly uniqueItems?: boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

function isInstant(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(text) && !Number.isNaN(Date.parse(text));
}

function isBotUrl(text: string): boolean {
  return URL.canParse(text) && /^(https?|wss?):$/.test(new URL(text).protocol);
}

const FORMATS: Readonly<Record<string, { test: (text: string) => boolean; wanted: string }>> = {
  ip: { test: (text) => isIP(text) !== 0, wanted: 'an IP address' },
  'ip-or-auto': { test: (text) => text === 'auto' || isIP(text) !== 0, wanted: 'an IP address, or auto' },
  path: { test: (text) => !text.includes('\0'), wanted: 'a path' },
  'bot-url': { test: isBotUrl, wanted: 'an https: or wss: URL' },
  'http-url': { test: isHttpUrl, wanted: 'an https: URL' },
  instant: { test: isInstant, wanted: 'a time in UTC, as 2027-01-31T00:00:00Z' },
};

/** What a schema asks for, in words. */
function wanted(schema: Schema): string {
  if (schema.enum !== undefined) return `one of ${schema.enum.join(', ')}`;
  if (schema.type === 'integer') return `a whole number from ${schema.minimum} to ${schema.maximum}`;
  if (schema.type === 'boolean') return 'true or false';
  if (schema.type === 'array') return 'a list';
  if (schema.type === 'object') return 'a mapping of keys to values';
  if (schema.format !== undefined) return FORMATS[schema.format]?.wanted ?? 'a text';
  const lengths =
    schema.maxLength === undefined ? '' : ` of ${schema.minLength ?? 1} to ${schema.maxLength} characters`;
  return `a text${lengths}${schema.pattern === undefined ? '' : ` matching ${schema.pattern}`}`;
}

function textFits(schema: Schema, text: string): boolean {
  if (text.length < (schema.minLength ?? 0) || text.length > (schema.maxLength ?? 4096)) return false;
  if (schema.pattern !== undefined && !new RegExp(schema.pattern).test(text)) return false;
  return schema.format === undefined || (FORMATS[schema.format]?.test(text) ?? false);
}

function numberFits(schema: Schema, value: number): boolean {
  return Number.isInteger(value) && value >= (schema.minimum ?? 0) && value <= (schema.maximum ?? value);
}

function scalarFits(schema: Schema, value: unknown): boolean {
  if (schema.const !== undefined) return value === schema.const;
  if (schema.enum !== undefined) return schema.enum.includes(value);
  if (schema.type === 'string') return typeof value === 'string' && textFits(schema, value);
  if (schema.type === 'integer') return typeof value === 'number' && numberFits(schema, value);
  return schema.type === 'boolean' && typeof value === 'boolean';
}

/** Checks a value against a schema, fills in defaults, and collects everything that is wrong. */
export class Checker {
  readonly findings: Finding[] = [];

  /** Returns the value with defaults; meaningless once there are findings. */
  check(schema: Schema, value: unknown, path: Path = []): unknown {
    if (schema.anyOf !== undefined) return this.#choice(schema.anyOf, value, path);
    if (schema.properties !== undefined) return this.#object(schema, schema.properties, value, path);
    if (schema.patternProperties !== undefined) {
      return this.#record(schema, schema.patternProperties, value, path);
    }
    if (schema.items !== undefined) return this.#list(schema, schema.items, value, path);
    if (!scalarFits(schema, value)) this.#unfit(schema, value, path);
    return value;
  }

  #find(path: Path, message: string, remedy: string, at: 'key' | 'value' = 'value'): void {
    this.findings.push({ path, at, message, remedy });
  }

  #unfit(schema: Schema, value: unknown, path: Path): void {
    const outOfRange = schema.type === 'integer' && typeof value === 'number' && Number.isInteger(value);
    const quoted = schema.type === 'string' && (typeof value === 'number' || typeof value === 'boolean');
    this.#find(
      path,
      outOfRange ? 'out of range' : 'not a value for this key',
      quoted ? `write ${wanted(schema)}, in quotes` : `write ${wanted(schema)}`,
    );
  }

  /** Objects told apart by their key `type`. */
  #choice(choices: readonly Schema[], value: unknown, path: Path): unknown {
    const types = choices.map((choice) => choice.properties?.type?.const);
    const chosen = isObject(value) ? choices[types.indexOf(value.type)] : undefined;
    if (chosen !== undefined) return this.check(chosen, value, path);
    const where = isObject(value) && 'type' in value ? [...path, 'type'] : path;
    this.#find(where, 'no known type', `write a mapping with type: ${types.join(' or type: ')}`);
    return value;
  }

  #object(
    schema: Schema,
    properties: Readonly<Record<string, Schema>>,
    value: unknown,
    path: Path,
  ): Record<string, unknown> {
    if (!isObject(value)) {
      this.#unfit(schema, value, path);
      return {};
    }
    const known = Object.keys(properties);
    for (const key of Object.keys(value).filter((name) => !known.includes(name))) {
      this.#find([...path, key], 'unknown key', didYouMean(key, known), 'key');
    }
    const filled: Record<string, unknown> = {};
    for (const [key, inner] of Object.entries(properties)) {
      if (isGiven(inner, value[key])) filled[key] = this.check(inner, value[key], [...path, key]);
      else if (inner.default !== undefined) filled[key] = this.check(inner, structuredClone(inner.default));
      else if (inner.const === undefined && schema.required?.includes(key)) {
        this.#find([...path, key], 'missing', `add ${key}: ${wanted(inner)}`);
      }
    }
    return filled;
  }

  #record(
    schema: Schema,
    patterns: Readonly<Record<string, Schema>>,
    value: unknown,
    path: Path,
  ): Record<string, unknown> {
    if (!isObject(value)) {
      this.#unfit(schema, value, path);
      return {};
    }
    const filled: Record<string, unknown> = {};
    for (const [key, entry] of Object.entries(value)) {
      for (const [pattern, inner] of Object.entries(patterns)) {
        if (new RegExp(pattern).test(key)) filled[key] = this.check(inner, entry, [...path, key]);
        else this.#find([...path, key], 'not a name', `write a name matching ${pattern}`, 'key');
      }
    }
    return filled;
  }

  #list(schema: Schema, items: Schema, value: unknown, path: Path): unknown {
    if (!Array.isArray(value)) {
      this.#unfit(schema, value, path);
      return [];
    }
    if (value.length < (schema.minItems ?? 0)) this.#find(path, 'empty', `list at least ${schema.minItems}`);
    if (schema.uniqueItems && new Set(value).size < value.length) {
      this.#find(path, 'an entry is repeated', 'list each entry once');
    }
    return value.map((entry, index) => this.check(items, entry, [...path, index]));
  }
}

/** A section or list with nothing under it (all commented out) counts as left out. */
function isGiven(schema: Schema, value: unknown): boolean {
  const container = schema.type === 'object' || schema.type === 'array';
  return value !== undefined && !(value === null && container && schema.default !== undefined);
}
