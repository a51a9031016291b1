import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { EngineStats } from '../../media/embedded/messages.js';
import { Refused } from '../kit/phone-sip.js';
import { findLeaks } from './leaks.js';
import { AGENT_HZ, CALLER_HZ, Scene } from './scene.js';

const CANARY = { card: '378282246310005', securityCode: '9731' };
const FINGERPRINT = `a=fingerprint:sha-256 ${'AB:'.repeat(31)}AB`;

describe('a caller with SRTP and an agent without', () => {
  let scene: Scene;
  before(async () => {
    scene = await Scene.start({ caller: { srtp: true }, config: { log: { level: 'debug' } } });
  });
  afterEach(() => scene.hangUp());
  after(() => scene.close());

  const dropped = async () => ((await scene.tacet.app.media.stats()) as EngineStats).dropped;
  const keyForms = (key: Uint8Array) => [
    Buffer.from(key).toString('base64'),
    Buffer.from(key).toString('hex'),
    Array.from(key).join(','),
  ];

  it('pays, renews its key in the middle, and no digit and no key is found anywhere', async () => {
    const talk = await scene.talk();
    const { caller, agent } = talk;
    const keys = [caller.srtpKey];
    const sessionId = await scene.secure(talk);
    const agentDeaf = await scene.deafFrom(talk, 'agent');
    const { card, securityCode } = CANARY;
    await scene.key(sessionId, caller, 'cardNumber', `${card}#`);
    await scene.asked(sessionId, 'expiry');
    await caller.reinvite({ newKey: true });
    keys.push(caller.srtpKey);
    await scene.key(sessionId, caller, 'expiry');
    await scene.key(sessionId, caller, 'securityCode', securityCode);
    await scene.key(sessionId, caller, 'postalCode');
    await scene.state(sessionId, 'unshielding');
    const deafUntil = performance.now();
    const data = await scene.tacet.event('agent.data', (event) => event.sessionId === sessionId, 30_000);
    await scene.state(sessionId, 'ended');

    assert.equal(data.data.status, 'approved');
    assert.equal(data.data.last4, card.slice(-4));
    assert.deepEqual(agent.heardDigits(), []);
    assert.equal(agent.heardTone(CALLER_HZ, agentDeaf, deafUntil), 0);
    await agent.waitForAudio({ hz: CALLER_HZ });
    await caller.waitForAudio({ hz: AGENT_HZ });
    assert.deepEqual(await findLeaks(scene, talk, CANARY), []);
    const written = scene.tacet.logLines.join('\n') + JSON.stringify(scene.tacet.events);
    assert.notEqual(written, '');
    for (const form of keys.flatMap(keyForms)) assert.ok(!written.includes(form), 'an SRTP key was written');
    await scene.leaveNothing(caller, agent);
  });

  // Counted by the engine in this process only.
  const embedded = { skip: process.env.TACET_TEST_MEDIA === 'freeswitch' };
  it(
    'is not heard through altered, replayed or plain packets, and no key of them counts',
    embedded,
    async () => {
      const caller = await scene.dial('pay');
      const started = scene.tacet.events.findLast(({ type }) => type === 'conversation.started');
      const { customer } = scene.tacet.app.calls.legs(started?.conversationId ?? '');
      const pressed: string[] = [];
      customer.onDigit(({ code }) => pressed.push(String.fromCharCode(code)));
      const before = await dropped();

      const recorded: Buffer[] = [];
      caller.wire = (datagram) => {
        recorded.push(datagram);
        return [datagram];
      };
      await caller.press('5');
      await caller.waitUntil(() => pressed.length === 1, 'the key');

      // Every packet of the key again, after others; then a key in packets with one bit turned.
      let replayed = 0;
      caller.wire = (datagram) => {
        const old = recorded.shift();
        if (old) replayed += 1;
        return old ? [datagram, old] : [datagram];
      };
      await caller.waitUntil(() => recorded.length === 0, 'the replay');
      caller.wire = (datagram) => {
        const altered = Buffer.from(datagram);
        altered.writeUInt8(altered.readUInt8(12) ^ 1, 12);
        return [altered];
      };
      await caller.press('7');
      caller.wire = (datagram) => [datagram];
      await caller.press('9');
      await caller.waitUntil(() => pressed.length > 1, 'the last key');
      assert.deepEqual(pressed, ['5', '9']);
      const { unauthenticated } = await dropped();
      assert.ok(
        unauthenticated - before.unauthenticated >= replayed + 5,
        'they were counted as what they are',
      );
      await scene.leaveNothing(caller);
    },
  );

  it('is not downgraded to plain RTP by a re-INVITE, and goes on as before', async () => {
    const talk = await scene.talk();
    const refused = (error: unknown) => error instanceof Refused && error.status === 488;
    await assert.rejects(talk.caller.reinvite({ srtp: false }), refused);
    await talk.caller.waitForAudio({ hz: AGENT_HZ });
    await talk.agent.waitForAudio({ hz: CALLER_HZ });
    await talk.caller.hold();
    await talk.caller.unhold();
    await talk.caller.waitForAudio({ hz: AGENT_HZ });
    await talk.agent.waitForAudio({ hz: CALLER_HZ });
    await scene.leaveNothing(talk.caller, talk.agent);
  });

  for (const [what, profile, line, reason] of [
    ['DTLS-SRTP', 'UDP/TLS/RTP/SAVPF', FINGERPRINT, /DTLS-SRTP/],
    [
      'an MKI',
      'RTP/SAVP',
      `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${'A'.repeat(40)}|2^31|1:1`,
      /a=crypto/,
    ],
    [
      'no encryption',
      'RTP/SAVP',
      `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${'A'.repeat(40)} UNENCRYPTED_SRTP`,
      /a=crypto/,
    ],
  ] as const) {
    it(`is refused with 488 when it offers ${what}`, async () => {
      const offer = (sdp: string) => sdp.replace('RTP/SAVP', profile).replace(/a=crypto:.*/, line);
      const called = scene.callerPhone.call(scene.tacet.uri('pay'), { offer });
      await assert.rejects(called, (error) => {
        assert.ok(error instanceof Refused);
        assert.equal(error.status, 488);
        assert.match(error.message, reason);
        return true;
      });
      await scene.leaveNothing();
    });
  }
});
