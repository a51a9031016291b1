import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import type { CallEventBody } from '../../server/call/events.js';
import type { PressMethod } from '../kit/keypad.js';
import { STACK } from '../kit/tacet.js';
import { findLeaks, type Leak } from './leaks.js';
import { Scene, type Talk } from './scene.js';

const CANARY = { card: '378282246310005', securityCode: '9731' };

async function pay(scene: Scene, talk: Talk, method: PressMethod): Promise<void> {
  const sessionId = await scene.secure(talk);
  const { card, securityCode } = CANARY;
  await scene.keyCard(
    sessionId,
    talk.caller,
    { method, onMs: 80, offMs: 60 },
    { cardNumber: card, securityCode },
  );
  const data = await scene.tacet.event('agent.data', (event) => event.sessionId === sessionId, 30_000);
  assert.equal(data.data.status, 'approved', 'the canary was really keyed in and charged');
  await scene.state(sessionId, 'ended');
}

for (const method of ['rfc4733', 'sip-info', 'sip-info-dtmf', 'in-band'] as const) {
  describe(`canary card keyed by ${method}`, () => {
    let scene: Scene;
    before(async () => {
      scene = await Scene.start({
        caller: { telephoneEvent: method !== 'in-band' },
        config: { log: { level: 'debug' } },
      });
    });
    afterEach(() => scene.hangUp());
    after(() => scene.close());

    it('is found nowhere', async () => {
      const talk = await scene.talk();
      await pay(scene, talk, method);
      assert.deepEqual(await findLeaks(scene, talk, CANARY), []);
      await scene.leaveNothing(talk.caller, talk.agent);
    });
  });
}

/** What a fault in each place would do; the search must see it. */
const PLANTS: Readonly<Record<Exclude<Leak, 'metrics'>, (scene: Scene, talk: Talk) => Promise<void> | void>> =
  {
    log: (scene) => {
      scene.tacet.logLines.push(`{"msg":"card ${CANARY.card.slice(0, 9)}"}`);
    },
    event: (scene, talk) => {
      const leak = { type: 'conversation.state', state: 'talking', digits: CANARY.card } as CallEventBody;
      scene.tacet.app.events.publish(talk.conversationId, leak);
    },
    http: (scene, talk) => {
      const leak = {
        type: 'conversation.state',
        state: 'talking',
        code: CANARY.securityCode,
      } as CallEventBody;
      scene.tacet.app.events.publish(talk.conversationId, leak);
    },
    file: (scene) => appendFileSync(join(scene.tacet.dataDirectory, 'trace'), CANARY.card),
    'agent-audio': (_scene, talk) => talk.caller.press('123', { method: 'in-band' }),
    'agent-digits': (_scene, talk) => talk.agent.heard.addInfoDigit('1', performance.now()),
  };

describe('the search for the canary', () => {
  let scene: Scene;
  before(async () => {
    scene = await Scene.start();
  });
  afterEach(() => scene.hangUp());
  after(() => scene.close());

  for (const [place, plant] of Object.entries(PLANTS)) {
    it(`finds a leak planted in: ${place}`, async () => {
      const talk = await scene.talk();
      await plant(scene, talk);
      const found = await findLeaks(scene, talk, CANARY);
      assert.ok(found.includes(place as Leak), `found: ${found.join(', ') || 'nothing'}`);
      await scene.leaveNothing(talk.caller, talk.agent);
    });
  }

  const skip = STACK.vault && 'no bridge of the media server reaches a customer in the vault';
  it('finds a bridge left standing during a session', { skip }, async () => {
    const talk = await scene.talk();
    const sessionId = await scene.secure(talk);
    await scene.asked(sessionId, 'cardNumber');
    await scene.joinBehindTheShields(talk);
    await talk.caller.press('3782', { method: 'in-band' });
    assert.ok((await findLeaks(scene, talk, CANARY)).includes('agent-audio'));
    await scene.leaveNothing(talk.caller, talk.agent);
  });
});
