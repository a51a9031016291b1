import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { HELP } from '../../cli/tacet.js';
import { tacet } from './cli-run.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const docs = await readFile(new URL('../../../docs/tacet-command.md', import.meta.url), 'utf8');

const examples = [...docs.matchAll(/```console\n\$ tacet ([^\n]*)\n([\s\S]*?)```/g)];

for (const [, line = '', printed] of examples) {
  test(`the documented command 'tacet ${line}' prints what the document says`, async () => {
    assert.equal((await tacet(line.split(' '), root)).out, printed);
  });
}

test('every console block of the document is such a command', () => {
  assert.equal(examples.length, docs.match(/```console/g)?.length);
});

test('every command has a section', () => {
  const commands = [...HELP.matchAll(/^ {2}(?!help)(\w+) /gm)].map(([, name]) => name);
  const sections = [...docs.matchAll(/^## `tacet (\w+)`$/gm)].map(([, name]) => name);
  assert.deepEqual(sections, commands);
});
