import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { loadConfig } from '../../config/config.js';
import { buildApp } from '../../server/app.js';
import { readOutputs } from '../../server/data-actions/outputs.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const docs = readFileSync(`${root}docs/data-actions.md`, 'utf8');
const block = (language: string) =>
  new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(docs)?.[1] ?? '';
const config = loadConfig({
  env: { TACET_DATA_ACTIONS: JSON.stringify(parse(block('yaml')).dataActions) },
  cwd: '/',
});

test('the documented configuration reads the documented answer', () => {
  const { outputs } = config.dataActions.customer ?? {};
  assert.ok(outputs);
  const answer = {
    http: 200,
    contentType: 'application/json',
    contentEncoding: 'identity',
    retryAfter: undefined,
    body: Buffer.from(block('json')),
  };
  const expected = { name: 'Ann', total: 19.5, isGold: true };
  assert.deepEqual(readOutputs(answer, outputs).outputs, expected);
});

test('every error is documented', () => {
  const sources = ['http-data-action', 'outputs', 'data-actions', 'exchange'].map((name) =>
    readFileSync(`${root}server/data-actions/${name}.ts`, 'utf8'),
  );
  const errors = [
    ...sources.join('\n').matchAll(/(?:failed|refuse)\('([a-z-]+)'|error: '([a-z-]+)'|return '([a-z-]+)'/g),
  ];
  assert.ok(errors.length >= 8);
  for (const found of errors) {
    const name = found.slice(1).find((one) => one !== undefined) ?? '';
    assert.match(docs, new RegExp(`^\\| .*\`${name}\`.* \\|`, 'm'), name);
  }
});

test('a flow that names no configured data action keeps the server from starting, with what to do', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'tacet-data-'));
  context.after(() => rmSync(directory, { recursive: true }));
  const action = '{ do: callData, action: orders, into: order }';
  writeFileSync(
    join(directory, 'a.yaml'),
    `name: a\ntype: inbound\ntasks:\n  main:\n    - ${action}\n    - do: disconnect\n`,
  );
  const broken = { ...config, flows: { directories: [directory] } };
  await assert.rejects(
    buildApp(broken),
    /dataActions\.orders: flow a \(tasks\.main\[0\]\) calls a data action.*customer/s,
  );
});
