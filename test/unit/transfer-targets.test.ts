import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../../config/config.js';
import { Agents } from '../../server/agent/agents.js';
import { DirectQueues } from '../../server/agent/queues.js';
import { buildApp } from '../../server/app.js';
import { Trunks } from '../../server/transfer/trunks.js';

const uri = 'sip:9{number}@192.0.2.9;user=phone';
const trunks = new Trunks([
  { name: 'carrier', uri, callerId: '+49301', numbers: ['+4930XXX', '0800X*'] },
  { name: 'shut', uri, numbers: [] },
]);
const errorOf = (trunk: string, number: string) => {
  const route = trunks.route(trunk, number);
  return 'error' in route ? route.error : null;
};

describe('a trunk', () => {
  it('calls the numbers of its list, however they are written', () => {
    const route = { uri: 'sip:9+4930555@192.0.2.9;user=phone', callerId: '+49301' };
    assert.deepEqual(trunks.route('carrier', '+49 (30) 555'), route);
    assert.equal(errorOf('carrier', '08005'), null);
    assert.equal(errorOf('carrier', '0800 123456'), null);
  });

  it('calls no other', () => {
    const others = [
      '+49305555',
      '+493055',
      '4930555',
      '+4931555',
      '0800',
      '10800555',
      '00800555',
      '+0800555',
    ];
    for (const number of others) assert.equal(errorOf('carrier', number), 'number-not-allowed', number);
    assert.equal(errorOf('shut', '+4930555'), 'number-not-allowed', 'nothing is allowed by default');
    assert.equal(errorOf('other', '+4930555'), 'unknown-trunk');
  });

  it('calls nothing but numbers', () => {
    for (const text of ['+4930555@evil.example', '+4930555;x=y', '+4930%35', '', '+4930555\r\nX: y']) {
      assert.equal(errorOf('carrier', text), 'invalid-number', text);
    }
  });

  it('says nothing of the number that it refuses', () => {
    const refusal = trunks.route('carrier', '4242424242424242');
    assert.doesNotMatch(JSON.stringify(refusal), /4242/);
  });
});

describe('a queue', () => {
  const agents = () => new Agents(['a', 'b', 'c'].map((id) => ({ id, uri: `sip:${id}@192.0.2.1` })));

  it('gives the first of its agents who is free, and nobody else', () => {
    const source = new DirectQueues([{ name: 'sales', agents: ['b', 'a'] }], agents()).source('sales');
    const first = source?.reserve(new Set());
    assert.equal(first?.agentId, 'b');
    assert.equal(source?.reserve(new Set())?.agentId, 'a');
    assert.equal(source?.reserve(new Set()), null, 'c is not of the queue');
    first?.release();
    assert.equal(source?.reserve(new Set(['b'])), null, 'b was rung in vain');
    assert.equal(source?.reserve(new Set())?.agentId, 'b');
  });

  it('can be reached while one of its agents can, free or not', () => {
    const everybody = agents();
    const queues = new DirectQueues([{ name: 'sales', agents: ['b', 'nobody'] }], everybody);
    assert.equal(queues.source('sales')?.reachable(new Set()), true);
    everybody.reserve('b', new Set());
    assert.equal(queues.source('sales')?.reachable(new Set()), true);
    assert.equal(queues.source('sales')?.reachable(new Set(['b'])), false);
    assert.equal(queues.source('service'), null);
  });
});

test('a flow that names no configured queue or trunk keeps the server from starting, with what to do', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'tacet-transfer-'));
  context.after(() => rmSync(directory, { recursive: true }));
  const flow = (action: string) =>
    writeFileSync(
      join(directory, 'a.yaml'),
      `name: a\ntype: inbound\ntasks:\n  main:\n    - { do: ${action} }\n`,
    );
  const file = fileURLToPath(new URL('../../../config/tacet.example.yaml', import.meta.url));
  const config = loadConfig({ file, env: {}, cwd: directory });
  const broken = { ...config, flows: { directories: [directory] } };
  flow('transferToQueue, queue: service');
  await assert.rejects(
    buildApp(broken),
    /queues\.service: flow a \(tasks\.main\[0\]\) calls a queue.*sales/s,
  );
  flow("transferToNumber, number: '110', trunk: toString");
  await assert.rejects(buildApp(broken), /trunks\.toString: flow a .* calls a trunk.*carrier/s);
});
