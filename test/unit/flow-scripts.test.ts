import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { difference } from '../../cli/simulation/difference.js';
import { replay } from '../../cli/simulation/replay.js';
import { readScript, type Script } from '../../cli/simulation/script.js';
import { loadLibrary } from '../../flows/loader.js';
import { liveSecureValues } from '../../server/secure/secure-value.js';

const directory = fileURLToPath(new URL('../../../flows/library/', import.meta.url));
const library = await loadLibrary([directory]);
const flows = readdirSync(`${directory}scripts`);

/** What must be among the scripts of a flow in which a card is paid with. */
const PAYMENTS = ['approved', 'wrong-card-then-right', 'time-out', 'declined', 'in-doubt', 'cancel'];

test('every flow of the library has digit scripts, and every payment those of its ends', () => {
  assert.deepEqual(flows.sort(), [...library.keys()].sort());
  for (const flow of ['card-payment', 'pay-by-phone']) {
    const names = readdirSync(`${directory}scripts/${flow}`);
    for (const name of PAYMENTS) assert.ok(names.includes(`${name}.yaml`), `${flow}: ${name}`);
  }
});

/** What a trace must never show: numbers without their last four digits, and cards without their first six too. */
function secretsOf({ steps }: Script): string[] {
  const keyed = steps.flatMap((step) => (typeof step === 'object' && 'keys' in step ? step.keys : []));
  const numbers = keyed.flatMap((keys) => keys.split(/[*#]/)).filter((digits) => digits.length > 10);
  return numbers.map((digits) => digits.slice(digits.length > 12 ? 6 : 0, -4));
}

for (const name of flows) {
  for (const file of readdirSync(`${directory}scripts/${name}`)) {
    test(`the digit script ${name}/${file} leaves the trace that it expects`, async () => {
      const flow = library.get(name);
      const path = `${directory}scripts/${name}/${file}`;
      const script = readScript(readFileSync(path, 'utf8'), path);
      assert.ok(flow && script.expected);
      const trace = await replay(flow, library, script);
      assert.equal(difference(script.expected, trace)?.join('\n') ?? null, null);
      for (const secret of secretsOf(script)) assert.ok(!trace.join('\n').includes(secret));
      assert.equal(liveSecureValues(), 0);
    });
  }
}

test('a trace depends on the script: another card, another trace', async () => {
  const path = `${directory}scripts/card-payment/approved.yaml`;
  const source = readFileSync(path, 'utf8').replace('4242424242424242#', '4000000000000002#');
  const script = readScript(source, path);
  const flow = library.get('card-payment');
  assert.ok(flow && script.expected);
  const lines = difference(script.expected, await replay(flow, library, script));
  assert.ok(lines?.includes('- charge approved') && lines.includes('+ charge declined: card-declined'));
});
