import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { FieldProgress } from '../../server/call/events.js';
import { Scene } from './scene.js';

const AMEX = '378282246310005';
const DECLINED = '4000000000000002';

const VARIABLES = `variables:
  zip: { type: string, default: '90210' }
  card: { type: secure }
  expiry: { type: secure }
  code: { type: secure }
  postal: { type: secure }
`;

const CHARGE = `do: callSecureData
      connector: payment
      secureInputs: { cardNumber: secure.card, expiry: secure.expiry, securityCode: secure.code, postalCode: secure.postal }
      inputs: { amount: '1250', currency: '"EUR"' }
      into: charge`;

/** A card whose postal code is known, read back before it is charged; the star key ends it. */
const CONFIRMED = `
name: confirmed
type: secure
${VARIABLES}
tasks:
  main:
    - do: collectPayment
      name: payment
      method: card
      cancelKey: '*'
      fields:
        - { field: cardNumber, into: secure.card, prompt: Card number. }
        - { field: expiry, prompt: Expiry date. }
        - { field: securityCode, into: secure.code, prompt: Security code. }
        - { field: postalCode, into: secure.postal, value: flow.zip }
      confirm: { prompt: Please press 1 if that is right., again: cardNumber }
      onCancelled:
        - { do: returnToAgent, data: { status: data.payment.status, reason: data.payment.error, field: data.payment.field } }
    - ${CHARGE}
    - do: returnToAgent
      data: { status: data.charge.status }
onError:
  - { do: returnToAgent, data: { status: '"error"', reason: data.failure.reason } }
`;

/** Asks twice for the same card: the second time only what is not held any more. */
const TWICE = `
name: twice
type: secure
${VARIABLES}
tasks:
  main:
    - do: loop
      count: 2
      actions:
        - do: collectPayment
          method: card
          fields:
            - { field: cardNumber, into: secure.card, prompt: Card number. }
            - { field: expiry, prompt: Expiry date. }
            - { field: securityCode, into: secure.code, prompt: Security code. }
            - { field: postalCode, into: secure.postal, value: flow.zip }
        - ${CHARGE.replaceAll('\n', '\n    ')}
          onDeclined: []
    - { do: returnToAgent, data: { status: data.charge.status } }
`;

describe('collectPayment over real RTP', () => {
  let scene: Scene;
  before(async () => {
    scene = await Scene.start({ flows: { confirmed: CONFIRMED, twice: TWICE } });
  });
  afterEach(() => scene.hangUp());
  after(() => scene.close());

  function progressOf(sessionId: string): FieldProgress[] {
    return scene.tacet.events.flatMap((event) =>
      event.type === 'secure.progress' && event.sessionId === sessionId ? [event.progress] : [],
    );
  }

  const askedFields = (sessionId: string) =>
    progressOf(sessionId).flatMap(({ state, field }) => (state === 'asked' ? [field] : []));

  async function resultOf(sessionId: string) {
    const { data } = await scene.tacet.event('agent.data', (event) => event.sessionId === sessionId, 30_000);
    return data;
  }

  it('asks the failed field alone again, reads back, asks for another card after a 2, and charges', async () => {
    const talk = await scene.talk();
    const sessionId = await scene.secure(talk, { flow: 'confirmed' });
    const { caller } = talk;
    await scene.key(sessionId, caller, 'cardNumber');
    await scene.key(sessionId, caller, 'expiry');
    await scene.key(sessionId, caller, 'securityCode');
    await scene.asked(sessionId, 'menu');
    const { mark } = scene.tacet;
    await scene.key(sessionId, caller, 'menu', '2');
    const again = (field: FieldProgress['field'], attempt = 1) =>
      scene.tacet.event(
        'secure.progress',
        ({ seq, progress }) =>
          seq > mark &&
          progress.field === field &&
          progress.state === 'asked' &&
          progress.attempt === attempt,
      );
    for (const [field, attempt, keys] of [
      ['cardNumber', 1, AMEX],
      ['expiry', 1, '1230'],
      ['securityCode', 1, '123#'],
      ['securityCode', 2, '1234'],
      ['menu', 1, '1'],
    ] as const) {
      await again(field, attempt);
      await caller.waitForAudio({ minMs: 400 });
      await caller.press(keys);
    }
    assert.deepEqual(await resultOf(sessionId), { status: 'approved' });
    const first = ['cardNumber', 'expiry', 'securityCode', 'menu'];
    const second = ['cardNumber', 'expiry', 'securityCode', 'securityCode', 'menu'];
    assert.deepEqual(askedFields(sessionId), [...first, ...second]);
    const progress = progressOf(sessionId);
    assert.deepEqual(progress[0]?.required, ['card', 'expiry', 'code']);
    const last = progress.findLast(({ field, state }) => field === 'securityCode' && state === 'accepted');
    assert.deepEqual([last?.masked, last?.required], ['••••', []]);
    for (const { masked, entered } of progress) assert.equal(masked, '•'.repeat(entered));
    const shown = JSON.stringify(scene.tacet.events);
    for (const secret of [AMEX, '4242424242424242']) assert.ok(!shown.includes(secret));
    await scene.state(sessionId, 'ended');
    await scene.leaveNothing(talk.caller, talk.agent);
  });

  it('goes back to the agent on the star key, in the middle of a field', async () => {
    const talk = await scene.talk();
    const sessionId = await scene.secure(talk, { flow: 'confirmed' });
    await scene.key(sessionId, talk.caller, 'cardNumber');
    await scene.key(sessionId, talk.caller, 'expiry', '12*');
    assert.deepEqual(await resultOf(sessionId), {
      status: 'cancelled',
      reason: 'caller-interrupted-with-star',
      field: 'expiry',
    });
    await scene.state(sessionId, 'ended');
    await scene.leaveNothing(talk.caller, talk.agent);
  });

  it('asks a declined caller for the security code alone: nothing else is gone after a charge', async () => {
    const talk = await scene.talk();
    const sessionId = await scene.secure(talk, { flow: 'twice' });
    await scene.key(sessionId, talk.caller, 'cardNumber', `${DECLINED}#`);
    await scene.key(sessionId, talk.caller, 'expiry');
    await scene.key(sessionId, talk.caller, 'securityCode');
    const { seq } = await scene.tacet.event(
      'secure.data',
      (event) => event.sessionId === sessionId && event.status === 'declined',
    );
    await scene.tacet.event(
      'secure.progress',
      (event) =>
        event.seq > seq && event.progress.field === 'securityCode' && event.progress.state === 'asked',
    );
    await talk.caller.waitForAudio({ minMs: 400 });
    await talk.caller.press('837');
    assert.deepEqual(await resultOf(sessionId), { status: 'declined' });
    const asked = ['cardNumber', 'expiry', 'securityCode', 'securityCode'];
    assert.deepEqual(askedFields(sessionId), asked);
    await scene.state(sessionId, 'ended');
    await scene.leaveNothing(talk.caller, talk.agent);
  });
});
