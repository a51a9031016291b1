import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Gateway } from '../kit/gateway.js';
import { agentData, CARD, CODE, start } from './gateway-scene.js';
import { findLeaks } from './leaks.js';
import type { Scene, Talk } from './scene.js';

/** A card as long as it takes without a time-out in between, which is short. */
const PATIENT = `
name: patient
type: secure
variables: { card: { type: secure }, code: { type: secure } }
tasks:
  main:
    - { do: collectInput, field: cardNumber, into: secure.card, prompt: Card number., attempts: 1, interDigitTimeout: 1s }
    - do: collectInput
      name: askCode
      field: securityCode
      card: secure.card
      into: secure.code
      prompt: Security code.
      onFailure:
        - { do: returnToAgent, data: { status: data.askCode.error } }
    - do: callSecureData
      connector: payment
      secureInputs: { cardNumber: secure.card, securityCode: secure.code }
      inputs: { amount: '1250', currency: '"EUR"' }
      into: charge
      onApproved: [&return { do: returnToAgent, data: { status: data.charge.status } }]
      onDeclined: [*return]
      onInDoubt: [*return]
      onError: [*return]
`;

/** Keyed, and then thrown away by the agent. */
const WRONG_CARD = '37144963';
const WRONG_CODE = '86';
const FAST = { onMs: 60, offMs: 40 } as const;

describe('commands of the agent to a running capture', () => {
  let scene: Scene;
  let gateway: Gateway;
  before(async () => {
    ({ scene, gateway } = await start({ patient: PATIENT }));
  });
  afterEach(() => scene.hangUp());
  after(async () => {
    await scene.close();
    await gateway.close();
  });

  const command = async (talk: Talk, sessionId: string, body: object): Promise<number> => {
    const path = `/api/v1/conversations/${talk.conversationId}/secure-sessions/${sessionId}/capture`;
    return (await scene.tacet.api('POST', path, body)).status;
  };

  const entered = (sessionId: string, name: string, count: number) =>
    scene.tacet.event(
      'secure.progress',
      ({ sessionId: id, progress }) =>
        id === sessionId && progress.name === name && progress.entered === count,
    );

  it('clear, ask again, extend and complete: what was keyed before is charged nowhere', async () => {
    const talk = await scene.talk();
    const { caller } = talk;
    const sessionId = await scene.secure(talk, { flow: 'patient' });
    assert.equal(await command(talk, sessionId, { command: 'extendTime', seconds: 60 }), 200);

    await scene.key(sessionId, caller, 'cardNumber', WRONG_CARD, FAST);
    await entered(sessionId, 'card', WRONG_CARD.length);
    assert.equal(await command(talk, sessionId, { command: 'clear' }), 200);
    // A clear has no prompt; then the caller begins anew and takes longer over a key than the flow allows.
    await caller.waitForSilence({ quietMs: 500 });
    await caller.press(CARD.slice(0, 1), { onMs: 100, offMs: 1500 });
    await caller.press(CARD.slice(1), FAST);
    await entered(sessionId, 'card', CARD.length);
    assert.equal(await command(talk, sessionId, { command: 'complete' }), 200);

    await scene.key(sessionId, caller, 'securityCode', WRONG_CODE, FAST);
    await entered(sessionId, 'code', WRONG_CODE.length);
    await caller.waitForSilence();
    const heardAgain = caller.waitForAudio({ minMs: 400 });
    assert.equal(await command(talk, sessionId, { command: 'askAgain' }), 200);
    await heardAgain;
    await caller.press(CODE, FAST);

    assert.equal((await agentData(scene, sessionId)).data.status, 'approved');
    const [charge] = gateway.requests.slice(-1);
    assert.deepEqual([charge?.body.card.number, charge?.body.card.securityCode], [CARD, CODE]);
    await scene.state(sessionId, 'ended');
    const rejected = scene.tacet.events.filter(
      (event) => event.type === 'secure.progress' && event.progress.state === 'rejected',
    );
    assert.deepEqual(rejected, [], 'no attempt failed');
    const names = ['extendTime', 'clear', 'complete', 'askAgain'].map((name) => `${name} generated`);
    const events = scene.tacet.events.flatMap((event) =>
      event.type === 'secure.command' && event.sessionId === sessionId
        ? [`${event.command} ${event.by}`]
        : [],
    );
    assert.deepEqual(events, names);
    const logged = scene.tacet.logLines
      .map((line) => JSON.parse(line))
      .filter(({ msg, session }) => msg === 'capture command' && session === sessionId);
    assert.deepEqual(
      logged.map(({ command, by }) => `${command} ${by}`),
      names,
    );
    assert.deepEqual(await findLeaks(scene, talk, { card: CARD, securityCode: CODE }), []);
    assert.deepEqual(await findLeaks(scene, talk, { card: WRONG_CARD, securityCode: CODE }), []);
    await scene.leaveNothing(caller, talk.agent);
  });

  it('cancel ends the field and not the session; before and after it nothing can be commanded', async () => {
    const talk = await scene.talk();
    const charges = gateway.requests.length;
    const sessionId = await scene.secure(talk, { flow: 'patient' });
    await scene.key(sessionId, talk.caller, 'cardNumber', `${CARD}#`, FAST);
    await scene.key(sessionId, talk.caller, 'securityCode', WRONG_CODE, FAST);
    await entered(sessionId, 'code', WRONG_CODE.length);
    assert.equal(await command(talk, sessionId, { command: 'focus', field: 'card' }), 409);
    assert.equal(await command(talk, sessionId, { command: 'cancel' }), 200);
    assert.equal((await agentData(scene, sessionId)).data.status, 'cancelled-by-agent');
    await scene.state(sessionId, 'ended');
    assert.equal(await command(talk, sessionId, { command: 'clear' }), 409);
    assert.equal(gateway.requests.length, charges);
    await scene.leaveNothing(talk.caller, talk.agent);
  });
});
