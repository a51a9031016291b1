import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';
import type { EmbeddedMediaServer } from '../../media/embedded/embedded-media-server.js';
import { within } from '../kit/deadline.js';
import type { PhoneCall } from '../kit/phone-call.js';
import { RtpSender } from '../kit/rtp-sender.js';
import { tones } from '../kit/sounds.js';
import { RawCaller } from './raw-caller.js';
import { AGENT_HZ, type Asking, CALLER_HZ, Scene, type SceneOptions } from './scene.js';

/** What a stranger says: no prompt, tone or other party has it. */
const STRANGER_HZ = 2600;

/** Eight digits, in the open so that one more, one less or a foreign one would show. */
const EIGHT = `
name: eight
type: secure
variables: { keys: { type: string } }
tasks:
  main:
    - { do: collectInput, field: digits, length: 8, into: flow.keys, firstDigitTimeout: 60s, interDigitTimeout: 30s, prompt: Eight digits. }
    - { do: returnToAgent, data: { keys: flow.keys } }
`;

const EIGHT_ALONE = `
name: eight-alone
type: inbound
tasks:
  main: [{ do: transferToSecureFlow, flow: eight }]
`;

const FLOWS = { eight: EIGHT, 'eight-alone': EIGHT_ALONE };
const ROUTES = [
  { user: 'support', flow: 'reception' },
  { user: 'alone', flow: 'eight-alone' },
];

const startScene = (options: SceneOptions = {}) =>
  Scene.start({ ...options, flows: FLOWS, config: { routes: ROUTES, ...options.config } });

/** Starts a session that asks for eight digits. */
async function eight(scene: Scene, talk: Asking): Promise<string> {
  const sessionId = await scene.secure(talk, { flow: 'eight' });
  await scene.asked(sessionId, 'digits');
  return sessionId;
}

/** A raw caller alone with the flow, asked for eight digits and some way into the prompt. */
async function alone(scene: Scene): Promise<{ caller: RawCaller; sessionId: string }> {
  const since = scene.tacet.events.length;
  const caller = await RawCaller.call(scene.tacet.listening.sipPort, 'alone');
  const asked = () => scene.tacet.events.slice(since).find(({ type }) => type === 'secure.progress');
  await scene.tacet.until(() => asked() !== undefined, 'a session');
  const event = asked();
  await caller.listen(25);
  return { caller, sessionId: event?.type === 'secure.progress' ? event.sessionId : '' };
}

/** Waits until Tacet has said BYE, and checks that nothing is left. */
async function leaveNothing(scene: Scene, caller: RawCaller): Promise<void> {
  await within(caller.ended, 10_000, 'a BYE');
  await caller.vanish();
  await scene.leaveNothing();
}

async function keysTaken(scene: Scene, sessionId: string): Promise<unknown> {
  const { data } = await scene.tacet.event('agent.data', (event) => event.sessionId === sessionId);
  return data.keys;
}

const conversationEnd = async ({ tacet }: Scene, id: string) =>
  (await tacet.event('conversation.ended', ({ conversationId }) => conversationId === id)).end;

const dropped = async (scene: Scene) =>
  (await (scene.tacet.app.media as EmbeddedMediaServer).stats()).dropped;

/** Where Tacet receives what this phone says. */
function farPort(call: PhoneCall): number {
  return Number(call.heard.packets.at(-1)?.source.split(':')[1]);
}

async function udp(address: string): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, address);
  await once(socket, 'listening');
  // One that a failed test forgot must not keep the process.
  return socket.unref();
}

/** Sends the datagrams, and resolves when each has left. */
async function sendAll(socket: Socket, port: number, datagrams: readonly Uint8Array[]): Promise<void> {
  for (const bytes of datagrams) {
    await new Promise<void>((resolve) => socket.send(bytes, port, '127.0.0.1', () => resolve()));
  }
}

/** Keys and a tone as a stranger who knows the payload types would send them. */
function foreignRtp(): Uint8Array[] {
  const sender = new RtpSender();
  sender.format = { codec: 'PCMU', eventPayloadType: 101 };
  sender.sound = tones([STRANGER_HZ], -10);
  for (const key of '99') sender.press(key, 'rfc4733', { onMs: 60, offMs: 40, endCopies: 3 }, () => {});
  for (const key of '99') sender.press(key, 'in-band', { onMs: 60, offMs: 40, endCopies: 3 }, () => {});
  return Array.from({ length: 50 }, () => sender.tick()).flatMap((packets) =>
    packets.map(({ bytes }) => bytes),
  );
}

