import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { SecureSessionView } from '../../server/call/views.js';
import { acknowledged } from '../kit/acknowledged.js';
import type { PhoneCall } from '../kit/phone-call.js';
import { STACK } from '../kit/tacet.js';
import { findLeaks, tells } from './leaks.js';
import { AGENT_HZ, CALLER_HZ, Scene, type Talk } from './scene.js';

const SHIELDS = ['agent-leg', 'media-server', ...(STACK.vault ? ['vault'] : []), 'log', 'events'];
const CANARY = { card: '378282246310005', securityCode: '9731' };

const VARIABLES = `variables:
  last4: { type: string }
  rating: { type: string }
  card: { type: secure }
  expiry: { type: secure }
  code: { type: secure }
  postal: { type: secure }
`;
const COLLECT = `    - { do: collectInput, field: cardNumber, into: secure.card, prompt: Card number. }
    - { do: extractSecureData, from: secure.card, transform: last4, into: flow.last4 }
    - { do: collectInput, field: expiry, into: secure.expiry, prompt: Expiry date. }
    - { do: collectInput, field: securityCode, card: secure.card, into: secure.code, prompt: Security code. }
    - { do: collectInput, field: postalCode, into: secure.postal, prompt: Postal code. }
`;
const CHARGE = `    - do: callSecureData
      connector: payment
      secureInputs: { cardNumber: secure.card, expiry: secure.expiry, securityCode: secure.code, postalCode: secure.postal }
      inputs: { amount: '1250', currency: '"EUR"' }
      processingAudio: Wait.
      into: charge
`;
const AGENT = '    - { do: transferToAgent, agent: any, onFailure: [{ do: disconnect }] }\n';
const ON_ERROR = `onError:
  - { do: playAudio, name: sorry, prompt: 'That did not work, {{ data.failure.reason }}.' }
  - { do: disconnect }
`;

const flow = (name: string, actions: string) =>
  acknowledged(`name: ${name}\ntype: inbound\n${VARIABLES}tasks:\n  main:\n${actions}${ON_ERROR}`);

const FLOWS = {
  shop: flow('shop', COLLECT + CHARGE + AGENT),
  /** A question in the open between card and charge. */
  apart: flow(
    'apart',
    `${COLLECT}    - { do: playAudio, name: between, prompt: 'Your card ends in {{ flow.last4 }}.' }\n${CHARGE}    - do: disconnect\n`,
  ),
  rated: flow(
    'rated',
    `    - { do: collectInput, field: cardNumber, into: secure.card, prompt: Card number. }
    - { do: collectInput, name: rate, field: digits, length: 1, attempts: 1, firstDigitTimeout: 2s, into: flow.rating, prompt: Rate us., onFailure: [] }
    - do: decision
      if: flow.rating == ""
      then: [{ do: wait, name: unrated, duration: 100ms }]
    - do: disconnect
`,
  ),
};

