import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatSip, header, parseSip } from '../../bench/load/sip-message.js';
import type { LatenessMs, Steady } from '../../bench/measure/steady.js';
import { VaultWatch } from '../../bench/measure/vault.js';
import { HELP, parseOptions } from '../../bench/options.js';
import { cpuMs, residentBytes, watchCpu } from '../../bench/process-usage.js';
import { jsonReport, tableReport, verdicts } from '../../bench/report.js';
import { stackJsonReport, stackTableReport, stackVerdicts } from '../../bench/report-stack.js';
import type { Figures } from '../../bench/run.js';
import type { StackFigures } from '../../bench/run-stack.js';
import { Histogram, median, percentile } from '../../bench/statistics.js';
import type { CallEvent, CallEventBody } from '../../server/call/events.js';

const lateness: LatenessMs = {
  engine: { p99: 1, max: 4 },
  receiver: { p99: 2, max: 5 },
  load: { p99: 2, max: 5 },
};

function steady(calls: number, cpuMsPerCallSecond: number): Steady {
  return { calls, cpuMsPerCallSecond, with: {}, delivered: 1, lateness, quiet: lateness, others: 0.01 };
}

function figures(change: Partial<Figures> = {}): Figures {
  const times = { p50: 10, p99: 20, max: 25 };
  return {
    tacet: {
      cpuMsPerSetUp: 2,
      steady: steady(100, 0.9),
      most: steady(500, 0.8),
      keyToPromptMs: times,
      secureSilentMs: times,
      secureAcceptedMs: times,
      quiet: { keys: true, secure: true },
      bytesPerCall: 40_000,
    },
    bare: { steady: steady(100, 0.6), most: steady(500, 0.55) },
    freeswitch: { version: '1.11.1', cpuMsPerSetUp: 8, steady: steady(100, 3), bytesPerCall: 400_000 },
    ...change,
  };
}

test('percentiles are values that were measured', () => {
  const values = Array.from({ length: 200 }, (_, at) => 200 - at);
  assert.equal(percentile(values, 0.5), 100);
  assert.equal(percentile(values, 0.99), 198);
  assert.equal(percentile(values, 1), 200);
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
});

test('a histogram agrees with the values to a tenth of a millisecond, and begins anew when taken', () => {
  const histogram = new Histogram();
  const values = Array.from({ length: 1000 }, (_, at) => ((at * 7919) % 40) + 0.05);
  for (const value of values) histogram.add(value);
  const { p50, p99, max } = histogram.take();
  assert.ok(Math.abs(p50 - percentile(values, 0.5)) <= 0.1, `${p50}`);
  assert.ok(Math.abs(p99 - percentile(values, 0.99)) <= 0.1, `${p99}`);
  assert.equal(max, 39.05);
  assert.deepEqual(histogram.take(), { p50: 0, p99: 0, max: 0 });
});

test('wrong options are refused with a reason, and --help names every option', () => {
  assert.deepEqual(parseOptions(['--calls', '200', '--json']), {
    json: true,
    help: false,
    engine: 'embedded',
    calls: 200,
    seconds: 3,
    profile: null,
  });
  assert.equal(parseOptions(['--engine', 'freeswitch']).engine, 'freeswitch');
  for (const wrong of [
    ['--calls', '5'],
    ['--calls', 'many'],
    ['--seconds', '1.5'],
    ['--engine', 'x'],
    ['--what'],
  ]) {
    assert.throws(() => parseOptions(wrong), new RegExp(wrong[0] ?? ''));
  }
  for (const option of ['--calls', '--seconds', '--engine', '--json', '--profile', '--help']) {
    assert.ok(HELP.includes(option), option);
  }
});