/** Bytes that are no RTP, or not quite. The same ones in every run. */
function garbage(count: number): Uint8Array[] {
  let state = 4711;
  const next = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 16;
  };
  return Array.from({ length: count }, (_, index) => {
    const bytes = Uint8Array.from({ length: 1 + (next() % 400) }, next);
    // Every other one passes for RTP at first sight.
    if (index % 2 === 0) bytes[0] = 0x80 | (next() & 0x3f);
    return bytes;
  });
}

describe('RTP from strangers', () => {
  let scene: Scene;
  before(async () => {
    scene = await startScene();
  });
  afterEach(() => scene.hangUp());
  after(() => scene.close());

  for (const address of ['127.0.0.1', '127.0.0.2']) {
    it(`is taken neither as keys nor as audio, from a port of ${address}`, async () => {
      const talk = await scene.talk();
      const stranger = await udp(address);
      const ports = [farPort(talk.caller), farPort(talk.agent)];
      const from = performance.now();
      const before = await dropped(scene);
      for (const port of ports) await sendAll(stranger, port, foreignRtp());
      const sessionId = await eight(scene, talk);
      await talk.caller.press('1234', { onMs: 60, offMs: 40 });
      for (const port of ports) await sendAll(stranger, port, foreignRtp());
      await talk.caller.press('5678', { onMs: 60, offMs: 40 });
      assert.equal(await keysTaken(scene, sessionId), '12345678');
      await scene.state(sessionId, 'ended');
      stranger.close();
      assert.equal(talk.agent.heardTone(STRANGER_HZ, from), 0);
      assert.equal(talk.caller.heardTone(STRANGER_HZ, from), 0);
      assert.deepEqual(talk.agent.heardDigits(), []);
      const { foreign } = await dropped(scene);
      assert.equal(foreign - before.foreign, 4 * foreignRtp().length, 'every packet had reached the port');
      await scene.leaveNothing(talk.caller, talk.agent);
    });
  }

  it('is refused at the old address once the phone has moved, and taken at the new one', async () => {
    const talk = await scene.talk();
    const sessionId = await eight(scene, talk);
    await talk.caller.press('1234', { onMs: 60, offMs: 40 });
    await talk.caller.reinvite({ address: '127.0.0.3' });
    const stranger = await udp('127.0.0.1');
    await sendAll(stranger, farPort(talk.caller), foreignRtp());
    await talk.caller.press('5678', { onMs: 60, offMs: 40 });
    assert.equal(await keysTaken(scene, sessionId), '12345678');
    await scene.state(sessionId, 'ended');
    await talk.agent.waitForAudio({ hz: CALLER_HZ });
    await talk.caller.waitForAudio({ hz: AGENT_HZ });
    stranger.close();
    assert.equal(talk.agent.heardTone(STRANGER_HZ), 0);
    await scene.leaveNothing(talk.caller, talk.agent);
  });
});

describe('garbage', () => {
  let scene: Scene;
  before(async () => {
    scene = await startScene();
  });
  afterEach(() => scene.hangUp());
  after(() => scene.close());

  it('on the RTP port, from the right address, disturbs nothing', async () => {
    const { caller, sessionId } = await alone(scene);
    const before = await dropped(scene);
    for (const bytes of garbage(300)) caller.sendRtp(bytes);
    await caller.listen(25);
    await caller.press('12345678');
    assert.equal(await keysTaken(scene, sessionId), '12345678');
    assert.ok((await dropped(scene)).malformed > before.malformed);
    await leaveNothing(scene, caller);
  });

  it('on the SIP ports, UDP and TCP, disturbs no call', async () => {
    const talk = await scene.talk();
    const sessionId = await eight(scene, talk);
    await talk.caller.press('1234', { onMs: 60, offMs: 40 });
    const { sipPort } = scene.tacet.listening;
    const stranger = await udp('127.0.0.1');
    await sendAll(stranger, sipPort, sipGarbage());
    stranger.close();
    await Promise.all(sipGarbage().map((bytes) => sayAndLeave(sipPort, bytes)));
    await talk.caller.press('5678', { onMs: 60, offMs: 40 });
    assert.equal(await keysTaken(scene, sessionId), '12345678');
    await scene.state(sessionId, 'ended');
    await talk.agent.waitForAudio({ hz: CALLER_HZ });
    await scene.leaveNothing(talk.caller, talk.agent);
    const again = await scene.talk();
    await scene.leaveNothing(again.caller, again.agent);
  });

  it('in INFO is answered 415, and takes no key', async () => {
    const { caller, sessionId } = await alone(scene);
    for (const [type, body] of INFO_GARBAGE) {
      const { status } = await caller.request('INFO', type, body);
      // drachtio-server refuses a NUL before anybody sees it.
      const refusals = body.includes('\0') ? [400, 415] : [415];
      assert.ok(refusals.includes(status), `${status} to ${type}: ${JSON.stringify(body.slice(0, 40))}`);
    }
    const { status } = await caller.request('INFO', 'application/dtmf-relay', 'Signal=1\r\nDuration=100\r\n');
    assert.equal(status, 200);
    await caller.press('2345678');
    assert.equal(await keysTaken(scene, sessionId), '12345678');
    await leaveNothing(scene, caller);
  });
});

