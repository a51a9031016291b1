import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { PressMethod } from '../kit/keypad.js';
import { AGENT_HZ, CALLER_HZ, Scene } from './scene.js';

describe('agent-referred payment', () => {
  let scene: Scene;
  before(async () => {
    scene = await Scene.start();
  });
  afterEach(() => scene.hangUp());
  after(() => scene.close());

  it('keeps the agent deaf and hands over the confirmation, with the flow of the library', async () => {
    await pays(scene, 'rfc4733', {}, 'card-payment');
  });

  for (const method of ['sip-info', 'sip-info-dtmf'] as const) {
    it(`keeps the agent deaf and hands over the confirmation, keys by ${method}`, async () => {
      await pays(scene, method);
    });
  }

  it('takes keys of 60 ms with 40 ms between them', async () => {
    await pays(scene, 'rfc4733', { onMs: 60, offMs: 40 });
  });
});

describe('agent-referred payment by in-band tones', () => {
  let scene: Scene;
  before(async () => {
    scene = await Scene.start({ caller: { telephoneEvent: false } });
  });
  afterEach(() => scene.hangUp());
  after(() => scene.close());

  it('keeps the agent deaf and hands over the confirmation', async () => {
    await pays(scene, 'in-band');
  });

  it('takes keys of 60 ms with 40 ms between them', async () => {
    await pays(scene, 'in-band', { onMs: 60, offMs: 40 });
  });
});

describe('agent-referred payment between phones that name IPv6 addresses alone', () => {
  let scene: Scene;
  before(async () => {
    const sdpAddress = '2001:db8::7';
    scene = await Scene.start({ caller: { sdpAddress }, agent: { sdpAddress } });
  });
  afterEach(() => scene.hangUp());
  after(() => scene.close());

  it('keeps the agent deaf and hands over the confirmation', async () => {
    await pays(scene, 'rfc4733');
  });
});

async function pays(scene: Scene, method: PressMethod, timing = {}, flow = 'short-payment'): Promise<void> {
  const talk = await scene.talk();
  const { caller, agent } = talk;
  const sessionId = await scene.secure(talk, { flow });
  const agentDeaf = await scene.deafFrom(talk, 'agent');
  const callerDeaf = await scene.deafFrom(talk, 'caller');
  await scene.keyCard(sessionId, caller, { method, ...timing });
  await scene.state(sessionId, 'unshielding');
  const deafUntil = performance.now();
  const data = await scene.tacet.event('agent.data', (event) => event.sessionId === sessionId, 30_000);
  await scene.state(sessionId, 'ended');

  assert.deepEqual(agent.heardDigits(), [], 'no key reaches the agent, in any form');
  assert.equal(
    agent.heardTone(CALLER_HZ, agentDeaf, deafUntil),
    0,
    'no audio of the caller reaches the agent',
  );
  // Speech can hold a weak 2200 Hz for a packet; the agent's tone is at -10 dBFS.
  const agentMs = caller.heard.toneMs(AGENT_HZ, callerDeaf, deafUntil, -16);
  assert.equal(agentMs, 0, 'no audio of the agent reaches the caller');
  assert.equal(data.data.status, 'approved');
  assert.equal(data.data.brand, 'visa');
  assert.equal(data.data.last4, '4242');
  assert.match(String(data.data.confirmation), /^\d{6}$/);

  await agent.waitForAudio({ hz: CALLER_HZ });
  await caller.waitForAudio({ hz: AGENT_HZ });
  const view = await scene.tacet.api<{ end: string; result: object }>(
    'GET',
    `/api/v1/conversations/${talk.conversationId}/secure-sessions/${sessionId}`,
  );
  assert.equal(view.body.end, 'returned');
  assert.deepEqual(view.body.result, data.data);
  await scene.leaveNothing(caller, agent);
}
