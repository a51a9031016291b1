import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Schema } from '../../config/check.js';
import { loadConfig } from '../../config/config.js';
import { settingsOf } from '../../config/environment.js';
import { ConfigSchema, VOICES } from '../../config/schema.js';
import { VOICES as SPOKEN } from '../../media/prompts/flite.js';

const fromRoot = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

/** Keys inside lists and mappings, as the documentation writes them: `agents[].id`, `connectors.<name>.url`. */
function innerKeys(schema: Schema, path: string): readonly (readonly [string, Schema, boolean])[] {
  if (schema.items !== undefined) return innerKeys(schema.items, `${path}[]`);
  if (schema.patternProperties !== undefined) {
    return Object.values(schema.patternProperties).flatMap((inner) => innerKeys(inner, `${path}.<name>`));
  }
  if (schema.anyOf !== undefined) return schema.anyOf.flatMap((inner) => innerKeys(inner, path));
  return Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => {
    const required = schema.required?.includes(key) === true && inner.default === undefined;
    const own = [`${path}.${key}`, inner, required] as const;
    return [own, ...innerKeys(inner, `${path}.${key}`)];
  });
}

const shown = (value: unknown) => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;

/** The first cells of every row that the tables must have: key, environment variable, default. */
function expectedRows(): readonly string[] {
  return settingsOf(ConfigSchema).flatMap(({ path, name, schema }) => {
    const key = path.join('.');
    const inner = innerKeys(schema, key).map(([innerKey, innerSchema, required]) => {
      const otherwise = required ? 'required' : 'optional';
      const value = innerSchema.default === undefined ? otherwise : shown(innerSchema.default);
      return `| \`${innerKey}\` | | ${value} |`;
    });
    return [`| \`${key}\` | \`${name}\` | ${shown(schema.default)} |`, ...new Set(inner)];
  });
}

const reference = readFileSync(fromRoot('docs/configuration.md'), 'utf8');
const rows = reference.split('\n').filter((line) => /^\| `[a-zA-Z.<>[\]]+` \| (`TACET_|\|)/.test(line));

test('docs/configuration.md has every key with its environment variable and default, and no other', () => {
  const expected = [...new Set(expectedRows())];
  const documented = rows.map((row) => row.split(' |').slice(0, 3).join(' |').concat(' |'));
  assert.deepEqual([...documented].sort(), [...expected].sort());
});

test('every row says what the key means', () => {
  for (const row of rows) assert.match(row.split(' |')[3] ?? '', /\w{3}/, row);
});

test('docs/configuration.md gives every range and every choice', () => {
  for (const { path, schema } of settingsOf(ConfigSchema)) {
    const row = rows.find((line) => line.startsWith(`| \`${path.join('.')}\` `)) ?? '';
    if (schema.type === 'integer') assert.ok(row.includes(`${schema.minimum} to ${schema.maximum}`), row);
    const choices = schema.enum?.map((choice) => `\`${choice}\``).join(', ');
    if (choices !== undefined) assert.ok(row.endsWith(`one of ${choices} |`), row);
  }
});

test('config/tacet.example.yaml loads and shows every section', () => {
  const file = fromRoot('config/tacet.example.yaml');
  const config = loadConfig({ file, env: {}, cwd: '/' });
  const text = readFileSync(file, 'utf8');
  for (const { path } of settingsOf(ConfigSchema)) {
    const key = path.at(-1) ?? '';
    assert.match(text, new RegExp(`^ *${key}:`, 'm'), `${path.join('.')} is shown`);
  }
  assert.equal(config.configFile, file);
});

test('the values of config/tacet.example.yaml for sections are the defaults', () => {
  const { configFile: _file, ...example } = loadConfig({
    file: fromRoot('config/tacet.example.yaml'),
    env: {},
    cwd: '/',
  });
  const { configFile: _none, ...defaults } = loadConfig({ env: {}, cwd: fromRoot('config') });
  for (const section of [
    'sip',
    'media',
    'secure',
    'prompts',
    'log',
    'pciDss',
    'flows',
    'dataDirectory',
  ] as const) {
    assert.deepEqual(example[section], defaults[section], section);
  }
});

test('the voices are those that can speak', () => {
  assert.deepEqual([...VOICES].sort(), [...SPOKEN].sort());
});
