import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatSip, header, parseSip } from '../../bench/load/sip-message.js';
import type { LatenessMs, Steady } from '../../bench/measure/steady.js';
import { HELP, parseOptions } from '../../bench/options.js';
import { cpuMs, residentBytes } from '../../bench/process-usage.js';
import { jsonReport, tableReport, verdicts } from '../../bench/report.js';
import type { Figures } from '../../bench/run.js';
import { Histogram, median, percentile } from '../../bench/statistics.js';

const lateness: LatenessMs = {
  engine: { p99: 1, max: 4 },
  receiver: { p99: 2, max: 5 },
  load: { p99: 2, max: 5 },
};

function steady(calls: number, cpuMsPerCallSecond: number): Steady {
  return { calls, cpuMsPerCallSecond, delivered: 1, lateness, quiet: lateness, others: 0.01 };
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
  const difference = residentBytes(process.pid) - process.memoryUsage.rss();
  assert.ok(Math.abs(difference) < 20_000_000, `${difference}`);
});
