import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import Schema from 'typebox/schema';
import { parse } from 'yaml';
import { ACTIONS } from '../../flows/actions/registry.js';
import { actionsOf } from '../../flows/flow.js';
import { loadLibrary } from '../../flows/loader.js';
import { jsonSchema } from '../../flows/schema.js';
import { replay } from './flow-simulator.js';

const root = new URL('../../../', import.meta.url);
const docs = await readFile(new URL('docs/flows.md', root), 'utf8');

const sources = [...docs.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, source = '']) => source);
const directory = await mkdtemp(join(tmpdir(), 'tacet-docs-'));
for (const [index, source] of sources.entries()) await writeFile(join(directory, `${index}.yaml`), source);
// Prompt files have to be there when flows are loaded; nobody plays them here.
const digits = Array.from({ length: 10 }, (_, digit) => `sounds/de-DE/${digit}.wav`);
await mkdir(join(directory, 'sounds/de-DE'), { recursive: true });
for (const file of [...digits, ...(sources.join('').match(/sounds\/[\w-]+\.wav/g) ?? [])]) {
  await writeFile(join(directory, file), '');
}
const documented = await loadLibrary([fileURLToPath(new URL('flows/library/', root)), directory]);
await rm(directory, { recursive: true });

/** Flows of the document, each with the keys and the trace that stand under it. */
const examples = [...docs.matchAll(/```yaml\n((?:(?!```)[\s\S])*)```\n\n```trace\n([\s\S]*?)```/g)].map(
  ([, source, script]) => {
    const flow = [...documented.values()].find((one) => one.source === source);
    assert.ok(flow);
    const lines = (script ?? '').trim().split('\n');
    const keys = lines[0]?.startsWith('keys: ')
      ? (lines.shift() ?? '').slice('keys: '.length).split(' ')
      : [];
    return { flow, keys, trace: lines };
  },
);

for (const { flow, keys, trace } of examples) {
  test(`the documented flow '${flow.name}' does what the document says`, () => {
    assert.deepEqual(replay({ flow, keys }).trace, trace);
  });
}

test('every YAML block of the document is one of those flows, or a module that one of them calls', () => {
  const modules = new Set(examples.flatMap(({ flow }) => Object.keys(flow.modules)));
  assert.equal(examples.length + modules.size, sources.length);
});

test('every action has a section and an example, and every section is an action', () => {
  const section = docs.slice(docs.indexOf('## Actions'), docs.indexOf('## The library'));
  const headings = [...section.matchAll(/^### (\w+)$/gm)].map(([, name]) => name);
  assert.deepEqual(headings.sort(), [...ACTIONS.keys()].sort());
  const used = new Set(examples.flatMap(({ flow }) => [...actionsOf(flow)].map((action) => action.do)));
  assert.deepEqual([...used].sort(), [...ACTIONS.keys()].sort());
});

test('every key of every action is named in its section', () => {
  for (const { name, schema, blocks } of ACTIONS.values()) {
    const from = docs.indexOf(`### ${name}\n`);
    const next = docs.indexOf('\n### ', from + 1);
    const section = docs.slice(from, next < 0 ? docs.indexOf('## The library') : next);
    for (const key of [...Object.keys(schema.properties), ...blocks]) {
      assert.match(section, new RegExp(`\`${key}\``), `${name}: ${key}`);
    }
  }
});

test('flow.schema.json is the schema of the language (else: node dist/flows/write-schema.js)', async () => {
  const written = JSON.parse(await readFile(new URL('flows/flow.schema.json', root), 'utf8'));
  assert.deepEqual(written, JSON.parse(JSON.stringify(jsonSchema())));
});

test('flow.schema.json accepts the library and refuses what the loader refuses', async () => {
  const schema = JSON.parse(await readFile(new URL('flows/flow.schema.json', root), 'utf8'));
  for (const name of ['support', 'pay-by-phone', 'card-payment', 'bank-payment']) {
    const source = await readFile(new URL(`flows/library/${name}.yaml`, root), 'utf8');
    assert.ok(Schema.Check(schema, parse(source)), name);
    assert.ok(!Schema.Check(schema, parse(source.replace('do: playAudio', 'do: playAudi'))), name);
    assert.ok(!Schema.Check(schema, parse(source.replace('      prompt:', '      promt:'))), name);
  }
});
