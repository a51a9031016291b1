import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { replay } from '../../cli/simulation/replay.js';
import { readScript, SCRIPT_KEYS } from '../../cli/simulation/script.js';
import { HELP } from '../../cli/tacet.js';
import { loadLibrary } from '../../flows/loader.js';
import { tacet } from './cli-run.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const docs = await readFile(new URL('../../../docs/tacet-command.md', import.meta.url), 'utf8');

const examples = [
  ...docs.matchAll(/```console\n\$ (?:printf '([^\n']*)' \| )?tacet ([^\n]*)\n([\s\S]*?)```/g),
];

for (const [, typed, line = '', printed] of examples) {
  test(`the documented command 'tacet ${line}' prints what the document says`, async () => {
    assert.equal((await tacet(line.split(' '), root, typed)).out, printed);
  });
}

test('every console block of the document is such a command', () => {
  assert.equal(examples.length, docs.match(/```console/g)?.length);
});

test('the documented digit script leaves the trace that it expects', async () => {
  const source = /```yaml\n([\s\S]*?)```/.exec(docs)?.[1] ?? '';
  const flows = await loadLibrary([`${root}flows/library`]);
  const flow = flows.get('card-payment');
  assert.ok(flow);
  const script = readScript(source, 'docs/tacet-command.md');
  assert.deepEqual(await replay(flow, flows, script), script.expected);
});

test('every key of a digit script is documented', () => {
  const table = docs.slice(docs.indexOf('### Digit scripts'));
  for (const key of SCRIPT_KEYS) assert.match(table, new RegExp(`^\\| .*\`${key}\`.* \\|`, 'm'), key);
});

test('every command has a section', () => {
  const commands = [...HELP.matchAll(/^ {2}(?!help)(\w+) /gm)].map(([, name]) => name);
  const sections = [...docs.matchAll(/^## `tacet (\w+)`$/gm)].map(([, name]) => name);
  assert.deepEqual(sections, [...new Set(commands)]);
});
