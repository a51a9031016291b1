import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { pattern } from '../kit/network-fault.js';
import type { PhoneCall } from '../kit/phone-call.js';
import { CARD, Scene } from './scene.js';

describe('paying without an agent', () => {
  let scene: Scene;
  before(async () => {
    scene = await Scene.start();
  });
  afterEach(() => scene.hangUp());
  after(() => scene.close());

  /** Calls, and keys in reference and amount like a person; resolves with the secure session that follows. */
  async function toPayment(): Promise<{ caller: PhoneCall; sessionId: string }> {
    const { mark } = scene.tacet;
    const caller = await scene.dial('pay');
    // The 200 may reach the caller before drachtio-server tells Tacet that it is out.
    const started = await scene.tacet.event('conversation.started', ({ seq }) => seq > mark);
    const id = started.conversationId;
    const entered = async (name: string) => {
      await scene.tacet.event('flow.action', (event) => event.conversationId === id && event.name === name);
      await caller.waitForAudio({ minMs: 400 });
    };
    await entered('askReference');
    await caller.press('4711#');
    await entered('askAmount');
    await caller.press('1950#');
    const active = await scene.tacet.event(
      'secure.state',
      (event) => event.conversationId === id && event.state === 'active',
    );
    return { caller, sessionId: active.sessionId };
  }

  it('charges, tells the confirmation and disconnects', async () => {
    const { caller, sessionId } = await toPayment();
    await scene.keyCard(sessionId, caller);
    const data = await scene.tacet.event('agent.data', (event) => event.sessionId === sessionId, 30_000);
    assert.equal(data.participantId, null);
    assert.equal(data.data.status, 'approved');
    assert.equal(data.data.amount, 1950);
    assert.equal((await caller.ended).by, 'them');
    await scene.leaveNothing(caller);
  });

  it('asks only the failed field again', async () => {
    const { caller, sessionId } = await toPayment();
    await scene.key(sessionId, caller, 'cardNumber', '4242424242424241#', { onMs: 60, offMs: 40 });
    await scene.key(sessionId, caller, 'cardNumber', CARD.cardNumber, { attempt: 2 });
    await scene.key(sessionId, caller, 'expiry', '0120');
    await scene.key(sessionId, caller, 'expiry', CARD.expiry, { attempt: 2 });
    await scene.key(sessionId, caller, 'securityCode');
    await scene.key(sessionId, caller, 'postalCode');
    const data = await scene.tacet.event('agent.data', (event) => event.sessionId === sessionId, 30_000);
    assert.equal(data.data.status, 'approved');
    const asked = scene.tacet.events.filter(
      (event) =>
        event.type === 'secure.progress' && event.sessionId === sessionId && event.progress.state === 'asked',
    );
    assert.equal(asked.length, 6, 'card twice, expiry twice, code once, postal code once');
    await scene.leaveNothing(caller);
  });

  it('drops surplus keys: they reach no later field', async () => {
    const { caller, sessionId } = await toPayment();
    await scene.key(sessionId, caller, 'cardNumber');
    await scene.key(sessionId, caller, 'expiry', '123099#');
    await scene.key(sessionId, caller, 'securityCode', '8371#');
    await scene.key(sessionId, caller, 'postalCode');
    const data = await scene.tacet.event('agent.data', (event) => event.sessionId === sessionId, 30_000);
    assert.equal(data.data.status, 'approved');
    const counts = scene.tacet.events.flatMap((event) =>
      event.type === 'secure.progress' && event.sessionId === sessionId && event.progress.state === 'accepted'
        ? [event.progress.entered]
        : [],
    );
    assert.deepEqual(counts, [16, 4, 3, 5]);
    await scene.leaveNothing(caller);
  });

  it('survives packet loss, duplication and reordering while the card is keyed in', async () => {
    const { caller, sessionId } = await toPayment();
    caller.network = pattern('....x....2....>..x');
    await scene.keyCard(sessionId, caller, { onMs: 100, offMs: 80 });
    const data = await scene.tacet.event('agent.data', (event) => event.sessionId === sessionId, 30_000);
    assert.equal(data.data.status, 'approved');
    await scene.leaveNothing(caller);
  });
});
