import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { FreeswitchEndpoint } from '../../media/freeswitch/freeswitch-endpoint.js';
import { MediaError } from '../../media/media-server.js';
import { within } from '../kit/deadline.js';
import { freeswitchInstalled } from '../kit/freeswitch.js';
import { AUDIBLE } from '../kit/heard.js';
import { type Leg, MediaScene } from './media-scene.js';
import { emptied } from './whole-stack.js';

const skip = freeswitchInstalled() ? false : 'freeswitch is not on the PATH';
const A_HZ = 1850;
const B_HZ = 550;
const TIMING = { onMs: 100, offMs: 100, endCopies: 3 };
const SPOKEN = [{ text: 'One two three four five six seven eight nine ten.' }];

const hears = (leg: Leg, hz: number) => leg.phone.waits.audio(100, 3000, AUDIBLE, hz);
const heard = (leg: Leg) => leg.phone.waits.audio(60, 3000, AUDIBLE);
const text = (leg: Leg) => leg.keys.map(({ code }) => String.fromCharCode(code)).join('');
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const code = (expected: string) => (error: unknown) => error instanceof MediaError && error.code === expected;

async function press(leg: Leg, keys: string, method: 'rfc4733' | 'in-band' = 'rfc4733'): Promise<void> {
  for (const key of keys) await leg.phone.press(key, method, TIMING);
}

