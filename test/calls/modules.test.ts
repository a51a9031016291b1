import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { acknowledged } from '../kit/acknowledged.js';
import { CARD, Scene } from './scene.js';

const TAKE_CARD = acknowledged(`
name: take-card
type: module
outputs:
  card: { type: secure, field: cardNumber }
  expiry: { type: secure, field: expiry }
  last4: { type: string }
tasks:
  main:
    - { do: collectInput, field: cardNumber, into: secure.card, prompt: Card number. }
    - { do: collectInput, field: expiry, into: secure.expiry, prompt: Expiry date. }
    - { do: extractSecureData, from: secure.card, transform: last4, into: flow.last4 }
`);

const CHARGE = `
name: charge-it
type: module
inputs:
  card: { type: secure, field: cardNumber }
  expiry: { type: secure, field: expiry }
outputs:
  status: { type: string }
variables:
  code: { type: secure }
tasks:
  main:
    - { do: collectInput, field: securityCode, into: secure.code, card: secure.card, prompt: Security code. }
    - do: callSecureData
      connector: payment
      secureInputs: { cardNumber: secure.card, expiry: secure.expiry, securityCode: secure.code }
      inputs: { amount: 1250, currency: '"EUR"' }
      into: charge
    - { do: setVariables, set: { flow.status: data.charge.status } }
`;

const FEE = `
name: fee
type: secure
variables: { mine: { type: secure }, until: { type: secure }, last4: { type: string }, status: { type: string } }
tasks:
  main:
    - { do: callModule, module: take-card, outputs: { card: secure.mine, expiry: secure.until, last4: flow.last4 } }
    - { do: callModule, module: charge-it, inputs: { card: secure.mine, expiry: secure.until }, outputs: { status: flow.status } }
    - { do: returnToAgent, data: { status: flow.status, last4: flow.last4 } }
`;

/** Takes the call itself: each module is secure by its own actions. */
const LINE = `
name: fee-line
type: inbound
variables: { mine: { type: secure }, until: { type: secure }, last4: { type: string }, status: { type: string } }
tasks:
  main:
    - { do: callModule, module: take-card, outputs: { card: secure.mine, expiry: secure.until, last4: flow.last4 } }
    - { do: callModule, module: charge-it, inputs: { card: secure.mine, expiry: secure.until }, outputs: { status: flow.status } }
    - { do: sendEvent, type: fee.paid, data: { status: flow.status, last4: flow.last4 } }
    - { do: disconnect }
`;

describe('a secure session by way of modules', () => {
  let scene: Scene;
  before(async () => {
    scene = await Scene.start({
      flows: { fee: FEE, 'fee-line': LINE, 'take-card': TAKE_CARD, 'charge-it': CHARGE },
      config: {
        routes: [
          { user: 'support', flow: 'reception' },
          { user: 'fee-line', flow: 'fee-line' },
        ],
      },
    });
  });
  after(() => scene.close());

  it('charges what one module keyed and another was handed, and leaves nothing of it', async () => {
    const talk = await scene.talk();
    const sessionId = await scene.secure(talk, { flow: 'fee' });
    await scene.key(sessionId, talk.caller, 'cardNumber');
    await scene.key(sessionId, talk.caller, 'expiry');
    await scene.key(sessionId, talk.caller, 'securityCode');
    const { data } = await scene.tacet.event('agent.data', (event) => event.sessionId === sessionId, 30_000);
    assert.deepEqual(data, { status: 'approved', last4: CARD.cardNumber.slice(12, 16) });
    await scene.state(sessionId, 'ended');
    const { events } = scene.tacet;
    const names = events.flatMap((event) => (event.type === 'secure.progress' ? [event.progress.name] : []));
    assert.deepEqual([...new Set(names)], ['card', 'expiry', 'code']);
    const flows = events.flatMap((event) => (event.type === 'flow.action' ? [event.flow] : []));
    assert.deepEqual([...new Set(flows)], ['reception', 'fee', 'take-card', 'charge-it']);
    await scene.leaveNothing(talk.caller);
  });

  it('is one for the modules of a plain flow, left at the first action in the open', async () => {
    const mark = scene.tacet.mark;
    const caller = await scene.dial('fee-line');
    const { sessionId } = await scene.tacet.event(
      'secure.state',
      ({ seq, state }) => seq > mark && state === 'active',
      30_000,
    );
    await scene.key(sessionId, caller, 'cardNumber');
    await scene.key(sessionId, caller, 'expiry');
    await scene.key(sessionId, caller, 'securityCode');
    assert.equal((await scene.state(sessionId, 'ended')).end, 'completed');
    const paid = await scene.tacet.event('flow.event', ({ seq }) => seq > mark, 30_000);
    assert.deepEqual(
      [paid.name, paid.data],
      ['fee.paid', { status: 'approved', last4: CARD.cardNumber.slice(12, 16) }],
    );
    const sessions = scene.tacet.events.flatMap((event) =>
      event.type === 'secure.state' && event.seq > mark ? [event.sessionId] : [],
    );
    assert.deepEqual([...new Set(sessions)], [sessionId]);
    assert.equal((await caller.ended).by, 'them');
    await scene.leaveNothing();
  });
});
