import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { DtmfMethod } from '../../media/endpoint.js';
import { freePorts } from '../kit/ports.js';
import { AGENT_HZ, CALLER_HZ, deafFrom, hears, openAudio } from './audio.js';
import { missing } from './program.js';
import { CARD, ClientServer, FIELDS } from './server.js';
import { type Sipp, startSipp } from './sipp.js';
import { answer, call, expectRequest, scenario } from './sipp-script.js';
import type { CallSteps } from './sipp-steps.js';

const OK = { ok: true, successful: 1, failed: 0, errors: '' };
const DEADLINE_MS = 90_000;
/** The comfort tone is soft, so that an agent can work beside it. */
const COMFORT_DBFS = -70;

/** The card, one group of keys for each time the flow asks. */
const CARD_GROUPS = FIELDS.map((field) => ({ afterMs: 'cue', keys: CARD[field] }) as const);
const cued = (keys: string) => ({ afterMs: 'cue', keys }) as const;

describe('SIPp pays', { skip: missing('sipp') }, () => {
  let server: ClientServer;
  let agentPort = 0;
  before(async () => {
    [agentPort = 0] = await freePorts(1);
    server = await ClientServer.start([{ id: 'anna', uri: `sip:agent@127.0.0.1:${agentPort}` }]);
  });
  after(() => server.close());

  for (const method of ['rfc4733', 'sip-info'] as const) {
    it(`without an agent, keys by ${method}`, async () => {
      const { mark } = server;
      const groups = [cued('4711#'), cued('1950#'), ...CARD_GROUPS];
      const sipp = await caller('pay', { method, groups, waitForByeMs: 40_000 });
      try {
        await server.reached('askReference', mark);
        await sipp.cue();
        await server.reached('askAmount', mark);
        await sipp.cue();
        const sessionId = await server.active(mark);
        await server.keyCard(sessionId, () => sipp.cue());
        const { amount } = await server.paid(sessionId);
        assert.equal(amount, 1950);
        assert.deepEqual(await sipp.result, OK);
        await server.leaveNothing();
      } finally {
        await sipp.stop();
      }
    });

    it(`while a SIPp agent hears nothing, keys by ${method}`, async () => {
      const { mark } = server;
      const audio = await openAudio(AGENT_HZ);
      const agent = await startSipp({
        scenario: 'agent',
        port: agentPort,
        audioPort: audio.port,
        deadlineMs: DEADLINE_MS,
      });
      const sipp = await caller('support', { method, groups: [...CARD_GROUPS, cued('9')], hangUpAfterMs: 0 });
      try {
        const { conversationId, sessionId } = await server.secure(mark);
        const methods = methodsOf(conversationId);
        await server.keyCard(sessionId, () => sipp.cue());
        await server.paid(sessionId);
        await server.returned(sessionId);
        // The last cue lets the caller press once more, into the talk with the agent, and hang up.
        await sipp.cue();
        assert.deepEqual(await Promise.all([sipp.result, agent.result]), [OK, OK]);
        assert.deepEqual([...methods], [method]);
        const comfortMs = audio.heard.audibleMs(-Infinity, Infinity, COMFORT_DBFS);
        assert.ok(comfortMs > 2000, `the agent heard the comfort tone for ${comfortMs} ms`);
        assert.deepEqual(audio.heard.digits(), [], 'no key reached the agent, in any form');
        await server.leaveNothing();
      } finally {
        await Promise.all([sipp.stop(), agent.stop(), audio.close()]);
      }
    });
  }

  it('by tones, when it offers no telephone-event; neither hears the voice of the other', async () => {
    const { mark } = server;
    const [audio, agentAudio] = await Promise.all([openAudio(CALLER_HZ, 'PCMA'), openAudio(AGENT_HZ)]);
    const agent = await startSipp({ scenario: 'agent', port: agentPort, audioPort: agentAudio.port });
    const xml = scenario(
      call({ body: PLAIN_G711 }, { matching: 'm=audio [0-9]+ RTP/AVP 8 0' }),
      expectRequest('BYE', { timeoutMs: 60_000 }),
      answer('200 OK'),
    );
    const sipp = await startSipp({
      scenario: 'script',
      xml,
      target: server.target('support'),
      audioPort: audio.port,
    });
    try {
      await Promise.all([hears(audio, AGENT_HZ), hears(agentAudio, CALLER_HZ)]);
      const { conversationId, sessionId } = await server.secure(mark);
      const [callerFrom, agentFrom] = [deafFrom(audio, AGENT_HZ), deafFrom(agentAudio, CALLER_HZ)];
      const methods = methodsOf(conversationId);
      await server.keyCard(sessionId, async (field) => {
        const timing = { onMs: 80, offMs: 60, endCopies: 3 };
        await Promise.all([...CARD[field]].map((key) => audio.press(key, 'in-band', timing)));
      });
      await server.tacet.event(
        'secure.state',
        (event) => event.sessionId === sessionId && event.state === 'unshielding',
      );
      const until = performance.now();
      await server.paid(sessionId);
      assert.deepEqual([...methods], ['in-band']);
      assert.equal(agentAudio.heard.toneMs(CALLER_HZ, await agentFrom, until), 0);
      // Speech can hold a weak 2200 Hz for a packet; the agent's tone is at -10 dBFS.
      assert.equal(audio.heard.toneMs(AGENT_HZ, await callerFrom, until, -16), 0);
      assert.deepEqual(agentAudio.heard.digits(), []);
      await server.returned(sessionId);
      await Promise.all([hears(audio, AGENT_HZ), hears(agentAudio, CALLER_HZ)]);
      await server.tacet.app.calls.legs(conversationId).agent?.close();
      assert.deepEqual(await Promise.all([sipp.result, agent.result]), [OK, OK]);
      await server.leaveNothing();
    } finally {
      await Promise.all([sipp.stop(), agent.stop(), audio.close(), agentAudio.close()]);
    }
  });

  function caller(user: string, steps: CallSteps): Promise<Sipp> {
    const keyMs = steps.method === 'sip-info' ? 40 : 80;
    return startSipp({
      scenario: 'caller',
      target: server.target(user),
      steps: { keyMs, ...steps },
      deadlineMs: DEADLINE_MS,
    });
  }

  /** How the keys of the customer come in, from now on. */
  function methodsOf(conversationId: string): Set<DtmfMethod> {
    const methods = new Set<DtmfMethod>();
    server.tacet.app.calls.legs(conversationId).customer.onDigit(({ method }) => methods.add(method));
    return methods;
  }
});

const PLAIN_G711 = `v=0
o=sipp 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 8 0
a=ptime:20`;