describe('FreeSWITCH as the media engine', { skip, timeout: 180_000 }, () => {
  let scene: MediaScene;
  before(async () => {
    scene = await MediaScene.start();
  });
  afterEach(async () => {
    await scene.clear();
    for (const freeswitch of scene.freeswitches) await emptied(freeswitch);
    const stats = await scene.media.stats();
    assert.deepEqual(
      { dialogs: scene.signalling.dialogs, ...stats },
      { ...stats, dialogs: 0, endpoints: 0, bridges: 0, portsInUse: 0 },
    );
  });
  after(() => scene.close());

  const sipInfo = (leg: Leg, key: string) =>
    leg.endpoint.sipInfo('application/dtmf-relay', `Signal=${key}\r\nDuration=100\r\n`);

  it('plays prompts one after the other, and says which ended how', async () => {
    const a = await scene.called({ hz: A_HZ });
    assert.equal(await a.endpoint.play([{ text: 'Yes.' }, { text: 'No.' }]), 'finished');
    const first = a.endpoint.play(SPOKEN);
    await heard(a);
    assert.equal((await a.endpoint.state()).playing, true);
    const second = a.endpoint.play([{ text: 'Stop.' }]);
    assert.equal(await first, 'interrupted');
    assert.equal(await second, 'finished');
    const third = a.endpoint.play(SPOKEN);
    await heard(a);
    await a.endpoint.stopPlaying();
    assert.equal(await third, 'interrupted');
    assert.equal((await a.endpoint.state()).playing, false);
    await a.phone.waits.silence(200, 3000, AUDIBLE);
    const last = a.endpoint.play(SPOKEN);
    await heard(a);
    await a.endpoint.close();
    assert.equal(await last, 'closed');
    await assert.rejects(a.endpoint.play(SPOKEN), code('closed'));
  });

  it('plays a prompt to its end that takes the place of one about to end by itself', async () => {
    const a = await scene.called({ hz: A_HZ });
    const begun = performance.now();
    await a.endpoint.play([{ text: 'Yes.' }]);
    const wholeMs = performance.now() - begun;
    const times: number[] = [];
    for (let early = 0; early < 80; early += 4) {
      const first = a.endpoint.play([{ text: 'Yes.' }]);
      await pause(wholeMs - early);
      const from = performance.now();
      assert.equal(await a.endpoint.play([{ text: 'Yes.' }]), 'finished');
      times.push(performance.now() - from);
      assert.match(await first, /finished|interrupted/);
    }
    assert.ok(Math.min(...times) > wholeMs - 80, `${times.map(Math.round)} of ${Math.round(wholeMs)}`);
  });

  it('lets a key end a prompt only where that was asked for', async () => {
    const a = await scene.called({ hz: A_HZ });
    const barged = a.endpoint.play(SPOKEN, { bargeIn: true });
    await heard(a);
    await press(a, '*');
    assert.equal(await barged, 'interrupted');
    const whole = a.endpoint.play([{ text: 'One two three four.' }]);
    await heard(a);
    await press(a, '*');
    assert.equal(await whole, 'finished');
    assert.equal(text(a), '**');
  });

  it('plays a loop wherever no prompt and no bridge is', async () => {
    const [a, b] = [await scene.called({ hz: A_HZ }), await scene.called({ hz: B_HZ })];
    const loop = async () => (await a.endpoint.state()).loop;
    await a.endpoint.setLoop('hold-music');
    assert.equal(await loop(), 'hold-music');
    await heard(a);
    const prompt = a.endpoint.play([{ text: 'Yes.' }]);
    await prompt;
    await a.endpoint.setLoop('comfort-tone');
    assert.equal(await loop(), 'comfort-tone');
    await scene.media.bridge(a.endpoint, b.endpoint);
    assert.equal(await loop(), null);
    await scene.media.unbridge(b.endpoint);
    assert.equal(await loop(), 'comfort-tone');
    await a.endpoint.setLoop(null);
    assert.equal(await loop(), null);
    await a.phone.waits.silence(300, 3000, AUDIBLE);
  });

  it('joins two and parts them, as FreeSWITCH itself says', async () => {
    const a = await scene.called({ hz: A_HZ });
    const b = await scene.calling({ hz: B_HZ, beside: a.endpoint });
    for (let round = 0; round < 3; round += 1) {
      await scene.media.bridge(a.endpoint, b.endpoint);
      assert.equal((await a.endpoint.state()).peer, b.endpoint.id);
      assert.equal((await b.endpoint.state()).peer, a.endpoint.id);
      await Promise.all([hears(a, B_HZ), hears(b, A_HZ)]);
      assert.equal((await scene.media.stats()).bridges, 1);
      await scene.media.unbridge(a.endpoint);
      // What FreeSWITCH had sent by then is on its way for a packet's time.
      const parted = performance.now() + 20;
      await b.phone.waits.pause(300);
      assert.equal(b.phone.heard.toneMs(A_HZ, parted), 0);
      assert.equal(a.phone.heard.toneMs(B_HZ, parted), 0);
      assert.equal((await a.endpoint.state()).peer, null);
      assert.equal((await b.endpoint.state()).peer, null);
    }
    await scene.media.unbridge(a.endpoint);
  });

  it('lets a party go on alone when the other hangs up', async () => {
    const [a, b] = [await scene.called({ hz: A_HZ }), await scene.called({ hz: B_HZ })];
    await a.endpoint.setLoop('hold-music');
    await scene.media.bridge(a.endpoint, b.endpoint);
    await b.endpoint.close();
    await within(heard(a), 3000, 'the loop');
    assert.deepEqual(scene.lost, []);
    assert.equal((await a.endpoint.state()).peer, null);
    assert.equal(await a.endpoint.play([{ text: 'Yes.' }]), 'finished');
  });

  it('tells keys by telephone-event and SIP INFO once each', async () => {
    const a = await scene.called({ hz: A_HZ });
    assert.deepEqual((await a.endpoint.state()).dtmf, ['rfc4733', 'sip-info']);
    await press(a, '12');
    assert.equal(sipInfo(a, '3'), true);
    await press(a, '4');
    assert.equal(sipInfo(a, '4'), true);
    assert.equal(a.endpoint.sipInfo('text/plain', '5'), false);
    await a.phone.waits.pause(400);
    await press(a, '4*#D');
    await a.phone.waits.pause(100);
    assert.equal(text(a), '12344*#D');
    assert.deepEqual(a.keys[0], { code: 49, method: 'rfc4733', durationMs: 100 });
    assert.equal(a.keys[2]?.method, 'sip-info');
  });

  it('finds keys in the audio where no telephone-event was agreed, and nowhere else', async () => {
    const a = await scene.called({ hz: A_HZ, telephoneEvent: false });
    const b = await scene.called({ hz: A_HZ });
    assert.deepEqual((await a.endpoint.state()).dtmf, ['in-band', 'sip-info']);
    await Promise.all([press(a, '0123456789*#', 'in-band'), press(b, '12', 'in-band')]);
    await a.phone.waits.pause(200);
    assert.equal(text(a), '0123456789*#');
    assert.ok(a.keys.every(({ method }) => method === 'in-band'));
    assert.equal(text(b), '');
  });

  it('keeps the keys of a party that relays none from its peer, whoever that is', async () => {
    const a = await scene.called({ hz: A_HZ, relaysKeys: false });
    const [b, c] = [await scene.called({ hz: B_HZ }), await scene.called({ hz: B_HZ })];
    await scene.media.bridge(a.endpoint, b.endpoint);
    await hears(b, A_HZ);
    await press(a, '1');
    await press(b, '2');
    await a.phone.waits.until(() => a.phone.heard.digits().length > 0, 3000, 'the key of the other');
    assert.deepEqual([text(a), text(b)], ['1', '2']);
    assert.deepEqual(
      a.phone.heard.digits().map(({ key }) => key),
      ['2'],
    );
    assert.deepEqual(b.phone.heard.digits(), []);
    await scene.media.unbridge(a.endpoint);
    await scene.media.bridge(b.endpoint, c.endpoint);
    await hears(b, B_HZ);
    await press(c, '3');
    await b.phone.waits.until(() => b.phone.heard.digits().length > 0, 3000, 'a key that is relayed');
  });

  it('presses keys towards the far end', async () => {
    const a = await scene.called({ hz: A_HZ });
    await a.endpoint.sendDigits([49, 50, 35], { durationMs: 100, gapMs: 100 });
    assert.equal(
      a.phone.heard
        .digits()
        .map(({ key }) => key)
        .join(''),
      '12#',
    );
    await assert.rejects(a.endpoint.sendDigits([10, 32]));
  });

  it('sends nothing while it holds, whichever side asked', async () => {
    const [a, b] = [await scene.called({ hz: A_HZ }), await scene.called({ hz: B_HZ })];
    await scene.media.bridge(a.endpoint, b.endpoint);
    await hears(a, B_HZ);
    await a.endpoint.hold();
    assert.equal((await a.endpoint.state()).held, true);
    const from = performance.now() + 20;
    await a.phone.waits.pause(300);
    assert.equal(a.phone.heard.facts(from).packets, 0);
    await a.endpoint.resume();
    assert.equal((await a.endpoint.state()).held, false);
    await Promise.all([hears(a, B_HZ), hears(b, A_HZ)]);
    assert.match(await a.endpoint.answer(a.sdp('sendonly')), /a=recvonly/);
    assert.equal((await a.endpoint.state()).held, true);
    assert.match(await a.endpoint.answer(a.sdp()), /a=sendrecv/);
    assert.equal((await a.endpoint.state()).held, false);
    await hears(a, B_HZ);
    assert.ok((await a.endpoint.state()).lastPacketAgeMs < 100);
  });

  it('takes its far end back after another endpoint served it', async () => {
    const a = await scene.called({ hz: A_HZ });
    await a.endpoint.hold();
    const offer = await a.endpoint.offer(a.sdp());
    assert.match(offer, /a=sendrecv/);
    await a.endpoint.acceptAnswer(a.sdp());
    a.follow(offer);
    assert.equal((await a.endpoint.state()).held, false);
    const prompt = a.endpoint.play([{ text: 'Yes.' }]);
    await heard(a);
    assert.equal(await prompt, 'finished');
  });

  it('shows FreeSWITCH nothing of a far end that cannot be served, and goes on as before', async () => {
    const a = await scene.called({ hz: A_HZ });
    const b = await scene.called({ hz: B_HZ });
    await scene.media.bridge(a.endpoint, b.endpoint);
    const video = a.sdp().replace('m=audio', 'm=video');
    const dtls = a.sdp().replace('RTP/AVP', 'UDP/TLS/RTP/SAVPF');
    await assert.rejects(a.endpoint.answer(video), code('no-common-codec'));
    await assert.rejects(a.endpoint.answer(dtls), code('unsupported-srtp'));
    await assert.rejects(a.endpoint.answer('v=0\r\nx'), code('bad-sdp'));
    await hears(a, B_HZ);
  });

  it('loses an endpoint whose channel was killed, and no other', async () => {
    const [a, b] = [await scene.called({ hz: A_HZ }), await scene.called({ hz: B_HZ })];
    const playing = a.endpoint.play(SPOKEN);
    await heard(a);
    // Not by `show channels`: FreeSWITCH fills that table later, and it still held a channel of the test before.
    const victim = (a.endpoint as FreeswitchEndpoint).channel?.uuid;
    assert.match((await scene.freeswitches[0]?.api(`uuid_kill ${victim}`)) ?? '', /^\+OK/);
    assert.equal(await within(playing, 2000, 'the end of the prompt'), 'closed');
    assert.deepEqual(scene.lost, [a.endpoint.id]);
    await assert.rejects(a.endpoint.state(), code('engine-lost'));
    assert.equal((await b.endpoint.state()).peer, null);
  });

  it('says why no secure digit may come near, each time it is asked', async () => {
    const a = await scene.called({ hz: A_HZ });
    const freeswitch = scene.freeswitches[0];
    assert.equal(await scene.media.secureFault(a.endpoint), null);
    await freeswitch?.api('fsctl loglevel debug');
    assert.match((await scene.media.secureFault(a.endpoint)) ?? '', /logs at debug: fsctl loglevel err/);
    assert.match(scene.media.detail, /1 of 1 FreeSWITCH servers connected; .*debug/);
    await freeswitch?.api('fsctl loglevel err');
    assert.equal(await scene.media.secureFault(a.endpoint), null);
    assert.equal(scene.media.detail, '1 of 1 FreeSWITCH servers connected');
  });

  it('names the file that a FreeSWITCH does not see', async () => {
    await scene.media.prepare([{ text: 'Yes.' }]);
    await assert.rejects(scene.media.prepare([{ file: '/nowhere/x.wav' }]), code('bad-audio'));
  });
});

