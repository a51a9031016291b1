import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { liveSecureValues } from '../../server/secure/secure-value.js';
import { within } from '../kit/deadline.js';
import type { Gateway, Reply } from '../kit/gateway.js';
import { Account, agentData, NEVER, pay, start, told } from './gateway-scene.js';
import { CALLER_HZ, type Scene, type Talk } from './scene.js';

describe('a charge in flight', () => {
  let scene: Scene;
  let gateway: Gateway;
  before(async () => {
    ({ scene, gateway } = await start());
  });
  afterEach(() => scene.hangUp());
  after(async () => {
    await scene.close();
    await gateway.close();
  });

  /** A session whose charge has reached the gateway, which has not answered. */
  async function charging(...script: readonly Reply[]) {
    const account = new Account(gateway, ...script);
    const talk = await scene.talk();
    const sessionId = await pay(scene, talk);
    await account.received(1);
    return { account, talk, sessionId };
  }

  const ended = (talk: Talk) =>
    scene.tacet.event('conversation.ended', ({ conversationId }) => conversationId === talk.conversationId);

  for (const who of ['caller', 'both'] as const) {
    it(`is awaited when the ${who} hung up, and its verdict published`, async () => {
      const { account, talk, sessionId } = await charging({ do: 'hold' });
      await talk.caller.hangUp();
      if (who === 'both') await talk.agent.hangUp();
      gateway.release();
      const { data, participantId } = await agentData(scene, sessionId);
      assert.equal(data.status, 'approved');
      assert.match(String(data.confirmation), /^\d{6}$/);
      assert.equal(participantId, who === 'both' ? null : talk.agentParticipantId);
      assert.equal((await ended(talk)).end, 'customer-hung-up');
      assert.equal(account.charges, 1);
      await scene.leaveNothing(talk.caller, talk.agent);
    });
  }

  it('is awaited when the agent hung up; the caller is told, then disconnected', async () => {
    const { account, talk, sessionId } = await charging({ do: 'hold' });
    await talk.agent.hangUp();
    gateway.release();
    const { data, participantId } = await agentData(scene, sessionId);
    assert.equal(data.status, 'approved');
    assert.equal(participantId, null);
    assert.deepEqual(told(scene.tacet.events, talk), ['approved']);
    assert.equal((await talk.caller.ended).by, 'them');
    assert.equal((await ended(talk)).end, 'agent-gone');
    assert.equal(account.charges, 1);
    await scene.leaveNothing(talk.caller, talk.agent);
  });

  it('stays in doubt when the caller hung up and no answer came', async () => {
    const { account, talk, sessionId } = await charging(NEVER, NEVER);
    await talk.caller.hangUp();
    const { data } = await agentData(scene, sessionId);
    assert.deepEqual(
      { status: data.status, reason: data.reason },
      { status: 'in-doubt', reason: 'no-answer' },
    );
    assert.equal(account.charges, 1);
    await scene.leaveNothing(talk.caller, talk.agent);
  });

  it('is awaited when the session is cancelled, and its verdict reported', async () => {
    const { account, talk, sessionId } = await charging({ do: 'hold' });
    const path = `/api/v1/conversations/${talk.conversationId}/secure-sessions/${sessionId}`;
    const cancelled = await scene.tacet.api<{ state: string }>('DELETE', path);
    assert.equal(cancelled.status, 202);
    assert.equal(cancelled.body.state, 'active', 'the charge is not given up');
    gateway.release();
    const { data } = await agentData(scene, sessionId);
    assert.equal(data.status, 'approved');
    assert.equal((await scene.state(sessionId, 'ended')).end, 'cancelled');
    await talk.agent.waitForAudio({ hz: CALLER_HZ });
    assert.equal(account.charges, 1);
    await scene.leaveNothing(talk.caller, talk.agent);
  });
});

describe('a server that stops', () => {
  it('ends in bounded time while a charge is in flight, and says that it is in doubt', async () => {
    const { scene, gateway } = await start();
    try {
      const account = new Account(gateway, NEVER);
      const talk = await scene.talk();
      const sessionId = await pay(scene, talk);
      await account.received(1);
      await within(scene.tacet.app.close(), 3000, 'the server closed');
      const { data } = await agentData(scene, sessionId);
      assert.deepEqual(
        { status: data.status, reason: data.reason },
        { status: 'in-doubt', reason: 'cancelled' },
      );
      assert.equal((await scene.state(sessionId, 'ended')).end, 'shutdown');
      assert.equal((await talk.caller.ended).by, 'them');
      assert.equal((await talk.agent.ended).by, 'them');
      await gateway.idle();
      const { app } = scene.tacet;
      assert.deepEqual([liveSecureValues(), app.agents.reservedCount, app.dialogs], [0, 0, 0]);
    } finally {
      await scene.close();
      await gateway.close();
    }
  });
});