test('the report compares with every limit, and says null for what could not be compared', () => {
  assert.ok(verdicts(figures()).every(({ ok }) => ok === true));

  const json = JSON.parse(JSON.stringify(jsonReport('embedded', figures({ freeswitch: null }))));
  assert.equal(json.engine, 'embedded');
  assert.equal(json.calls, 100);
  assert.deepEqual(json.cpuMsPerCallSecond, { tacet: 0.9, bareLoop: 0.6, freeswitch: null });
  assert.deepEqual(json.cpuMsPerSetup, { tacet: 2, freeswitch: null });
  assert.deepEqual(json.packetLatenessMs, { p99: 1, max: 4 });
  assert.deepEqual(json.digitToPromptMs, { p50: 10, p99: 20 });
  assert.deepEqual(json.secureSilentMs, { p50: 10, p99: 20 });
  assert.equal(json.bytesPerCall, 40_000);
  assert.deepEqual(json.ratios, {
    callSecondToFreeswitch: null,
    callSecondToBareLoop: 1.5,
    setupToFreeswitch: null,
  });
  assert.equal(json.ok, true);
});

test('a figure that is missed fails the verdict; lateness on a busy machine is not judged', () => {
  const { tacet } = figures();
  const slow = figures({ tacet: { ...tacet, cpuMsPerSetUp: 4 } });
  assert.deepEqual(
    verdicts(slow).filter(({ ok }) => ok === false),
    [{ figure: 'CPU per call set-up, x FreeSWITCH', limit: 0.35, value: 0.5, ok: false }],
  );
  assert.match(tableReport(slow), /CPU per call set-up, x FreeSWITCH +0\.5 +at most 0\.35 +MISSED/);

  const late = { ...lateness, engine: { p99: 9, max: 30 } };
  const most = { ...tacet.most, lateness: late };
  const judged = (change: Partial<Figures['tacet']>) =>
    verdicts(figures({ tacet: { ...tacet, ...change } })).find(({ limit }) => limit === 10);
  assert.deepEqual(judged({ most: { ...most, quiet: null } }), {
    figure: 'latest packet at 500 calls, ms',
    limit: 10,
    value: 30,
    ok: null,
  });
  assert.equal(judged({ most: { ...most, quiet: late } })?.ok, false);
  assert.equal(judged({ most: { ...most, quiet: lateness } })?.ok, true);
  assert.equal(judged({ most: { ...tacet.most, quiet: null } })?.ok, true);
});

function stackFigures(change: Partial<StackFigures> = {}): StackFigures {
  const times = { p50: 10, p99: 20, max: 25 };
  const vaultMs = { enter: times, leave: { p50: 20, p99: 40, max: 41 } };
  const beside = { with: { freeswitch: 3, drachtio: 0.01 } };
  return {
    version: '1.11.1',
    cpuMsPerSetUp: { tacet: 2, freeswitch: 8, drachtio: 2 },
    bare: steady(100, 0.6),
    steady: { ...steady(100, 0.05), ...beside },
    most: { ...steady(150, 0.05), ...beside },
    keyToPromptMs: times,
    secureSilentMs: times,
    secureAcceptedMs: times,
    vaultMs,
    secure: { calls: 200, sessions: 50, wanted: { calls: 200, sessions: 50 }, failure: null, vaultMs },
    quiet: { keys: true, secure: true, atOnce: true },
    bytesPerCall: 40_000,
    ...change,
  };
}

test('with FreeSWITCH under it, the report has the same names and compares with the FreeSWITCH of the same calls', () => {
  assert.ok(stackVerdicts(stackFigures()).every(({ ok }) => ok === true));
  const json = JSON.parse(JSON.stringify(stackJsonReport(stackFigures())));
  assert.deepEqual([json.engine, json.sip, json.calls, json.ok], ['freeswitch', 'drachtio', 100, true]);
  assert.deepEqual(json.cpuMsPerCallSecond, { tacet: 0.05, bareLoop: 0.6, freeswitch: 3, drachtio: 0.01 });
  assert.deepEqual(json.cpuMsPerSetup, { tacet: 2, freeswitch: 8, drachtio: 2 });
  // (2 + 10 * 0.05) of (8 + 10 * 3) ms.
  assert.deepEqual(json.ratios, {
    callSecondToFreeswitch: 0.017,
    setupToFreeswitch: 0.25,
    callToFreeswitch: 0.066,
  });
  assert.deepEqual(json.packetLatenessMs, { p99: 2, max: 5 });
  assert.deepEqual(json.digitToPromptMs, { p50: 10, p99: 20 });
  assert.deepEqual(json.secureSilentMs, { p50: 10, p99: 20 });
  assert.deepEqual(json.vaultMs, { enter: { p50: 10, p99: 20 }, leave: { p50: 20, p99: 40 } });
  assert.deepEqual([json.secure.calls, json.secure.sessions, json.bytesPerCall], [200, 50, 40_000]);
});

