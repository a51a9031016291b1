import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { DtmfMethod } from '../../media/endpoint.js';
import { tones } from '../kit/sounds.js';
import { toneMs } from '../kit/spectrum.js';
import { AGENT_HZ, CALLER_HZ } from './audio.js';
import { type Baresip, startBaresip } from './baresip.js';
import { missing } from './program.js';
import { audibleMs, keysIn, longestWithout, VOICE_DBFS } from './recording.js';
import { CARD, ClientServer, PASSWORD } from './server.js';

/** Between keys, ms. */
const GAP_MS = 120;
/** How long the two talk at the end, ms. */
const TALK_MS = 1000;
/** Recordings begin and end with packets, and baresip plays by a clock of its own. */
const HOLD_MS = 300;
const SLACK_MS = 250;

describe('baresip pays', { skip: missing('baresip') }, () => {
  let server: ClientServer;
  before(async () => {
    server = await ClientServer.start([{ id: 'anna', password: PASSWORD }]);
  });
  after(() => server.close());

  function registered(): Promise<Baresip> {
    const registrar = `127.0.0.1:${server.tacet.listening.sipPort}`;
    const says = tones([AGENT_HZ], -10);
    return startBaresip({ user: 'anna', says, register: { registrar, password: PASSWORD } });
  }

  for (const [how, srtp] of [
    ['without an agent', false],
    ['by SRTP', true],
  ] as const) {
    it(how, async () => {
      const { mark } = server;
      const caller = await startBaresip({ user: 'caller', srtp });
      try {
        await caller.call(server.tacet.uri('pay'));
        await server.reached('askReference', mark);
        await caller.press('4711#', GAP_MS);
        await server.reached('askAmount', mark);
        await caller.press('1950#', GAP_MS);
        const sessionId = await server.active(mark);
        await server.keyCard(sessionId, (field) => caller.press(CARD[field], GAP_MS));
        assert.equal((await server.paid(sessionId)).amount, 1950);
        await caller.ended(30_000);
        assert.ok(audibleMs(await caller.heard()) > 5000, 'the caller was spoken to');
        await server.leaveNothing();
      } finally {
        await caller.stop();
      }
    });
  }

  it('gives up at once, and again: no call is left', async () => {
    const caller = await startBaresip({ user: 'caller' });
    try {
      for (const user of ['pay', 'nobody', 'support', 'pay']) {
        const before = caller.control.events.length;
        await caller.control.command('dial', server.tacet.uri(user));
        await caller.control.command('hangup');
        await caller.control.waitFor(['CALL_CLOSED'], 5000, before);
      }
      await server.leaveNothing();
    } finally {
      await caller.stop();
    }
  });

  it('while a registered baresip agent hears nothing', async () => {
    const { mark } = server;
    const agent = await registered();
    const caller = await startBaresip({ user: 'caller', says: tones([CALLER_HZ], -10) });
    try {
      await caller.call(server.tacet.uri('support'));
      const { conversationId, sessionId } = await server.secure(mark);
      const from = performance.now();
      const methods = new Set<DtmfMethod>();
      const { customer } = server.tacet.app.calls.legs(conversationId);
      customer.onDigit(({ method }) => methods.add(method));
      await server.keyCard(sessionId, (field) => caller.press(CARD[field], GAP_MS));
      await server.tacet.event(
        'secure.state',
        (event) => event.sessionId === sessionId && event.state === 'unshielding',
      );
      const sessionMs = performance.now() - from;
      await server.paid(sessionId);
      await server.returned(sessionId);
      await setTimeout(TALK_MS);
      await caller.hangUp();
      await agent.ended();
      assert.deepEqual([...methods], ['rfc4733']);
      assert.equal(agent.heardKeys(), '', 'no key came as an event');
      const [callerHeard, agentHeard] = await Promise.all([caller.heard(), agent.heard()]);
      assert.deepEqual(keysIn(agentHeard), [], 'no key came as tones');
      // One leaked packet would split the silence, and leave less in one piece.
      assert.ok(longestWithout(agentHeard, CALLER_HZ) > sessionMs - SLACK_MS, 'no voice came');
      assert.ok(longestWithout(callerHeard, AGENT_HZ) > sessionMs - SLACK_MS, 'nor went back');
      assert.ok(toneMs(agentHeard, CALLER_HZ, VOICE_DBFS) > TALK_MS / 2, 'they talked again');
      await server.leaveNothing();
    } finally {
      await Promise.all([caller.stop(), agent.stop()]);
    }
  });

  // After a hold baresip without sound card plays and records no more, so this asks the engine who is joined to whom.
  it('while either phone holds and takes back its call', async () => {
    const { mark } = server;
    const [agent, caller] = await Promise.all([registered(), startBaresip({ user: 'caller' })]);
    try {
      await caller.call(server.tacet.uri('support'));
      const { conversationId, sessionId } = await server.secure(mark);
      const legs = server.tacet.app.calls.legs(conversationId);
      const peers = async () => {
        const states = [legs.customer, legs.agent].map((leg) => leg?.endpoint.state());
        return (await Promise.all(states)).map((state) => state?.peer);
      };
      await server.keyCard(sessionId, async (field) => {
        if (field === 'expiry') await putOnHold(agent);
        if (field === 'securityCode') await putOnHold(caller);
        assert.deepEqual(await peers(), [null, null]);
        await caller.press(CARD[field], GAP_MS);
      });
      await server.paid(sessionId);
      await server.returned(sessionId);
      assert.deepEqual(await peers(), [legs.agent?.endpoint.id, legs.customer.endpoint.id]);
      assert.equal(agent.heardKeys(), '');
      await agent.hangUp();
      await caller.ended(20_000);
      await server.leaveNothing();
    } finally {
      await Promise.all([caller.stop(), agent.stop()]);
    }
  });
});

/** The phone holds its call and takes it back. */
async function putOnHold(phone: Baresip): Promise<void> {
  await phone.control.command('hold');
  await setTimeout(HOLD_MS);
  await phone.control.command('resume');
  await setTimeout(HOLD_MS);
}
