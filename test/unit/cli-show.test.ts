import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { flowGraph } from '../../flows/graph.js';
import { loadFlow } from '../../flows/loader.js';
import { tacet } from './cli-run.js';

const SOURCE = `name: door
type: inbound
variables:
  n: { type: string }
tasks:
  main:
    - do: decision
      name: known
      if: flow.n == "1"
      then:
        - do: transferToSecureFlow
          flow: card-payment
      else:
        - do: playAudio
          prompt: Goodbye.
    - do: disconnect
onError:
  - do: disconnect
`;

const TREE = `🔑 door (inbound)
🔑 tasks.main
🔑 ├─ decision known
🔑 │  ├─ then:
🔑 │  │  └─ transferToSecureFlow
   │  └─ else:
   │     └─ playAudio
   └─ disconnect
   onError
   └─ disconnect
`;

describe('tacet show', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tacet-show-'));
    await writeFile(join(folder, 'door.yaml'), SOURCE);
    await writeFile(join(folder, 'broken.yaml'), SOURCE.replace('then:', 'than:'));
  });
  after(() => rm(folder, { recursive: true }));

  it('prints a tree with a key on what is secure and on its ancestors', async () => {
    assert.deepEqual(await tacet(['show', 'door.yaml'], folder), { code: 0, out: TREE, err: '' });
  });

  it('prints nodes and edges for programs', async () => {
    const { code, out } = await tacet(['show', '--json', 'door.yaml'], folder);
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(out), flowGraph(loadFlow(SOURCE, 'door.yaml')));
  });

  it('follows modules: a call of one that runs in secure mode has the key', async () => {
    const secret = `name: secret
type: module
variables: { pin: { type: secure } }
tasks:
  main:
    - { do: wait, duration: 1s }
    - { do: collectInput, field: digits, length: 4, into: secure.pin, prompt: Pin. }
`;
    const between = `name: between
type: module
tasks:
  main:
    - { do: callModule, module: secret }
    - { do: callModule, module: open }
`;
    const own = await mkdtemp(join(folder, 'modules-'));
    await writeFile(join(own, 'secret.yaml'), secret);
    await writeFile(join(own, 'between.yaml'), between);
    await writeFile(
      join(own, 'open.yaml'),
      secret
        .replace('secret', 'open')
        .replace(/variables.*\n/, '')
        .replace(/ {4}- .*collect.*\n/, ''),
    );
    const shown = async (file: string) => (await tacet(['show', file], own)).out;
    assert.equal(
      await shown('between.yaml'),
      '🔑 between (module)\n🔑 tasks.main\n🔑 ├─ callModule\n   └─ callModule\n',
    );
    assert.equal(
      await shown('secret.yaml'),
      '🔑 secret (module)\n🔑 tasks.main\n   ├─ wait\n🔑 └─ collectInput\n',
    );
    assert.equal((await tacet(['check', '.'], own)).out, '3 flows, no problem\n');
    await writeFile(join(own, 'secret.yaml'), secret.replace('type: module', 'type: secure'));
    assert.match(await shown('between.yaml'), /^between\.yaml:5:33: the flow 'secret' is of type secure/m);
  });

  it('prints the problems of a flow that has some', async () => {
    const { code, out } = await tacet(['show', 'broken.yaml'], folder);
    assert.equal(code, 1);
    assert.equal(out, "broken.yaml:10:7: unknown key 'than' (did you mean 'then'?)\n");
  });

  it('takes one file that can be read', async () => {
    const library = fileURLToPath(new URL('../../../flows/library/', import.meta.url));
    for (const args of [[], ['door.yaml', 'door.yaml'], ['nowhere.yaml'], [library]]) {
      const { code, out } = await tacet(['show', ...args], folder);
      assert.equal(code, 2, args.join(' '));
      assert.equal(out, '');
    }
  });
});
