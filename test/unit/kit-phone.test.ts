import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readWav } from '../../media/codec/wav.js';
import { DeadlineError, within } from '../kit/deadline.js';
import { pattern } from '../kit/network-fault.js';
import { Phone, type PhoneOptions } from '../kit/phone.js';
import type { PhoneCall } from '../kit/phone-call.js';
import { PhoneSip, type Refused } from '../kit/phone-sip.js';

const VOICE = 1850;
const OTHER_VOICE = 550;

/** Two phones, closed afterwards. */
async function phones(
  run: (a: Phone, b: Phone) => Promise<void>,
  optionsB: PhoneOptions = {},
): Promise<void> {
  const [a, b] = await Promise.all([Phone.start({ user: 'a' }), Phone.start({ user: 'b', ...optionsB })]);
  try {
    await run(a, b);
  } finally {
    await Promise.all([a.close(), b.close()]);
  }
}

/** A call from `a` that `b` answers. */
async function connect(a: Phone, b: Phone, options = {}): Promise<[PhoneCall, PhoneCall]> {
  const [calling, called] = await Promise.all([
    a.call(b.uri, options),
    b.nextCall().then((incoming) => {
      incoming.ring();
      return incoming.answer();
    }),
  ]);
  return [calling, called];
}

function keys(call: PhoneCall, from?: number): string {
  return call
    .heardDigits(from)
    .map(({ key }) => key)
    .join('');
}

describe('kit: phones calling each other', () => {
  test('both hear each other, keys cross in every way, and the end is seen', () =>
    phones(async (a, b) => {
      const [calling, called] = await connect(a, b);
      calling.tone(VOICE);
      called.tone(OTHER_VOICE);
      await Promise.all([called.waitForAudio({ hz: VOICE }), calling.waitForAudio({ hz: OTHER_VOICE })]);
      assert.equal(called.heardTone(OTHER_VOICE), 0);
      for (const method of ['rfc4733', 'sip-info', 'sip-info-dtmf', 'in-band'] as const) {
        const from = performance.now();
        await calling.press('10*#', { method, onMs: 60, offMs: 40 });
        await called.waitUntil(() => keys(called, from) === '10*#', `four keys by ${method}`);
        const heardBy = new Set(called.heardDigits(from).map((digit) => digit.method));
        assert.deepEqual([...heardBy], [method === 'sip-info-dtmf' ? 'sip-info' : method]);
      }
      await calling.hangUp();
      assert.equal((await called.ended).by, 'them');
      assert.deepEqual(await calling.ended, { by: 'us', reason: 'normal' });
      await calling.hangUp();
    }));

  test('hold stops the audio one way and unhold brings it back', () =>
    phones(async (a, b) => {
      const [calling, called] = await connect(a, b);
      called.tone(VOICE);
      await calling.waitForAudio({ hz: VOICE });
      for (const form of [{ direction: 'sendonly' }, { direction: 'inactive' }, { nowhere: true }] as const) {
        await calling.reinvite(form);
        assert.equal(called.agreed.sending, false);
        await calling.waitForSilence();
        await calling.unhold();
        await calling.waitForAudio({ hz: VOICE });
      }
    }));

  test('a re-INVITE changes codec, keys and address; a refused one changes nothing', () =>
    phones(async (a, b) => {
      const [calling, called] = await connect(a, b);
      assert.deepEqual({ ...calling.agreed }, { codec: 'PCMU', eventPayloadType: 101, sending: true });
      await calling.reinvite({ codec: 'PCMA', telephoneEvent: false });
      assert.deepEqual({ ...calling.agreed }, { codec: 'PCMA', eventPayloadType: null, sending: true });
      assert.deepEqual({ ...called.agreed }, { ...calling.agreed });
      await assert.rejects(calling.press('1'), /not agreed/);

      const before = calling.audioPort;
      await calling.reinvite({ address: '127.0.0.1' });
      assert.notEqual(calling.audioPort, before);
      const from = performance.now();
      calling.tone(VOICE);
      await called.waitForAudio({ hz: VOICE });
      assert.ok(called.heard.facts(from).sources.includes(`127.0.0.1:${calling.audioPort}`));
      assert.ok(called.heard.facts(from).payloadTypes.includes(8));

      called.refuseReinvites = 488;
      await assert.rejects(calling.reinvite({ codec: 'PCMU' }), (error: Refused) => error.status === 488);
      assert.equal(calling.agreed.codec, 'PCMA');
      called.refuseReinvites = null;
      await assert.rejects(calling.refer(a.uri), (error: Refused) => error.status === 603);
      await calling.reinvite({ telephoneEvent: true });
      assert.equal(calling.agreed.eventPayloadType, 101);
    }));

  test('an INVITE without SDP is answered in the ACK', () =>
    phones(async (a, b) => {
      const [calling, called] = await connect(a, b, { lateOffer: true });
      calling.tone(VOICE);
      called.tone(OTHER_VOICE);
      await Promise.all([called.waitForAudio({ hz: VOICE }), calling.waitForAudio({ hz: OTHER_VOICE })]);
    }));

  test('loss is measured, and what was heard is saved as WAV', () =>
    phones(async (a, b) => {
      const [calling, called] = await connect(a, b);
      calling.tone(VOICE);
      calling.network = pattern('...x');
      await called.waitForAudio({ minMs: 600 });
      const facts = called.heard.facts();
      assert.ok(Math.abs(facts.lost - facts.packets / 3) <= 2, JSON.stringify(facts));
      const folder = await mkdtemp(join(tmpdir(), 'tacet-kit-'));
      try {
        await called.saveHeard(join(folder, 'heard.wav'));
        const pcm = readWav(await readFile(join(folder, 'heard.wav')), 'heard.wav');
        assert.ok(pcm.length >= 600 * 8 && pcm.some((sample) => sample > 5000));
      } finally {
        await rm(folder, { recursive: true });
      }
    }));
});

