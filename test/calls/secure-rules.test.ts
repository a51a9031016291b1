import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { liveSecureValues } from '../../server/secure/secure-value.js';
import { within } from '../kit/deadline.js';
import { STACK } from '../kit/tacet.js';
import { CALLER_HZ, Scene, type Talk } from './scene.js';

/** A session that asks for four digits and returns at once: the shortest way through secure mode. */
const SHIELDS = ['agent-leg', 'media-server', ...(STACK.vault ? ['vault'] : []), 'log', 'events'];

const SHORT = `
name: short
type: secure
variables:
  pin: { type: secure }
tasks:
  main:
    - do: collectInput
      name: askPin
      field: digits
      length: 4
      into: secure.pin
      firstDigitTimeout: 60s
      prompt: Pin.
    - do: returnToAgent
      data: { status: '"done"' }
`;

describe('rules of secure mode', () => {
  let scene: Scene;
  let talk: Talk;
  before(async () => {
    scene = await Scene.start({ flows: { short: SHORT } });
  });
  afterEach(() => scene.hangUp());
  after(() => scene.close());

  const begin = async () => {
    talk = await scene.talk();
    return scene.secure(talk, { flow: 'short' });
  };
  const end = () => scene.leaveNothing(talk.caller, talk.agent);
  const returned = (sessionId: string) => scene.state(sessionId, 'ended');

  it('engages every shield before the first prompt and releases them in reverse before the return', async () => {
    const sessionId = await begin();
    await scene.asked(sessionId, 'digits');
    await talk.caller.press('1234');
    await returned(sessionId);
    const order = scene.tacet.events.flatMap((event) => {
      if (event.type === 'secure.shield' && event.sessionId === sessionId)
        return [`${event.shield} ${event.change}`];
      if (event.type === 'secure.state' && event.sessionId === sessionId) return [event.state];
      return event.type === 'secure.progress' && event.progress.state === 'asked' ? ['first prompt'] : [];
    });
    assert.deepEqual(order, [
      'requested',
      'shielding',
      ...SHIELDS.map((shield) => `${shield} engaged`),
      'active',
      'first prompt',
      'unshielding',
      ...SHIELDS.toReversed().map((shield) => `${shield} released`),
      'ended',
    ]);
    await end();
  });

  it('swallows keys pressed while returning, and waits for 800 ms without one', async () => {
    const sessionId = await begin();
    await scene.asked(sessionId, 'digits');
    await talk.caller.press('1234');
    await scene.state(sessionId, 'unshielding');
    await talk.caller.press('5678901', { onMs: 100, offMs: 400 });
    const lastKey = performance.now();
    assert.equal(
      scene.tacet.events.some(
        (event) => event.type === 'secure.state' && event.sessionId === sessionId && event.state === 'ended',
      ),
      false,
      'still shielded while keys come',
    );
    await returned(sessionId);
    const heardAgain = await talk.agent.waitForAudio({ hz: CALLER_HZ });
    // The last pause of 400 ms is part of the press; what remains of the guard is 400 ms.
    assert.ok(heardAgain - lastKey >= 380, `heard ${heardAgain - lastKey} ms after the last key's pause`);
    assert.deepEqual(talk.agent.heardDigits(), []);
    await end();
  });

  it('swallows a key that is held down across the return', async () => {
    const sessionId = await begin();
    await scene.asked(sessionId, 'digits');
    await talk.caller.press('1234');
    await scene.state(sessionId, 'unshielding');
    await talk.caller.press('9', { onMs: 2500, offMs: 0 });
    await returned(sessionId);
    await talk.agent.waitForAudio({ hz: CALLER_HZ });
    assert.deepEqual(talk.agent.heardDigits(), []);
    await end();
  });

  it('keeps a re-INVITE, a hold and a codec change of either side from joining the two', async () => {
    const sessionId = await begin();
    await scene.asked(sessionId, 'digits');
    const from = await scene.deafFrom(talk, 'agent');
    await talk.caller.reinvite({ codec: 'PCMA' });
    await talk.agent.reinvite({ codec: 'PCMA' });
    await talk.agent.hold();
    await talk.agent.unhold();
    await talk.caller.press('12');
    await talk.caller.hold();
    await talk.caller.unhold();
    await talk.caller.press('34');
    await scene.state(sessionId, 'unshielding');
    const until = performance.now();
    await returned(sessionId);
    assert.equal(talk.agent.heardTone(CALLER_HZ, from, until), 0);
    assert.deepEqual(talk.agent.heardDigits(), []);
    await talk.agent.waitForAudio({ hz: CALLER_HZ });
    await end();
  });

  it('keeps keys of every method out of the bridge while the two talk', async () => {
    talk = await scene.talk();
    await talk.caller.press('42', { method: 'rfc4733' });
    await talk.caller.press('42', { method: 'sip-info' });
    await talk.agent.waitForAudio({ hz: CALLER_HZ });
    assert.deepEqual(talk.agent.heardDigits(), [], 'customer keys are never relayed to the agent');
    await end();
  });

  it('is never started by anything the caller keys in', async () => {
    talk = await scene.talk();
    await talk.caller.press('*1#*9*7##', { onMs: 60, offMs: 40 });
    const { body } = await scene.tacet.api<{ secureSessions: unknown[] }>(
      'GET',
      `/api/v1/conversations/${talk.conversationId}`,
    );
    assert.deepEqual(body.secureSessions, []);
    await end();
  });

  it('is refused for anybody but the agent of the conversation, and while a session runs', async () => {
    const sessionId = await begin();
    const { body } = await scene.tacet.api<{ participants: { id: string; role: string }[] }>(
      'GET',
      `/api/v1/conversations/${talk.conversationId}`,
    );
    const customer = body.participants.find(({ role }) => role === 'customer');
    const statusFor = async (request: Record<string, unknown>) => (await scene.request(talk, request)).status;
    assert.equal(await statusFor({ sourceParticipantId: customer?.id }), 403);
    assert.equal(await statusFor({ sourceParticipantId: 'nobody' }), 404);
    assert.equal(await statusFor({}), 409);
    await scene.tacet.api(
      'DELETE',
      `/api/v1/conversations/${talk.conversationId}/secure-sessions/${sessionId}`,
    );
    await returned(sessionId);
    assert.equal(await statusFor({ flow: 'support' }), 422);
    assert.equal(await statusFor({ flow: 'none' }), 404);
    await end();
  });

  it('returns the caller as cancelled on DELETE', async () => {
    const sessionId = await begin();
    await scene.asked(sessionId, 'digits');
    await talk.caller.press('12');
    const path = `/api/v1/conversations/${talk.conversationId}/secure-sessions/${sessionId}`;
    assert.equal((await scene.tacet.api('DELETE', path)).status, 202);
    const ended = await returned(sessionId);
    assert.equal(ended.end, 'cancelled');
    assert.equal((await scene.tacet.api('DELETE', path)).status, 409);
    await talk.agent.waitForAudio({ hz: CALLER_HZ });
    await end();
  });

  it('drops the agent at the start when asked to, and ends with a disconnect', async () => {
    talk = await scene.talk();
    const sessionId = await scene.secure(talk, { flow: 'short', disconnect: true });
    assert.equal((await talk.agent.ended).by, 'them');
    await scene.asked(sessionId, 'digits');
    assert.equal(scene.tacet.app.agents.reservedCount, 0, 'the agent is free for other calls');
    // The call may end while the last key is still being released.
    await Promise.allSettled([talk.caller.press('1234')]);
    assert.equal((await talk.caller.ended).by, 'them');
    await end();
  });

  it('keeps the agent reserved for the whole session', async () => {
    const sessionId = await begin();
    await scene.asked(sessionId, 'digits');
    assert.equal(scene.tacet.app.agents.reservedCount, 1);
    assert.equal(scene.tacet.app.agents.reserve('any', new Set()), null);
    await talk.caller.press('1234');
    await returned(sessionId);
    await end();
  });
});