describe('two FreeSWITCH servers', { skip, timeout: 120_000 }, () => {
  let scene: MediaScene;
  before(async () => {
    scene = await MediaScene.start(2);
  });
  after(() => scene.close());

  const channels = () => Promise.all(scene.freeswitches.map((freeswitch) => freeswitch.channels()));
  const ready = async (wanted: boolean) => {
    const until = performance.now() + 20_000;
    while (!scene.media.detail.startsWith(wanted ? '2 of 2' : '1 of 2')) {
      assert.ok(performance.now() < until, scene.media.detail);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  it('share the calls; who belongs together is on one; and one that dies takes its own calls only', async () => {
    const first = await scene.called({ hz: A_HZ });
    const second = await scene.called({ hz: A_HZ });
    assert.deepEqual(await channels(), [1, 1]);
    const beside = await scene.called({ hz: B_HZ, beside: second.endpoint });
    await scene.media.bridge(second.endpoint, beside.endpoint);
    await hears(second, B_HZ);
    await assert.rejects(scene.media.bridge(first.endpoint, beside.endpoint), code('closed'));

    const dying = (await channels()).indexOf(2);
    await scene.freeswitches[dying]?.kill();
    await ready(false);
    assert.deepEqual(new Set(scene.lost), new Set([second.endpoint.id, beside.endpoint.id]));
    assert.equal((await first.endpoint.state()).peer, null);
    assert.equal(await first.endpoint.play([{ text: 'Yes.' }]), 'finished');
    const third = await scene.called({ hz: A_HZ });
    assert.equal(await third.endpoint.play([{ text: 'Yes.' }]), 'finished');

    await scene.freeswitches[dying]?.start();
    await ready(true);
    const fourth = await scene.called({ hz: A_HZ });
    assert.equal((await channels())[dying], 1);
    assert.equal(await fourth.endpoint.play([{ text: 'Yes.' }]), 'finished');
    await scene.clear();
    for (const freeswitch of scene.freeswitches) await emptied(freeswitch);
  });

  it('that stand still are given up within two questions', async () => {
    const leg = await scene.called({ hz: A_HZ });
    const at = (await channels()).indexOf(1);
    const from = performance.now();
    scene.freeswitches[at]?.freeze();
    await ready(false);
    const took = performance.now() - from;
    scene.freeswitches[at]?.resume();
    assert.deepEqual(scene.lost, [leg.endpoint.id]);
    assert.ok(took < 3000, `${took} ms`);
    await scene.clear();
    await ready(true);
  });
});