describe('secure actions in a plain flow', () => {
  let scene: Scene;
  let mark: number;
  before(async () => {
    const routes = Object.keys(FLOWS).map((name) => ({ user: name, flow: name }));
    scene = await Scene.start({ flows: FLOWS, config: { routes, log: { level: 'debug' } } });
  });
  afterEach(() => scene.hangUp());
  after(() => scene.close());

  async function dial(user: keyof typeof FLOWS): Promise<{ caller: PhoneCall; conversationId: string }> {
    mark = scene.tacet.mark;
    const caller = await scene.dial(user);
    const { conversationId } = await scene.tacet.event('conversation.started', ({ seq }) => seq > mark);
    return { caller, conversationId };
  }
  /** The n-th session of this call, once it is active. */
  async function active(conversationId: string, known: readonly string[] = []): Promise<string> {
    const event = await scene.tacet.event(
      'secure.state',
      (one) =>
        one.conversationId === conversationId && one.state === 'active' && !known.includes(one.sessionId),
      30_000,
    );
    return event.sessionId;
  }
  const action = (conversationId: string, name: string) =>
    scene.tacet.event(
      'flow.action',
      (one) => one.conversationId === conversationId && one.name === name,
      30_000,
    );
  const callEnd = (conversationId: string) =>
    scene.tacet.event('conversation.ended', (one) => one.conversationId === conversationId, 30_000);
  async function sessions(conversationId: string): Promise<readonly SecureSessionView[]> {
    const path = `/api/v1/conversations/${conversationId}/secure-sessions`;
    const { body } = await scene.tacet.api<{ secureSessions: readonly SecureSessionView[] }>('GET', path);
    return body.secureSessions;
  }
  const shieldsOf = (sessionId: string) =>
    scene.tacet.events.flatMap((event) => {
      if (event.type === 'secure.shield' && event.sessionId === sessionId)
        return [`${event.shield} ${event.change}`];
      if (event.type === 'secure.state' && event.sessionId === sessionId) return [event.state];
      return event.type === 'participant.ended' && event.seq > mark && event.role === 'customer'
        ? ['hung up']
        : [];
    });

  it('one run of them is one session, left before the agent is rung; the canary is found nowhere', async () => {
    const agentCall = new Promise<PhoneCall>((resolve, reject) => {
      scene.agentPhone.onCall((incoming) => {
        incoming.ring();
        incoming.answer().then((call) => {
          call.tone(AGENT_HZ);
          resolve(call);
        }, reject);
      });
    });
    const { caller, conversationId } = await dial('shop');
    caller.tone(CALLER_HZ);
    const sessionId = await active(conversationId);
    await scene.keyCard(
      sessionId,
      caller,
      { onMs: 80, offMs: 60 },
      {
        cardNumber: CANARY.card,
        securityCode: CANARY.securityCode,
      },
    );
    const ended = await scene.state(sessionId, 'ended');
    assert.equal(ended.end, 'completed');
    const agent = await agentCall;
    await agent.waitForAudio({ hz: CALLER_HZ, deadlineMs: 10_000 });
    assert.deepEqual(shieldsOf(sessionId), [
      'requested',
      'shielding',
      ...SHIELDS.map((shield) => `${shield} engaged`),
      'active',
      'unshielding',
      ...SHIELDS.toReversed().map((shield) => `${shield} released`),
      'ended',
    ]);
    const ringing = scene.tacet.events.find(({ type, seq }) => type === 'participant.ringing' && seq > mark);
    assert.ok((ringing?.seq ?? 0) > ended.seq, 'the agent is rung after the session');
    const { participantId } = await scene.tacet.event('participant.connected', ({ seq }) => seq > mark);
    assert.equal((await sessions(conversationId)).length, 1);
    const paid = scene.tacet.events.filter((event) => event.type === 'secure.data' && event.seq > mark);
    assert.deepEqual(
      paid.map((event) => event.type === 'secure.data' && event.status),
      ['calling', 'approved'],
    );
    const talk: Talk = { conversationId, agentParticipantId: participantId, caller, agent };
    assert.deepEqual(await findLeaks(scene, talk, CANARY), []);
    await scene.leaveNothing(caller, agent);
  });

  it('two runs apart are two sessions, and the second has what was keyed in the first', async () => {
    const { caller, conversationId } = await dial('apart');
    const first = await active(conversationId);
    await scene.keyCard(first, caller);
    assert.equal((await scene.state(first, 'ended')).end, 'completed');
    const second = await active(conversationId, [first]);
    assert.equal((await caller.ended).by, 'them');
    await callEnd(conversationId);
    const views = await sessions(conversationId);
    assert.deepEqual(
      views.map(({ id, end, result }) => [id, end, result.status]),
      [
        [first, 'completed', undefined],
        [second, 'disconnected', 'approved'],
      ],
    );
    // The flow ends in secure mode: nobody is there any more when the shields come down.
    assert.deepEqual(shieldsOf(second).slice(-SHIELDS.length - 2), [
      'hung up',
      ...SHIELDS.toReversed().map((shield) => `${shield} released`),
      'ended',
    ]);
    await scene.leaveNothing(caller);
  });

  it('surplus keys reach no later action', async () => {
    const { caller, conversationId } = await dial('rated');
    const sessionId = await active(conversationId);
    await scene.key(sessionId, caller, 'cardNumber');
    await scene.state(sessionId, 'unshielding');
    await caller.press('7777', { onMs: 80, offMs: 200 });
    await scene.state(sessionId, 'ended');
    await action(conversationId, 'unrated');
    assert.equal((await caller.ended).by, 'them');
    await scene.leaveNothing(caller);
  });

  it('a key in time reaches the action after them', async () => {
    const { caller, conversationId } = await dial('rated');
    const sessionId = await active(conversationId);
    await scene.key(sessionId, caller, 'cardNumber');
    await scene.state(sessionId, 'ended');
    await caller.waitForAudio({ minMs: 600 });
    // The call may end while the key is still being released.
    await Promise.allSettled([caller.press('7')]);
    assert.equal((await caller.ended).by, 'them');
    assert.ok(
      !scene.tacet.events.some(
        (event) => event.type === 'flow.action' && event.seq > mark && event.name === 'unrated',
      ),
    );
    await scene.leaveNothing(caller);
  });

  it('a hang-up in the middle leaves nothing', async () => {
    const { caller, conversationId } = await dial('shop');
    const sessionId = await active(conversationId);
    await scene.asked(sessionId, 'cardNumber');
    await caller.press(CANARY.card.slice(0, 8), { onMs: 60, offMs: 40 });
    await caller.hangUp();
    assert.equal((await callEnd(conversationId)).end, 'customer-hung-up');
    const [session] = await sessions(conversationId);
    assert.deepEqual([session?.end, session?.shields], ['customer-hung-up', []]);
    await scene.leaveNothing(caller);
    assert.ok(!scene.tacet.logLines.some((line) => tells(line, CANARY)));
  });

  it('a shield that fails: nothing is asked, the error path runs in the open', async () => {
    const { media } = scene.tacet.app;
    const { secureFault } = media;
    media.secureFault = async () => 'it keeps what callers key in';
    try {
      const { caller, conversationId } = await dial('shop');
      await action(conversationId, 'sorry');
      assert.equal((await caller.ended).by, 'them');
      const [session] = await sessions(conversationId);
      assert.deepEqual([session?.end, session?.shields], ['shield-failed', []]);
      assert.match(session?.reason ?? '', /media-server.*it keeps what callers key in/);
      const asked = scene.tacet.events.filter(
        (event) => event.type === 'secure.progress' && event.seq > mark,
      );
      assert.deepEqual(asked, []);
      await scene.leaveNothing(caller);
    } finally {
      media.secureFault = secureFault;
    }
  });

  it('a cancelled session takes the error path, and no agent gets a session meanwhile', async () => {
    const { caller, conversationId } = await dial('shop');
    const sessionId = await active(conversationId);
    await scene.asked(sessionId, 'cardNumber');
    const path = `/api/v1/conversations/${conversationId}/secure-sessions`;
    const { body } = await scene.tacet.api<{ participants: { id: string }[] }>(
      'GET',
      `/api/v1/conversations/${conversationId}`,
    );
    const request = { flow: 'short-payment', sourceParticipantId: body.participants[0]?.id };
    assert.equal((await scene.tacet.api('POST', path, request)).status, 403);
    assert.equal((await scene.tacet.api('DELETE', `${path}/${sessionId}`)).status, 202);
    assert.equal((await scene.state(sessionId, 'ended')).end, 'cancelled');
    await action(conversationId, 'sorry');
    assert.equal((await caller.ended).by, 'them');
    await scene.leaveNothing(caller);
  });
});