describe('what ends in the middle of a secure session', () => {
  let scene: Scene;
  before(async () => {
    scene = await Scene.start({ flows: { short: SHORT } });
  });
  after(() => scene.close());

  for (const [what, happens, end] of [
    ['the media engine', killEngine, 'media-failed'],
    // The last one: it ends the server.
    ['the server', (one: Scene) => one.tacet.app.close(), 'shutdown'],
  ] as const) {
    // A FreeSWITCH that ends is a matter of test/stack.
    const skip = happens === killEngine && STACK.freeswitch && !STACK.vault;
    it(`${what}: both are hung up on, and the agent heard nothing`, { skip }, async () => {
      await within(untilReady(scene), 10_000, 'the media engine');
      const talk = await scene.talk();
      const sessionId = await scene.secure(talk, { flow: 'short' });
      const deafFrom = await scene.deafFrom(talk, 'agent');
      await scene.asked(sessionId, 'digits');
      await talk.caller.press('12');
      await happens(scene, talk);
      assert.deepEqual([(await talk.caller.ended).by, (await talk.agent.ended).by], ['them', 'them']);
      const ended = await scene.tacet.event(
        'conversation.ended',
        (event) => event.conversationId === talk.conversationId,
      );
      assert.equal(ended.end, end);
      assert.equal(talk.agent.heardTone(CALLER_HZ, deafFrom, performance.now()), 0);
      assert.deepEqual(talk.agent.heardDigits(), []);
      assert.equal(liveSecureValues(), 0);
      assert.equal(scene.tacet.app.agents.reservedCount, 0);
    });
  }
});

/** A request that no engine knows is a fault, and a fault ends the thread. */
async function killEngine({ tacet }: Scene, { conversationId }: Talk): Promise<void> {
  const { customer } = tacet.app.calls.legs(conversationId);
  await assert.rejects(customer.endpoint.sendDigits(null as never));
}

/** The engine has no event for it: readiness is what a health check asks for, again and again. */
async function untilReady({ tacet }: Scene): Promise<void> {
  while (!tacet.app.media.ready || tacet.app.vault?.ready === false)
    await new Promise((resolve) => setTimeout(resolve, 20));
}
