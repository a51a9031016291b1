import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { PressMethod } from '../kit/keypad.js';
import { AGENT_HZ, CALLER_HZ, Scene } from './scene.js';

describe('agent-referred payment', () => {
  let scene: Scene;
  before(async () => {
    scene = await Scene.start();
  });
  after(() => scene.close());

  const methods: readonly PressMethod[] = ['rfc4733', 'sip-info', 'sip-info-dtmf'];
  for (const method of methods) {
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
  after(() => scene.close());

  it('keeps the agent deaf and hands over the confirmation', async () => {
    await pays(scene, 'in-band');
  });

  it('takes keys of 60 ms with 40 ms between them', async () => {
    await pays(scene, 'in-band', { onMs: 60, offMs: 40 });
  });
});

async function pays(scene: Scene, method: PressMethod, timing = {}): Promise<void> {
  const talk = await scene.talk();
  const { caller, agent } = talk;
  const sessionId = await scene.secure(talk);
  const deafFrom = performance.now();
  await agent.waitForAudio({ hz: 425, deadlineMs: 5000 }).catch(() => 0);
  await scene.keyCard(sessionId, caller, { method, ...timing });
  await scene.state(sessionId, 'unshielding');
  const deafUntil = performance.now();
  const data = await scene.tacet.event('agent.data', (event) => event.sessionId === sessionId, 30_000);
  await scene.state(sessionId, 'ended');

  assert.deepEqual(agent.heardDigits(), [], 'no key reaches the agent, in any form');
  assert.equal(
    agent.heardTone(CALLER_HZ, deafFrom, deafUntil),
    0,
    'no audio of the caller reaches the agent',
  );
  assert.equal(
    caller.heardTone(AGENT_HZ, deafFrom, deafUntil),
    0,
    'no audio of the agent reaches the caller',
  );
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
