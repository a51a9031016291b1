import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { CALLER_HZ, Scene, type Talk } from '../calls/scene.js';
import { Drachtio, drachtioInstalled } from '../kit/drachtio.js';
import { Relay } from '../kit/relay.js';
import { type Readiness, readiness as readyz } from './readiness.js';

const skip = drachtioInstalled() ? false : 'drachtio is not on the PATH';

function readiness(scene: Scene, wanted: 200 | 503): Promise<Readiness> {
  return readyz(scene.tacet.listening.httpUrl, wanted);
}

async function ended(scene: Scene, { conversationId }: Talk): Promise<string> {
  const event = await scene.tacet.event('conversation.ended', (one) => one.conversationId === conversationId);
  return event.end;
}

/** Another call, from dialling to hearing each other, and back to nothing. */
async function callAgain(scene: Scene): Promise<void> {
  const talk = await scene.talk();
  await scene.leaveNothing(talk.caller, talk.agent);
}

describe('drachtio-server is killed and comes back', { skip }, () => {
  let drachtio: Drachtio;
  let scene: Scene;
  beforeEach(async () => {
    drachtio = await Drachtio.start();
    scene = await Scene.start({ config: { sip: { drachtio: [drachtio.entry] } } });
  });
  afterEach(async () => {
    await scene.close();
    await drachtio.stop();
  });

  it('while two talk: both legs end, /readyz says so, the next call works', async () => {
    const talk = await scene.talk();
    await drachtio.kill();
    assert.equal(await ended(scene, talk), 'signalling-failed');
    const { checks } = await readiness(scene, 503);
    assert.equal(checks.sip?.ok, false);
    assert.equal(scene.tacet.app.dialogs, 0);
    await drachtio.start();
    await readiness(scene, 200);
    await scene.leaveNothing(talk.caller, talk.agent);
    await callAgain(scene);
  });

  it('in a secure session: the agent hears nothing of it, no value is left, the next call works', async () => {
    const talk = await scene.talk();
    const sessionId = await scene.secure(talk);
    const deaf = await scene.deafFrom(talk, 'agent');
    await scene.asked(sessionId, 'cardNumber');
    await talk.caller.waitForAudio({ minMs: 400 });
    await talk.caller.press('42424242');
    await drachtio.kill();
    await talk.caller.press('42424242');
    assert.equal(await ended(scene, talk), 'signalling-failed');
    await drachtio.start();
    await readiness(scene, 200);
    await scene.leaveNothing(talk.caller, talk.agent);
    const now = performance.now();
    assert.equal(talk.agent.heardTone(CALLER_HZ, deaf, now), 0);
    assert.deepEqual(talk.agent.heardDigits(deaf, now), []);
    assert.doesNotMatch(drachtio.output + scene.tacet.logLines.join(''), /42424242/);
    await callAgain(scene);
  });

  it('while the agent rings: the caller is not left waiting', async () => {
    const ringing = scene.agentPhone.nextCall();
    const caller = await scene.dial('support');
    (await ringing).ring();
    await drachtio.kill();
    await scene.tacet.event('conversation.ended', ({ end }) => end === 'signalling-failed');
    await drachtio.start();
    await readiness(scene, 200);
    await scene.leaveNothing(caller);
    await callAgain(scene);
  });
});

describe('the connection to drachtio-server breaks, and drachtio-server does not', { skip }, () => {
  it('what it still holds is ended when the connection is back', async () => {
    const drachtio = await Drachtio.start();
    const relay = await Relay.start(drachtio.adminPort);
    const entry = { ...drachtio.entry, port: relay.port };
    const scene = await Scene.start({ config: { sip: { drachtio: [entry] } } });
    try {
      const talk = await scene.talk();
      relay.cut();
      assert.equal(await ended(scene, talk), 'signalling-failed');
      await readiness(scene, 503);
      relay.mend();
      await readiness(scene, 200);
      const ends = await Promise.all([talk.caller.ended, talk.agent.ended]);
      assert.deepEqual(
        ends.map(({ by }) => by),
        ['them', 'them'],
      );
      await scene.leaveNothing();
      await callAgain(scene);
    } finally {
      await scene.close();
      await relay.close();
      await drachtio.stop();
    }
  });
});

describe('drachtio-server is not there when Tacet starts', { skip }, () => {
  it('Tacet starts, is not ready, tries on, and takes calls as soon as it comes', async () => {
    const drachtio = await Drachtio.start();
    await drachtio.stop();
    const scene = await Scene.start({ config: { sip: { drachtio: [drachtio.entry] } } });
    try {
      await readiness(scene, 503);
      assert.match(scene.tacet.logLines.join(''), /SIP server not reached/);
      await drachtio.start();
      await readiness(scene, 200);
      const caller = await scene.callerPhone.call(`sip:support@127.0.0.1:${drachtio.sipPort}`);
      await scene.leaveNothing(caller);
    } finally {
      await scene.close();
      await drachtio.stop();
    }
  });

  it('a wrong secret is said, and never written', async () => {
    const drachtio = await Drachtio.start();
    const entry = { ...drachtio.entry, secret: 'not-the-secret-0123456789' };
    const scene = await Scene.start({ config: { sip: { drachtio: [entry] } } });
    try {
      await readiness(scene, 503);
      assert.match(scene.tacet.logLines.join(''), /refused the secret/);
      assert.doesNotMatch(scene.tacet.logLines.join('') + drachtio.output, /not-the-secret/);
    } finally {
      await scene.close();
      await drachtio.stop();
    }
  });
});

describe('several drachtio-servers', { skip }, () => {
  it('one is lost: its calls end, the others go on, and calls come in over them', async () => {
    const [one, other] = [await Drachtio.start(), await Drachtio.start()];
    const scene = await Scene.start({ config: { sip: { drachtio: [one.entry, other.entry] } } });
    try {
      const lost = await scene.callerPhone.call(`sip:pay@127.0.0.1:${one.sipPort}`);
      const kept = await scene.callerPhone.call(`sip:pay@127.0.0.1:${other.sipPort}`);
      await scene.tacet.until(() => scene.tacet.app.calls.list().length === 2, 'two calls');
      await one.kill();
      await scene.tacet.event('conversation.ended', ({ end }) => end === 'signalling-failed');
      await readiness(scene, 200);
      assert.equal(scene.tacet.app.dialogs, 1);
      const next = await scene.callerPhone.call(`sip:pay@127.0.0.1:${other.sipPort}`);
      await one.start();
      await scene.leaveNothing(lost, kept, next);
    } finally {
      await scene.close();
      await Promise.all([one.stop(), other.stop()]);
    }
  });
});
