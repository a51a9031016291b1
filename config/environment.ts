import type { Path, Schema } from './check.js';
import { didYouMean } from './nearest.js';
import type { ConfigProblem } from './problems.js';

/** Names that begin like ours and set nothing: the file's path, and the switches of the tests. */
const OTHER_NAMES = [
  'TACET_CONFIG',
  'TACET_REQUIRE_CLIENTS',
  'TACET_TEST_SIP',
  'TACET_TEST_MEDIA',
  'TACET_TEST_CAPTURE',
];

/** One key that an environment variable can set. */
export interface Setting {
  readonly path: readonly string[];
  /** `TACET_` and the path in capitals, words and levels parted by `_`: `media.rtpPorts.from` is `TACET_MEDIA_RTP_PORTS_FROM`. */
  readonly name: string;
  readonly schema: Schema;
}

const inCapitals = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

/** Every key of the configuration that is not a section; lists and mappings are one setting each. */
export function settingsOf(schema: Schema, path: readonly string[] = []): readonly Setting[] {
  if (schema.properties === undefined) {
    return [{ path, name: ['TACET', ...path.map(inCapitals)].join('_'), schema }];
  }
  return Object.entries(schema.properties).flatMap(([key, inner]) => settingsOf(inner, [...path, key]));
}

/** Text to value, by the type the schema wants. Undefined: not possible. */
function parse(schema: Schema, text: string): unknown {
  if (schema.type === 'integer') return /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
  if (schema.type === 'boolean') return { true: true, false: false }[text];
  if (schema.type !== 'array' && schema.type !== 'object') return text;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const EXPECTED: Readonly<Record<string, string>> = {
  integer: 'write a whole number',
  boolean: 'write true or false',
  array: 'write a JSON list',
  object: 'write a JSON object',
};

export interface Override {
  readonly path: Path;
  readonly name: string;
  readonly value: unknown;
}

/** Reads every `TACET_...` variable; one that names no key, or has no value of its type, is a problem. */
export function readEnvironment(
  schema: Schema,
  env: NodeJS.ProcessEnv,
): { readonly overrides: readonly Override[]; readonly problems: readonly ConfigProblem[] } {
  const settings = new Map(settingsOf(schema).map((setting) => [setting.name, setting]));
  const overrides: Override[] = [];
  const problems: ConfigProblem[] = [];
  const report = (field: string, message: string, remedy: string) =>
    problems.push({ file: 'environment', line: null, column: null, field, message, remedy });
  for (const [name, text] of Object.entries(env)) {
    if (text === undefined || !name.startsWith('TACET_') || OTHER_NAMES.includes(name)) continue;
    const setting = settings.get(name);
    if (setting === undefined) {
      report(name, 'no such setting', didYouMean(name, [...settings.keys()]));
      continue;
    }
    const value = parse(setting.schema, text);
    const expected = EXPECTED[setting.schema.type ?? ''];
    if (value === undefined) report(name, 'not a value for this key', expected ?? 'write a text');
    else overrides.push({ path: setting.path, name, value });
  }
  return { overrides, problems };
}
