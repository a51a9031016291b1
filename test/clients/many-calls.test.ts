import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { missing } from './program.js';
import { RtpCounter } from './rtp-counter.js';
import { ClientServer } from './server.js';
import { runSipp, startSipp } from './sipp.js';
import { call, expect, hangUp, invite, pause, refusalAck, scenario } from './sipp-script.js';

const CALLS = 200;
/** New calls each second; each lasts longer than it takes to begin all of them. */
const RATE = 25;
const CALL_MS = 12_000;

describe('two hundred calls at once', { skip: missing('sipp') }, () => {
  let server: ClientServer;
  let counter: RtpCounter;
  before(async () => {
    server = await ClientServer.start();
    counter = await RtpCounter.open();
  });
  after(async () => {
    await counter.close();
    await server.close();
  });

  it('each hears its prompt to the end, through torture and garbage; nothing is left', async (test) => {
    const target = server.target('talk');
    const sipp = await startSipp({
      scenario: 'script',
      xml: scenario(call(), pause(CALL_MS), hangUp(2)),
      target,
      calls: CALLS,
      rate: RATE,
      audioPort: counter.port,
      deadlineMs: 60_000,
    });
    try {
      const { calls } = server.tacet.app;
      await server.tacet.until(() => calls.liveCount === CALLS, `${CALLS} calls at once`, 30_000);
      await disturb(target);
      const result = await sipp.result;
      assert.deepEqual(result, { ok: true, successful: CALLS, failed: 0, errors: '' });
      await server.leaveNothing();
      const longest = await everyoneHeard();
      test.diagnostic(`longest gap between two packets of one call: ${longest.toFixed(1)} ms`);
    } finally {
      await sipp.stop();
    }
  });

  async function disturb(target: string): Promise<void> {
    const nobody = server.target('nobody');
    const refused = scenario(invite(), expect(404), refusalAck());
    const results = await Promise.all([
      runSipp({ scenario: 'garbage', target, calls: 20 }),
      runSipp({ scenario: 'torture', target, calls: 20 }),
      runSipp({ scenario: 'script', xml: refused, target: nobody, calls: 20 }),
    ]);
    assert.deepEqual(
      results.map(({ ok, successful }) => ({ ok, successful })),
      results.map(() => ({ ok: true, successful: 20 })),
    );
  }

  /** Resolves with the longest gap between two packets of one call, ms. */
  async function everyoneHeard(): Promise<number> {
    const streams = await counter.streams();
    assert.equal(streams.length, CALLS, 'each call has a port of its own');
    for (const { packets, audible, lost, firstAt, lastAt } of streams) {
      const ms = lastAt - firstAt;
      assert.ok(ms > CALL_MS * 0.95, `audio for ${ms} ms`);
      assert.equal(lost, 0);
      assert.ok(packets > (ms / 20) * 0.97, `${packets} packets in ${ms} ms`);
      assert.ok(audible > packets * 0.5, `${audible} of ${packets} packets were audible`);
    }
    return Math.max(...streams.map(({ longestGapMs }) => longestGapMs));
  }
});
