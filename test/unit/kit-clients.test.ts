import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startBaresip } from '../clients/baresip.js';
import { readNetstrings } from '../clients/baresip-control.js';
import { missing } from '../clients/program.js';
import { runSipp, startSipp } from '../clients/sipp.js';
import { stepsXml } from '../clients/sipp-steps.js';
import { Phone } from '../kit/phone.js';
import { tones } from '../kit/sounds.js';
import { toneMs } from '../kit/spectrum.js';

test('netstrings are taken whole, and what is incomplete is kept', () => {
  const { texts, rest } = readNetstrings(Buffer.from('2:{},0:,5:12345,7:{"a"'));
  assert.deepEqual(texts, ['{}', '', '12345']);
  assert.equal(rest.toString(), '7:{"a"');
  assert.deepEqual(readNetstrings(Buffer.from('5:ab')).texts, []);
});

test('a scenario refuses what is no key', () => {
  assert.throws(() => stepsXml({ groups: [{ afterMs: 0, keys: '12"' }] }), /not DTMF keys/);
});

test('a program that is not there skips a test plainly, and fails it where it is required', () => {
  const { PATH, TACET_REQUIRE_CLIENTS } = process.env;
  try {
    process.env.PATH = '';
    delete process.env.TACET_REQUIRE_CLIENTS;
    assert.match(String(missing('sipp')), /sipp is not on the PATH .*sip-tester/);
    process.env.TACET_REQUIRE_CLIENTS = '1';
    assert.equal(missing('sipp'), false);
  } finally {
    process.env.PATH = PATH;
    if (TACET_REQUIRE_CLIENTS === undefined) delete process.env.TACET_REQUIRE_CLIENTS;
    else process.env.TACET_REQUIRE_CLIENTS = TACET_REQUIRE_CLIENTS;
  }
});

test('baresip hears the keys of SIPp by telephone-event', { skip: missing('sipp', 'baresip') }, async () => {
  const baresip = await startBaresip();
  try {
    const result = await runSipp({
      scenario: 'caller',
      target: baresip.uri,
      steps: {
        groups: [
          { afterMs: 100, keys: '4422' },
          { afterMs: 100, keys: '9#' },
        ],
        hangUpAfterMs: 100,
      },
      deadlineMs: 15_000,
    });
    assert.deepEqual(result, { ok: true, successful: 1, failed: 0, errors: '' });
    await baresip.ended();
    assert.equal(baresip.heardKeys(), '44229#');
  } finally {
    await baresip.stop();
  }
});

test('baresip calls a SIPp agent and hears its own voice come back', {
  skip: missing('sipp', 'baresip'),
}, async () => {
  const agent = await startSipp({ scenario: 'agent', deadlineMs: 15_000 });
  const baresip = await startBaresip({ says: tones([1850], -10) });
  try {
    await baresip.call(agent.uri);
    await baresip.press('12');
    await baresip.hangUp();
    assert.deepEqual(await agent.result, { ok: true, successful: 1, failed: 0, errors: '' });
    const heard = await baresip.heard();
    assert.ok(toneMs(heard, 1850, -45) > 100, `${heard.length} samples`);
  } finally {
    await Promise.all([baresip.stop(), agent.stop()]);
  }
});

test('a call that is refused fails, and says why', { skip: missing('baresip') }, async () => {
  const [caller, busy] = await Promise.all([startBaresip({ user: 'a' }), startBaresip({ user: 'b' })]);
  try {
    await assert.rejects(caller.call(busy.uri.replace('b@', 'nobody@')), /the call of baresip ended: 404/);
  } finally {
    await Promise.all([caller.stop(), busy.stop()]);
  }
});

test('the kit phone and baresip understand each other', { skip: missing('baresip') }, async () => {
  const [baresip, phone] = await Promise.all([startBaresip({ says: tones([550], -10) }), Phone.start()]);
  try {
    const calling = await phone.call(baresip.uri);
    calling.tone(1850);
    await calling.waitForAudio({ hz: 550, minMs: 400 });
    await calling.press('4422', { onMs: 60, offMs: 40 });
    await calling.hangUp();
    await baresip.ended();
    assert.equal(baresip.heardKeys(), '4422');
    const heard = await baresip.heard();
    assert.ok(toneMs(heard, 1850, -45) > 100, `${heard.length} samples`);

    const ringing = phone.nextCall();
    const [called] = await Promise.all([ringing.then((call) => call.answer()), baresip.call(phone.uri)]);
    await baresip.press('19#');
    await called.waitUntil(() => called.heardDigits().length === 3, 'three keys');
    assert.deepEqual(
      called.heardDigits().map(({ key, method }) => `${key} ${method}`),
      ['1 rfc4733', '9 rfc4733', '# rfc4733'],
    );
    await called.hold();
    await called.waitForSilence();
    await called.unhold();
    await called.waitForAudio({ hz: 550 });
    await baresip.hangUp();
    assert.equal((await called.ended).by, 'them');
  } finally {
    await Promise.all([baresip.stop(), phone.close()]);
  }
});

test('the kit phone hears itself from a SIPp agent', { skip: missing('sipp') }, async () => {
  const [agent, phone] = await Promise.all([
    startSipp({ scenario: 'agent', deadlineMs: 15_000 }),
    Phone.start(),
  ]);
  try {
    const call = await phone.call(agent.uri);
    call.tone(1850);
    await call.waitForAudio({ hz: 1850 });
    await call.press('1', { method: 'sip-info' });
    await call.reinvite({ direction: 'sendrecv' });
    await call.hangUp();
    assert.deepEqual(await agent.result, { ok: true, successful: 1, failed: 0, errors: '' });
  } finally {
    await Promise.all([agent.stop(), phone.close()]);
  }
});

for (const scenario of ['torture', 'garbage'] as const) {
  test(`a SIP server survives the ${scenario} of SIPp and answers`, { skip: missing('sipp') }, async () => {
    const phone = await Phone.start();
    try {
      const { ok, successful, failed } = await runSipp({ scenario, target: phone.uri, deadlineMs: 10_000 });
      assert.deepEqual({ ok, successful, failed }, { ok: true, successful: 1, failed: 0 });
    } finally {
      await phone.close();
    }
  });
}
