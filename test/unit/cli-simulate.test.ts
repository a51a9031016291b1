import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runTacet } from '../../cli/tacet.js';
import { liveSecureValues } from '../../server/secure/secure-value.js';
import { tacet } from './cli-run.js';

const library = fileURLToPath(new URL('../../../flows/library/', import.meta.url));
const PAYMENT = join(library, 'card-payment.yaml');
const BY_PHONE = join(library, 'pay-by-phone.yaml');
const ORDER = ['--data', '{"amount":1950}'];
const CARD = '4242424242424242';

/** A terminal as a program sees one; `keys` are typed one at a time. */
function terminal(keys: string) {
  const modes: boolean[] = [];
  let shown = '';
  async function* typing() {
    for (const key of keys) yield Buffer.from(key);
  }
  const stdin = Object.assign(typing(), { isTTY: true, setRawMode: (raw: boolean) => modes.push(raw) });
  const stdout = { isTTY: true, write: (text: string) => (shown += text) };
  const around = { stdin, stdout, stderr: stdout, cwd: library };
  return { around, modes, shown: () => shown };
}

describe('tacet simulate', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tacet-simulate-'));
  });
  after(() => rm(folder, { recursive: true }));

  async function script(text: string) {
    await writeFile(join(folder, 'script.yaml'), text);
    return tacet(['simulate', '--script', 'script.yaml', PAYMENT], folder);
  }

  it('takes a call from the keyboard: inbound flow, secure flow, charge', async () => {
    const { code, out } = await tacet(['simulate', BY_PHONE], library, `4711#1950#${CARD}#1227123\n10115#`);
    assert.equal(code, 0);
    assert.match(out, /^ +\d+\.\d s {2}🔑 {2}cardNumber •{16} accepted$/m);
    assert.match(out, /^ +\d+\.\d s {6}digits •{4} accepted$/m);
    assert.match(out, /🔑 {2}charge approved\n/);
    assert.match(
      out,
      /"confirmation":"100000".*\n.*secure ended: disconnected\n.* {6}end flow-disconnected\n$/,
    );
  });

  it('shows the key exactly while the call is in secure mode', async () => {
    const { out } = await tacet(['simulate', BY_PHONE], library, `4711#1950#${CARD}#1227123\n10115#`);
    const lines = out.trimEnd().split('\n');
    const first = lines.findIndex((line) => line.includes('secure shielding'));
    const last = lines.findIndex((line) => line.includes('secure ended'));
    assert.ok(first > 0 && last > first);
    assert.deepEqual(
      lines.map((line) => line.includes('🔑')),
      lines.map((_, index) => index >= first && index <= last),
    );
  });

  it('never shows a secure digit, and holds none in the end', async () => {
    const { out } = await tacet(['simulate', ...ORDER, PAYMENT], library, '4012888888881881#0931765\n98765#');
    assert.match(out, /charge error: sandbox-accepts-only-test-cards/);
    for (const secret of ['401288', '88888888', '0931', '765']) assert.ok(!out.includes(secret), secret);
    assert.equal(liveSecureValues(), 0);
  });

  it('draws dots as keys come in a terminal, which shows no typed key itself', async () => {
    const { around, modes, shown } = terminal(`${CARD}*${CARD}#h`);
    assert.equal(await runTacet(['simulate', ...ORDER, PAYMENT], around), 0);
    assert.deepEqual(modes, [true, false]);
    for (let dots = 1; dots <= 16; dots += 1) {
      assert.ok(shown().includes(`🔑  cardNumber ${'•'.repeat(dots)}\r\x1b[K`), String(dots));
    }
    assert.ok(shown().includes('🔑  cardNumber\r'));
    assert.ok(!shown().includes(CARD.slice(0, 5)));
    assert.match(shown(), /end customer-hung-up\n$/);
  });

  it('lets time pass at the enter key: the prompt ends, then the field times out', async () => {
    const { out } = await tacet(['simulate', ...ORDER, PAYMENT], library, '\n\nc');
    assert.match(out, / 7\.0 s {2}🔑 {2}cardNumber {2}timeout\n/);
    assert.match(out, /secure ended: cancelled\n.*end talking\n$/);
  });

  it('rings an agent with the result that is asked for', async () => {
    const support = join(library, 'support.yaml');
    assert.match((await tacet(['simulate', support], library)).out, /any: answered\n.*end talking\n$/);
    const { out } = await tacet(['simulate', '--agent', 'no-agent', support], library);
    assert.match(out, /any: no-agent\n(.*\n)+.*end flow-disconnected\n$/);
  });

  it('takes calls of every type of flow, and no module: that has none of its own', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tacet-types-'));
    const flow = (name: string, type: string, action: string) =>
      writeFile(
        join(folder, `${name}.yaml`),
        `name: ${name}\ntype: ${type}\ntasks:\n  main:\n    - { do: ${action} }\n    - do: disconnect\n`,
      );
    await flow('hi', 'module', 'playAudio, prompt: Hi from the module.');
    for (const type of ['inbound', 'outbound', 'inQueue', 'secure']) {
      await flow('a', type, 'callModule, module: hi');
      const { code, out } = await tacet(['simulate', 'a.yaml'], folder);
      assert.equal(code, 0, type);
      assert.match(out, /Hi from the module\.[\s\S]*end flow-disconnected\n$/, type);
    }
    const { code, err } = await tacet(['simulate', 'hi.yaml'], folder);
    assert.equal(code, 2);
    assert.match(err, /hi\.yaml is a module and has no call of its own: name a flow that calls it/);
    await rm(folder, { recursive: true });
  });

  it('replays a script, and says that it went as expected', async () => {
    const { code, out } = await script('caller: [hang-up]\nexpect: |\n  secure requested\n');
    assert.equal(code, 1);
    assert.match(
      out,
      /^script\.yaml: not as expected \(- expected, \+ happened\)\n {2}secure requested\n\+ /,
    );
    const right = await script(`secureSession: refused\nexpect: |
  secure requested
  secure shielding
  secure unshielding
  secure ended: shield-failed
  end talking
`);
    assert.deepEqual(right, { code: 0, out: 'script.yaml: 5 lines as expected\n', err: '' });
  });

  it('prints the trace of a script that expects nothing', async () => {
    const { code, out } = await script('invocationData: "{}"\n');
    assert.equal(code, 0);
    assert.match(out, /^secure requested\n(.+\n)+end talking\n$/);
  });

  it('never gives back a caller who does not stop pressing keys', async () => {
    const steps = Array.from({ length: 80 }, () => "  - wait: 500ms\n  - keys: '1'\n").join('');
    const { out } = await script(`invocationData: "{}"\ncaller:\n${steps}`);
    assert.match(out, /keys swallowed: \d+\nresult .*\nsecure ended: flow-error\nend flow-error\n$/);
  });

  it('names file, line and remedy of what is wrong in a script, and quotes no key', async () => {
    const { code, out } = await script("caller:\n  - keys: '4242 4242'\nagent: [answered]\ntoday: 2026-13\n");
    assert.equal(code, 1);
    assert.match(out, /^script\.yaml:2:5: .*keys: '12#', wait: 5s, agent: clear, hang-up or cancel/m);
    assert.match(out, /^script\.yaml:3:1: unknown key 'agent' \(did you mean 'agents'\?\)$/m);
    assert.match(out, /^script\.yaml:4:8: 'today' .* \(give a month or a day, as 2026-11 or 2026-11-27\)$/m);
    assert.ok(!out.includes('4242'));
    assert.equal(
      (await script('- 1\n')).out,
      'script.yaml:1:1: a digit script is a mapping (begin with caller: and expect:)\n',
    );
  });

  for (const [args, message] of [
    [[], 'simulate: name one flow document'],
    [[PAYMENT, PAYMENT], 'simulate: name one flow document'],
    [[library], `${library} is no flow document *.yaml`],
    [['nowhere.yaml'], 'there is no file or folder nowhere.yaml'],
    [['--script', 'nowhere.yaml', PAYMENT], 'the file nowhere.yaml cannot be read'],
    [['--agent', 'asleep', PAYMENT], '--agent asleep: one of answered, no-answer, no-agent'],
  ] as const) {
    it(`refuses with code 2: ${message}`, async () => {
      const { code, out, err } = await tacet(['simulate', ...args], folder);
      assert.equal(code, 2);
      assert.equal(out, '');
      assert.ok(err.startsWith(`tacet: ${message}\n`), err);
    });
  }
});
