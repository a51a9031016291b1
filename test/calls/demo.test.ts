import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runDemo, type Surroundings } from '../../demo/cli.js';
import type { Report } from '../../demo/report.js';
import { readWav } from '../../media/codec/wav.js';
import type { CallEvent } from '../../server/call/events.js';
import { within } from '../kit/deadline.js';
import { toneMs } from '../kit/spectrum.js';

const MAIN = fileURLToPath(new URL('../../demo/main.js', import.meta.url));

type Plant = NonNullable<Surroundings['onEvent']>;

/** Joins the two behind the shields, as soon as the flow asks for the card number. */
const bridged: Plant = (event, app) => {
  if (!asksForCard(event)) return;
  const { customer, agent } = app.calls.legs(event.conversationId);
  if (agent) void app.media.bridge(customer.endpoint, agent.endpoint);
};

const cancelled: Plant = (event, app) => {
  if (!asksForCard(event)) return;
  void app.calls.cancelSecureSession(event.conversationId, event.sessionId);
};

describe('demo', { concurrency: true }, () => {
  let directory: string;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'tacet-test-'));
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  const demo = (name: string, args: readonly string[], onEvent?: Plant) =>
    inProcess([...args, '--out', join(directory, name)], onEvent);

  it('prints one line of JSON and writes what both heard', async () => {
    const out = join(directory, 'sounds');
    const { code, stdout, stderr } = await asProgram(directory, ['--json', '--out', out]).ended;
    assert.equal(code, 0, stderr);
    assert.equal(stdout.indexOf('\n'), stdout.length - 1, 'one line and nothing else');
    const { seconds, silentAfterMs, ...facts } = JSON.parse(stdout) as Report;
    const files = { agent: join(out, 'agent-heard.wav'), caller: join(out, 'caller-heard.wav') };
    assert.deepEqual(facts, {
      ok: true,
      engine: 'embedded',
      capture: null,
      method: 'rfc4733',
      agentDigitsHeard: 0,
      agentCustomerAudioMs: 0,
      confirmationDelivered: true,
      files,
      error: null,
    });
    assert.ok(seconds > 10 && silentAfterMs !== null && silentAfterMs < seconds * 1000);
    for (const [file, hz] of Object.entries({ [files.agent]: 1900, [files.caller]: 2200 })) {
      const pcm = readWav(readFileSync(file), file);
      assert.ok(Math.abs(pcm.length / 8000 - seconds) < 3, 'the file is as long as the call');
      const heardMs = toneMs(pcm, hz, -30);
      assert.ok(heardMs > 2000 && heardMs < 10_000, `the other one, before and after: ${heardMs} ms`);
    }
  });

  it('ends clean on SIGINT', async () => {
    const home = join(directory, 'home');
    mkdirSync(home);
    const program = asProgram(home, ['--out', join(directory, 'interrupted')]);
    await program.says('asks for a secure session');
    assert.equal(readdirSync(home).length, 1, 'temporary files of its own');
    program.interrupt();
    const { code, stdout } = await program.ended;
    assert.equal(code, 130);
    assert.match(stdout, /interrupted/);
    assert.deepEqual(readdirSync(home), []);
  });

  it('refuses what it does not know, with 2', async () => {
    for (const args of [
      ['--engine', 'asterisk'],
      ['--capture', 'vault'],
      ['--method', 'pulse'],
      ['--nothing'],
    ]) {
      const { code, stdout, stderr } = await inProcess(args);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, new RegExp(args.at(-1) ?? ''));
    }
  });

  it('says what is missing where there is no FreeSWITCH, with 2', async () => {
    const program = asProgram(directory, ['--json', '--engine', 'freeswitch'], { PATH: directory });
    const { code, stdout, stderr } = await program.ended;
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /^demo: --engine freeswitch: freeswitch is not on the PATH/);
  });

  for (const method of ['sip-info', 'in-band']) {
    it(`shows the timeline, with keys by ${method} as dots`, async () => {
      const { code, stdout, stderr } = await demo(method, ['--method', method]);
      assert.equal(code, 0, `${stdout}\n${stderr}`);
      assert.match(stdout, /hears “You will pay 12 euros and 50 cents\./);
      assert.match(stdout, /keys in card number •{16} accepted/);
      assert.match(stdout, /script shows confirmation \d{6}, 12\.50 EUR with visa ending in 4242/);
      assert.ok(!stdout.includes('\x1b') && !/42424|837|90210/.test(stdout));
    });
  }

  it('fails when the two are joined behind the shields', async () => {
    const { code, stdout } = await demo('bridged', ['--json', '--method', 'in-band'], bridged);
    const report = JSON.parse(stdout) as Report;
    assert.deepEqual([code, report.ok, report.silentAfterMs], [1, false, null]);
    assert.ok(report.agentCustomerAudioMs > 1000, `${report.agentCustomerAudioMs} ms of the caller`);
    assert.equal(report.agentDigitsHeard, 30, 'every key of the caller');
  });

  it('fails when no confirmation reaches the agent', async () => {
    const { code, stdout, stderr } = await demo('cancelled', ['--json'], cancelled);
    const { ok, confirmationDelivered, agentDigitsHeard } = JSON.parse(stdout) as Report;
    assert.deepEqual([code, ok, confirmationDelivered, agentDigitsHeard], [1, false, false, 0]);
    assert.match(stderr, /the secure session ended too early: cancelled/);
  });
});

function asksForCard(event: CallEvent): event is Extract<CallEvent, { type: 'secure.progress' }> {
  if (event.type !== 'secure.progress') return false;
  return event.progress.field === 'cardNumber' && event.progress.state === 'asked';
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function inProcess(args: readonly string[], onEvent?: Plant): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  const code = await runDemo(args, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    env: {},
    stop: new AbortController().signal,
    ...(onEvent && { onEvent }),
  });
  return { code, stdout, stderr };
}

/** The demo as a process of its own whose temporary files lie in `home`. */
function asProgram(home: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const env = { ...process.env, TMPDIR: home, ...environment };
  const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stderr.on('data', (text) => (stderr += text));
  child.stdout.on('data', (text) => (stdout += text));
  const closed = once(child, 'close').then(([code]) => ({ code, stdout, stderr }));
  return {
    ended: within<Ended>(closed, 120_000, 'the end of the demo').finally(() => child.kill('SIGKILL')),
    interrupt: () => child.kill('SIGINT'),
    says: (text: string) => {
      const said = new Promise<void>((resolve) => {
        child.stdout.on('data', () => stdout.includes(text) && resolve());
      });
      return within(said, 60_000, `the demo saying "${text}"`);
    },
  };
}