const INFO_GARBAGE: readonly (readonly [type: string, body: string])[] = [
  ['application/dtmf-relay', ''],
  ['application/dtmf-relay', 'Signal=\r\nDuration=100\r\n'],
  ['application/dtmf-relay', 'Signal=12345\r\nDuration=100\r\n'],
  ['application/dtmf-relay', 'Signal=\u0000\r\n'],
  ['application/dtmf-relay', `Signal=1${'1'.repeat(2000)}`],
  ['application/dtmf', '4539578763621486'],
  ['application/dtmf', 'x'],
  ['application/json', '{"Signal":"1"}'],
  ['text/plain', '1'],
  ['application/media_control+xml', '<?xml version="1.0"?><media_control/>'],
];

/** No SIP, half of SIP, and SIP that lies about itself. */
function sipGarbage(): Uint8Array[] {
  const invite = 'INVITE sip:support@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK1\r\n';
  return [
    ...garbage(60),
    ...[
      '\r\n\r\n\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n',
      invite,
      `${invite}\r\n`,
      `${invite}Content-Length: 999999999\r\n\r\n`,
      `${invite}Content-Length: -1\r\n\r\n`,
      `${invite}From: <<<>>>;;;tag\r\nTo: "\r\nCall-ID:\r\nCSeq: 99999999999 BYE\r\n\r\n`,
      `${invite}${'X-Long: y\r\n'.repeat(3000)}\r\n`,
      'SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n\r\n',
      'BYE sip:support@127.0.0.1 SIP/2.0\r\nCall-ID: nobody\r\nCSeq: 1 BYE\r\n\r\n',
    ].map((text) => Buffer.from(text, 'latin1')),
  ];
}

/** Says something over TCP and breaks the connection off. */
async function sayAndLeave(port: number, bytes: Uint8Array): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.write(bytes, () => socket.resetAndDestroy());
  await within(closed, 5000, 'the end of a TCP connection');
}

describe('re-INVITE in a secure session', () => {
  let scene: Scene;
  before(async () => {
    scene = await startScene();
  });
  afterEach(() => scene.hangUp());
  after(() => scene.close());

  it('without telephone-event makes tones count, and with it makes them count no more', async () => {
    const talk = await scene.talk();
    const sessionId = await eight(scene, talk);
    const timing = { onMs: 80, offMs: 60 };
    await talk.caller.press('12', timing);
    await talk.caller.reinvite({ telephoneEvent: false });
    await talk.caller.press('3456', { method: 'in-band', ...timing });
    await scene.tacet.event(
      'secure.progress',
      (event) => event.sessionId === sessionId && event.progress.entered === 6,
    );
    await talk.caller.reinvite({ telephoneEvent: true });
    await talk.caller.press('9', { method: 'in-band', ...timing });
    await talk.caller.press('78', timing);
    assert.equal(await keysTaken(scene, sessionId), '12345678');
    await scene.state(sessionId, 'ended');
    assert.deepEqual(talk.agent.heardDigits(), []);
    await talk.agent.waitForAudio({ hz: CALLER_HZ });
    await scene.leaveNothing(talk.caller, talk.agent);
  });

  it('without an offer changes nothing', async () => {
    const { caller, sessionId } = await alone(scene);
    await caller.press('1234');
    await caller.reinviteWithoutOffer();
    await caller.listen(10);
    await caller.press('5678');
    assert.equal(await keysTaken(scene, sessionId), '12345678');
    await leaveNothing(scene, caller);
  });
});

