import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { pattern } from '../kit/network-fault.js';
import type { PhoneCall } from '../kit/phone-call.js';
import { CARD, Scene } from './scene.js';

describe('paying without an agent', () => {
  let scene: Scene;
  before(async () => {
    scene = await Scene.start();
  });
  after(() => scene.close());

  /** Keys in reference and amount; resolves with the secure session that follows. */
  async function toPayment(caller: PhoneCall): Promise<string> {
    const before = scene.tacet.events.length;
    const since = () => scene.tacet.events.slice(before);
    const entered = (name: string) =>
      since().some((event) => event.type === 'flow.action' && event.name === name);
    await scene.tacet.until(() => entered('askReference'), 'askReference');
    await caller.press('4711#');
    await scene.tacet.until(() => entered('askAmount'), 'askAmount');
    await caller.press('1950#');
    const active = (event: (typeof scene.tacet.events)[number]) =>
      event.type === 'secure.state' && event.state === 'active';
    await scene.tacet.until(() => since().some(active), 'an active session');
    const event = since().find(active);
    return event?.type === 'secure.state' ? event.sessionId : '';
  }

  const dial = async () => {
    const call = await scene.callerPhone.call(scene.tacet.uri('pay'));
    return call;
  };

  it('charges, tells the confirmation and disconnects', async () => {
    const caller = await dial();
    const sessionId = await toPayment(caller);
    await scene.keyCard(sessionId, caller);
    const data = await scene.tacet.event('agent.data', (event) => event.sessionId === sessionId, 30_000);
    assert.equal(data.participantId, null);
    assert.equal(data.data.status, 'approved');
    assert.equal(data.data.amount, 1950);
    assert.equal((await caller.ended).by, 'them');
    await scene.leaveNothing(caller);
  });

  it('asks only the failed field again', async () => {
    const caller = await dial();
    const sessionId = await toPayment(caller);
    await scene.asked(sessionId, 'cardNumber');
    await caller.press('4242424242424241#', { onMs: 60, offMs: 40 });
    await scene.asked(sessionId, 'cardNumber', 2);
    await caller.press(CARD.cardNumber, { onMs: 60, offMs: 40 });
    await scene.asked(sessionId, 'expiry');
    await caller.press('0120');
    await scene.asked(sessionId, 'expiry', 2);
    await caller.press(CARD.expiry);
    await scene.asked(sessionId, 'securityCode');
    await caller.press(CARD.securityCode);
    await scene.asked(sessionId, 'postalCode');
    await caller.press(CARD.postalCode);
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
    const caller = await dial();
    const sessionId = await toPayment(caller);
    await scene.asked(sessionId, 'cardNumber');
    await caller.press(CARD.cardNumber);
    await scene.asked(sessionId, 'expiry');
    await caller.press('123099#');
    await scene.asked(sessionId, 'securityCode');
    await caller.press('8371#');
    await scene.asked(sessionId, 'postalCode');
    await caller.press(CARD.postalCode);
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
    const caller = await dial();
    const sessionId = await toPayment(caller);
    caller.network = pattern('....x....2....>..x');
    await scene.keyCard(sessionId, caller, { onMs: 100, offMs: 80 });
    const data = await scene.tacet.event('agent.data', (event) => event.sessionId === sessionId, 30_000);
    assert.equal(data.data.status, 'approved');
    await scene.leaveNothing(caller);
  });
});
