import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { DtmfMethod } from '../../media/endpoint.js';
import { tones } from '../kit/sounds.js';
import { toneMs } from '../kit/spectrum.js';
import { AGENT_HZ, CALLER_HZ } from './audio.js';
import { Linphone } from './linphone.js';
import { missing } from './program.js';
import { audibleMs, keysIn, longestWithout, VOICE_DBFS } from './recording.js';
import { CARD, ClientServer, PASSWORD } from './server.js';

/** How long the two talk at the end, ms. */
const TALK_MS = 2000;
/** Recordings begin and end with packets, and linphone plays by a clock of its own. */
const SLACK_MS = 500;

describe('linphone', { skip: missing('linphonec') }, () => {
  let server: ClientServer;
  before(async () => {
    server = await ClientServer.start([{ id: 'anna', password: PASSWORD }]);
  });
  afterEach(() => server.leaveNothing());
  after(() => server.close());

  it('pays without an agent, over TCP, by SRTP, with keys by INFO', async () => {
    const { mark } = server;
    const caller = await Linphone.start({ keys: 'sip-info', srtp: true });
    try {
      await caller.call(`${server.tacet.uri('pay')};transport=tcp`);
      await server.reached('askReference', mark);
      await caller.press('47#');
      await server.reached('askAmount', mark);
      await caller.press('1950#');
      const sessionId = await server.active(mark);
      await server.keyCard(sessionId, (field) => caller.press(CARD[field]));
      assert.equal((await server.paid(sessionId)).amount, 1950);
      await caller.ended(30_000);
      await caller.leave();
      assert.ok(audibleMs(await caller.heard()) > 5000, 'the caller was spoken to');
    } finally {
      await caller.stop();
    }
  });

  it('pays while a registered linphone agent hears nothing, and either holds and takes back its call', async () => {
    const { mark } = server;
    const registrar = `127.0.0.1:${server.tacet.listening.sipPort}`;
    const says = tones([AGENT_HZ], -10);
    const agent = await Linphone.start({ says, register: { user: 'anna', registrar, password: PASSWORD } });
    const caller = await Linphone.start({ says: tones([CALLER_HZ], -10) });
    try {
      const { app } = server.tacet;
      await server.tacet.until(() => app.agents.reachable('anna', new Set()), 'the agent to register');
      await caller.call(server.tacet.uri('support'));
      const { conversationId, sessionId } = await server.secure(mark);
      const from = performance.now();
      const methods = new Set<DtmfMethod>();
      app.calls.legs(conversationId).customer.onDigit(({ method }) => methods.add(method));
      await server.keyCard(sessionId, async (field) => {
        if (field === 'expiry') await agent.holdAndResume();
        if (field === 'securityCode') await caller.holdAndResume();
        await caller.press(CARD[field]);
      });
      await server.tacet.event(
        'secure.state',
        (event) => event.sessionId === sessionId && event.state === 'unshielding',
      );
      const sessionMs = performance.now() - from;
      await server.paid(sessionId);
      await server.returned(sessionId);
      await setTimeout(TALK_MS);
      await caller.hangUp();
      await Promise.all([agent.leave(), caller.leave()]);
      assert.deepEqual([...methods], ['rfc4733']);
      const [callerHeard, agentHeard] = await Promise.all([caller.heard(), agent.heard()]);
      assert.deepEqual(keysIn(agentHeard), [], 'no key came as tones');
      assert.ok(longestWithout(agentHeard, CALLER_HZ) > sessionMs - SLACK_MS, 'no voice came');
      assert.ok(longestWithout(callerHeard, AGENT_HZ) > sessionMs - SLACK_MS, 'nor went back');
      assert.ok(toneMs(agentHeard, CALLER_HZ, VOICE_DBFS) > TALK_MS / 2, 'they talked again');
    } finally {
      await Promise.all([caller.stop(), agent.stop()]);
    }
  });
});