describe('a phone that vanishes without a BYE', () => {
  const scenes: Scene[] = [];
  after(() => Promise.all(scenes.map((scene) => scene.close())));

  /** The caller's sockets are gone; resolves with how the conversation ended and how long the agent was kept, ms. */
  async function vanishes(secure: boolean): Promise<{ end: string; agentKeptMs: number }> {
    const scene = await startScene({ config: { media: { silenceTimeoutSeconds: 1 } } });
    scenes.push(scene);
    const ringing = scene.agentPhone.nextCall();
    const caller = await RawCaller.call(scene.tacet.listening.sipPort, 'support', { hz: CALLER_HZ });
    const agent = await (await ringing).answer();
    await agent.waitForAudio({ hz: CALLER_HZ });
    const { conversationId, participantId } = await scene.tacet.event(
      'participant.connected',
      ({ role }) => role === 'agent',
    );
    if (secure) await eight(scene, { conversationId, agentParticipantId: participantId });
    await caller.vanish();
    const from = performance.now();
    const { by } = await within(agent.ended, 12_000, 'the agent let go');
    const agentKeptMs = performance.now() - from;
    assert.equal(by, 'them');
    return { end: await conversationEnd(scene, conversationId), agentKeptMs };
  }

  it('the phone of an agent who talks: the caller is not left with nobody', async () => {
    const scene = await startScene({ config: { media: { silenceTimeoutSeconds: 1 } } });
    scenes.push(scene);
    const talk = await scene.talk();
    await talk.agent.vanish();
    assert.equal((await within(talk.caller.ended, 12_000, 'the caller let go')).by, 'them');
    assert.equal(await conversationEnd(scene, talk.conversationId), 'media-timeout');
    await scene.leaveNothing(talk.caller);
  });

  it('in talk and in a secure session: the call ends, the agent is free, nothing is left', async () => {
    const ends = await Promise.all([vanishes(false), vanishes(true)]);
    for (const { end, agentKeptMs } of ends) {
      assert.equal(end, 'media-timeout');
      assert.ok(agentKeptMs < 8000, `the agent was kept for ${agentKeptMs} ms`);
    }
    for (const scene of scenes) await scene.leaveNothing();
  });
});

describe('agents', () => {
  let scene: Scene;
  before(async () => {
    scene = await startScene();
  });
  afterEach(() => scene.hangUp());
  after(() => scene.close());

  it('who answer and hang up at once end the call, nothing is left', async () => {
    scene.agentPhone.onCall(async (incoming) => {
      const call = await incoming.answer();
      await call.hangUp();
    });
    const caller = await scene.dial('support');
    assert.equal((await caller.ended).by, 'them');
    await scene.leaveNothing(caller);
  });

  it('who ask twice at the same moment get one session', async () => {
    const talk = await scene.talk();
    const answers = await Promise.all([
      scene.request(talk, { flow: 'eight' }),
      scene.request(talk, { flow: 'eight' }),
    ]);
    assert.deepEqual(answers.map(({ status }) => status).sort(), [202, 409]);
    await scene.leaveNothing(talk.caller, talk.agent);
  });

  it('who wait for a secure session are not rung by the next caller, who gets through afterwards', async () => {
    const talk = await scene.talk();
    const sessionId = await eight(scene, talk);
    let rung = 0;
    const next = new Promise<PhoneCall>((resolve, reject) => {
      scene.agentPhone.onCall((incoming) => {
        rung += 1;
        incoming.answer().then(resolve, reject);
      });
    });
    const second = await scene.dial('support');
    await second.waitForAudio({ minMs: 500 });
    await talk.caller.press('12345678', { onMs: 60, offMs: 40 });
    await scene.state(sessionId, 'ended');
    await talk.agent.waitForAudio({ hz: CALLER_HZ });
    assert.equal(rung, 0, 'the agent is reserved');
    second.tone(CALLER_HZ);
    await talk.caller.hangUp();
    const agent = await within(next, 10_000, 'the second call at the agent');
    await agent.waitForAudio({ hz: CALLER_HZ });
    assert.equal(rung, 1);
    await scene.leaveNothing(second, agent);
  });
});