test('with FreeSWITCH, a session that failed is a figure that was missed, and what idles is not compared', () => {
  const { secure } = stackFigures();
  const failed = stackFigures({ secure: { ...secure, sessions: 49, failure: 'no silence' } });
  assert.deepEqual(
    stackVerdicts(failed).filter(({ ok }) => ok !== true),
    [{ figure: 'of them in secure sessions', limit: 50, atLeast: true, value: 49, ok: false }],
  );
  assert.match(
    stackTableReport(failed),
    /a secure session failed: no silence[\s\S]+in secure sessions +49 +at least 50 +MISSED/,
  );
  const busy = stackVerdicts({ ...failed, quiet: { keys: true, secure: true, atOnce: false } });
  assert.equal(busy.at(-1)?.ok, null);
  const idle = stackFigures({ cpuMsPerSetUp: { tacet: 2, freeswitch: -1 } });
  const call = stackVerdicts(idle).find(({ figure }) => figure === 'CPU of a call of 10 s, x FreeSWITCH');
  assert.deepEqual([call?.value, call?.ok], [null, null]);
});

test('times of the vault run from shield to shield, of sessions that came back only', () => {
  const watch = new VaultWatch();
  const see = (sessionId: string, ms: number, body: object): void =>
    watch.see({
      ...({ ...body, sessionId } as CallEventBody),
      seq: ms,
      at: new Date(ms).toISOString(),
      conversationId: 'c',
    } as CallEvent);
  const shield = (session: string, ms: number, name: string, change: string): void =>
    see(session, ms, { type: 'secure.shield', shield: name, change });
  for (const [session, vaultAt] of [
    ['a', 30],
    ['b', 45],
  ] as const) {
    shield(session, 10, 'media-server', 'engaged');
    shield(session, vaultAt, 'vault', 'engaged');
    see(session, 50, { type: 'secure.state', state: 'active', end: null, reason: null });
  }
  see('a', 60, { type: 'secure.state', state: 'unshielding', end: null, reason: null });
  shield('a', 70, 'events', 'released');
  shield('a', 75, 'log', 'released');
  shield('a', 99, 'vault', 'released');
  shield('a', 120, 'agent-leg', 'released');
  assert.deepEqual(watch.times, { enter: [20, 35], leave: [24], mostAtOnce: 2 });
  watch.clear();
  assert.deepEqual(watch.times, { enter: [], leave: [], mostAtOnce: 0 });
});

test('SIP is read as it is written', () => {
  const text = formatSip('INVITE sip:loop@127.0.0.1 SIP/2.0', [['Call-ID', 'one']], 'v=0\r\n');
  const request = parseSip(text);
  assert.ok(request);
  assert.equal(request.method, 'INVITE');
  assert.equal(header(request, 'call-id'), 'one');
  assert.equal(header(request, 'content-length'), '5');
  assert.equal(request.body, 'v=0\r\n');
  assert.equal(parseSip('SIP/2.0 486 Busy Here\r\n\r\n')?.status, 486);
  assert.equal(parseSip('no SIP'), null);
});

test('CPU time and memory of a process are read', { skip: process.platform !== 'linux' }, () => {
  const before = cpuMs(process.pid);
  const { user, system } = process.cpuUsage();
  assert.ok(Math.abs(before - (user + system) / 1000) <= 30, `${before}`);
  const watch = watchCpu({ own: process.pid });
  assert.ok(watch().own >= 0);
  const difference = residentBytes(process.pid) - process.memoryUsage.rss();
  assert.ok(Math.abs(difference) < 20_000_000, `${difference}`);
});