/** Answers REGISTER as a registrar with one user does (RFC 2617 without qop); returns what was registered. */
function registrar(sip: PhoneSip, user: string, password: string): string[] {
  const contacts: string[] = [];
  const md5 = (text: string) => createHash('md5').update(text).digest('hex');
  sip.onRegister((request, reply) => {
    const given = request.has('Authorization') ? request.get('Authorization') : '';
    if (!given) {
      reply.send(401, { headers: { 'WWW-Authenticate': 'Digest realm="kit", nonce="abc", algorithm=MD5' } });
      return;
    }
    const uri = /[ ,]uri="([^"]*)"/.exec(given)?.[1] ?? '';
    const expected = md5(`${md5(`${user}:kit:${password}`)}:abc:${md5(`REGISTER:${uri}`)}`);
    const right = given.includes(`username="${user}"`) && given.includes(`response="${expected}"`);
    if (right) contacts.push(`${request.get('Contact')} ${request.get('Expires')}`);
    reply.send(right ? 200 : 403);
  });
  return contacts;
}

test('kit: a phone registers with its password, and not with another', async () => {
  const [sip, phone] = await Promise.all([PhoneSip.open('127.0.0.1'), Phone.start({ user: 'ann' })]);
  try {
    const contacts = registrar(sip, 'ann', 'secret');
    const uri = sip.uri('').replace('@', '');
    await phone.register({ uri, password: 'secret', expires: 60 });
    assert.deepEqual(contacts, [`<${phone.uri}> 60`]);
    const wrong = phone.register({ uri, password: 'guess' });
    await assert.rejects(wrong, (error: Refused) => error.status === 403);
  } finally {
    await Promise.all([sip.close(), phone.close()]);
  }
});

describe('kit: calls that do not come about', () => {
  test('nobody there, busy, no codec in common', () =>
    phones(
      async (a, b) => {
        await assert.rejects(a.call(b.uri), (error: Refused) => error.status === 480);
        b.onCall((call) => call.reject(486));
        await assert.rejects(a.call(b.uri), (error: Refused) => error.status === 486);
        b.onCall((call) => assert.rejects(call.answer(), /no common codec/));
        const other = await Phone.start({ codecs: ['PCMU'] });
        try {
          await assert.rejects(other.call(b.uri), (error: Refused) => error.status === 488);
        } finally {
          await other.close();
        }
      },
      { codecs: ['PCMA'] },
    ));

  test('the caller gives up, by himself and by his deadline', () =>
    phones(async (a, b) => {
      const giveUp = new AbortController();
      const progress: number[] = [];
      const given = a.call(b.uri, { signal: giveUp.signal, onProgress: (status) => progress.push(status) });
      const first = await b.nextCall();
      first.ring();
      giveUp.abort();
      await assert.rejects(given, (error: Refused) => error.status === 487);
      await first.cancelled;

      const late = a.call(b.uri, { deadlineMs: 50 });
      const second = await b.nextCall();
      await assert.rejects(late, DeadlineError);
      await second.cancelled;
      await assert.rejects(second.answer());
    }));

  test('nobody answers at all, not even the CANCEL; or the phone closes meanwhile', async () => {
    const deaf = createSocket('udp4');
    deaf.bind(0, '127.0.0.1');
    await once(deaf, 'listening');
    const phone = await Phone.start();
    try {
      const uri = `sip:deaf@127.0.0.1:${deaf.address().port}`;
      await within(assert.rejects(phone.call(uri, { deadlineMs: 50 }), DeadlineError), 5000, 'the refusal');
      const asked = once(deaf, 'message');
      const calling = assert.rejects(phone.call(uri), /the phone has closed/);
      await asked;
      await Promise.all([phone.close(), calling]);
    } finally {
      await phone.close();
      deaf.close();
    }
  });

  test('a phone that vanishes says nothing; one that closes hangs up', () =>
    phones(async (a, b) => {
      const [, called] = await connect(a, b);
      await a.close({ silently: true });
      await called.waitForSilence();
      await called.vanish();
      const third = await Phone.start({ user: 'c' });
      const [, again] = await connect(third, b);
      await third.close();
      assert.equal((await again.ended).by, 'them');
    }));
});

test('kit: closed phones leave no socket and no timer', async () => {
  const open = () => process.getActiveResourcesInfo().filter((name) => /UDP|TCP|Timeout/.test(name)).length;
  const before = open();
  await phones(async (a, b) => {
    const [calling] = await connect(a, b);
    await calling.press('1');
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(open() <= before, process.getActiveResourcesInfo().join(' '));
});
