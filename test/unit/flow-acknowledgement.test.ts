import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { digestOf } from '../../flows/acknowledgement.js';
import { loadFlow } from '../../flows/loader.js';
import { FlowError, formatProblem } from '../../flows/problems.js';
import { acknowledged } from '../kit/acknowledged.js';
import { tacet } from './cli-run.js';

const FLOW = `# who may do what
name: show
type: secure
variables: { card: { type: secure }, last4: { type: string } }
tasks:
  main:
    - { do: collectInput, field: cardNumber, into: secure.card, prompt: Card. }
    - { do: extractSecureData, from: secure.card, transform: last4, into: flow.last4 }
    - do: returnToAgent # with nothing
`;

const directory = mkdtempSync(join(tmpdir(), 'tacet-acknowledge-'));
after(() => rmSync(directory, { recursive: true }));

function problemsOf(source: string): string[] {
  try {
    loadFlow(source, 'a.yaml');
    return [];
  } catch (error) {
    if (!(error instanceof FlowError)) throw error;
    return error.problems.map(formatProblem);
  }
}

/** The command on a file with this text; what it says, and the text after it. */
async function run(
  source: string,
  args: readonly string[],
): Promise<{ code: number; said: string; text: string }> {
  writeFileSync(join(directory, 'a.yaml'), source);
  const { code, out, err } = await tacet(['acknowledge', ...args, 'a.yaml'], directory);
  return { code, said: out + err, text: readFileSync(join(directory, 'a.yaml'), 'utf8') };
}

const BY = ['--by', 'Ada "A" Lovelace', '--reason', 'the agent: reads it back #1'];

test('a flow that extracts and that nobody acknowledged is refused where it does so first', () => {
  assert.match(
    problemsOf(FLOW).join(),
    /^a\.yaml:8:7: nobody has acknowledged .* \(have somebody .* run `tacet acknowledge .*sha256:[0-9a-f]{64}\)$/,
  );
  assert.deepEqual(problemsOf(FLOW.replace(/.*extractSecureData.*\n/, '')), []);
});

test('the acknowledgement holds for what the flow says, and for nothing else', () => {
  const fine = acknowledged(FLOW);
  assert.deepEqual(problemsOf(fine), []);
  assert.deepEqual(loadFlow(fine, 'a.yaml').acknowledgement?.by, 'Ada Lovelace');
  assert.deepEqual(problemsOf(fine.replace('# with nothing', '# with nothing more')), []);
  assert.deepEqual(problemsOf(fine.replace('type: secure\n', 'type: "secure"\n')), []);
  assert.deepEqual(problemsOf(fine.replace('Ada Lovelace', 'Grace Hopper')), []);
  for (const [from, to] of [
    ['Card.', 'Card!'],
    ['transform: last4', 'transform: bin'],
    ['- do: returnToAgent', '- do: disconnect'],
    ['name: show', 'name: shown'],
  ] as const) {
    const problems = problemsOf(fine.replace(from, to)).join();
    assert.match(problems, /^a\.yaml:\d+:11: the flow was changed since Ada Lovelace acknowledged it/, to);
  }
});

test('the digest does not depend on the order of keys, but on that of actions', () => {
  assert.equal(digestOf({ a: { b: 1, c: [1, 2] }, d: '' }), digestOf({ d: '', a: { c: [1, 2], b: 1 } }));
  assert.notEqual(digestOf({ a: [1, 2] }), digestOf({ a: [2, 1] }));
  assert.notEqual(digestOf({ a: '1' }), digestOf({ a: 1 }));
});

test('an acknowledgement with a part missing, or of another form, is refused with its place', () => {
  const fine = acknowledged(FLOW);
  assert.match(problemsOf(fine.replace(/ {2}by: .*\n/, '')).join(), /'by' is missing/);
  assert.match(problemsOf(fine.replace(/at: .*/, 'at: yesterday')).join(), /^a\.yaml:\d+:7: .*a time as/);
  assert.match(problemsOf(fine.replace(/digest: .*/, 'digest: md5:0')).join(), /sha256:/);
  assert.match(problemsOf(fine.replace(/reason: .*/, 'reason: ""')).join(), /^a\.yaml:\d+:11:/);
});

test('tacet acknowledge writes it, replaces an older one, and leaves every other line as it was', async () => {
  const first = await run(FLOW, BY);
  assert.equal(first.code, 0, first.said);
  assert.ok(first.text.startsWith(FLOW));
  const loaded = loadFlow(first.text, 'a.yaml').acknowledgement;
  assert.equal(loaded?.by, 'Ada "A" Lovelace');
  assert.equal(loaded?.reason, 'the agent: reads it back #1');
  const changed = `${first.text.replace('Card.', 'Number.')}# the end\n`;
  const second = await run(changed, ['--by', 'Grace Hopper', '--reason', 'as before']);
  assert.equal(second.code, 0, second.said);
  assert.equal(loadFlow(second.text, 'a.yaml').acknowledgement?.by, 'Grace Hopper');
  assert.ok(second.text.startsWith(`${FLOW.replace('Card.', 'Number.')}# the end\n`), second.text);
});

test('tacet acknowledge wants a name and a reason, and leaves a flow with another problem alone', async () => {
  for (const args of [[], ['--by', 'Ada'], ['--reason', 'x'], ['--by', ' ', '--reason', 'x']]) {
    const { code, said, text } = await run(FLOW, args);
    assert.equal(code, 2);
    assert.match(said, /acknowledge: --(by NAME|reason TEXT) says/);
    assert.equal(text, FLOW);
  }
  const broken = FLOW.replace('secure.card, prompt', 'secure.cart, prompt');
  const { code, said, text } = await run(broken, BY);
  assert.equal(code, 1);
  assert.match(said, /a\.yaml:7:\d+: .*cart/);
  assert.equal(text, broken);
});
