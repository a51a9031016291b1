import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Gateway, ReceivedCard, Reply } from '../kit/gateway.js';
import { Account, agentData, CARD, CODE, NEVER, pay, start, told } from './gateway-scene.js';
import { tells } from './leaks.js';
import { AGENT_HZ, CALLER_HZ, type Scene } from './scene.js';

interface Case {
  readonly gateway: string;
  readonly flow?: string;
  readonly script: readonly Reply[];
  readonly status: 'approved' | 'declined' | 'in-doubt' | 'error';
  readonly reason: string;
  readonly requests: number;
  readonly charges: number;
}

const text = (http: number, body: string, charges = false): Reply => ({ do: 'answer', http, body, charges });
const RESET: Reply = { do: 'reset', charges: true };
const GARBAGE = text(200, '<html>\u0000 {"status":', true);

const CASES: readonly Case[] = [
  {
    gateway: 'is down',
    flow: 'payment-nowhere',
    script: [],
    status: 'error',
    reason: 'gateway-unreachable',
    requests: 0,
    charges: 0,
  },
  {
    gateway: 'never answers',
    script: [NEVER, NEVER],
    status: 'in-doubt',
    reason: 'no-answer',
    requests: 2,
    charges: 1,
  },
  {
    gateway: 'answers the second try',
    script: [NEVER],
    status: 'approved',
    reason: '',
    requests: 2,
    charges: 1,
  },
  {
    gateway: 'resets after the body, then answers',
    script: [RESET],
    status: 'approved',
    reason: '',
    requests: 2,
    charges: 1,
  },
  {
    gateway: 'resets after the body each time',
    script: [RESET, RESET],
    status: 'in-doubt',
    reason: 'connection-lost',
    requests: 2,
    charges: 1,
  },
  {
    gateway: 'breaks off in the middle of an approval',
    script: [
      { do: 'half', charges: true },
      { do: 'half', charges: true },
    ],
    status: 'in-doubt',
    reason: 'connection-lost',
    requests: 2,
    charges: 1,
  },
  {
    gateway: 'answers garbage',
    script: [GARBAGE, GARBAGE],
    status: 'in-doubt',
    reason: 'unreadable-answer',
    requests: 2,
    charges: 1,
  },
  {
    gateway: 'answers 503 each time',
    script: [text(503, 'busy'), text(503, 'busy')],
    status: 'in-doubt',
    reason: 'http-503',
    requests: 2,
    charges: 0,
  },
  {
    gateway: 'answers 500, then approves',
    script: [text(500, '')],
    status: 'approved',
    reason: '',
    requests: 2,
    charges: 1,
  },
  {
    gateway: 'declines',
    script: [{ do: 'decline' }],
    status: 'declined',
    reason: 'do-not-honour',
    requests: 1,
    charges: 0,
  },
  {
    gateway: 'refuses the request',
    script: [text(400, '{"reason":"unknown merchant"}')],
    status: 'error',
    reason: 'unknown-merchant',
    requests: 1,
    charges: 0,
  },
];

describe('a gateway that fails', () => {
  let scene: Scene;
  let gateway: Gateway;
  before(async () => {
    ({ scene, gateway } = await start());
  });
  afterEach(() => scene.hangUp());
  after(async () => {
    await scene.close();
    await gateway.close();
  });

  for (const { gateway: how, flow, script, status, reason, requests, charges } of CASES) {
    it(`and ${how}: the caller is told, the agent gets the caller back with ${status}`, async () => {
      const account = new Account(gateway, ...script);
      const talk = await scene.talk();
      const sessionId = await pay(scene, talk, flow);
      const { data, participantId } = await agentData(scene, sessionId);
      assert.equal(data.status, status);
      assert.equal(data.reason, reason);
      assert.equal(participantId, talk.agentParticipantId);
      assert.deepEqual(told(scene.tacet.events, talk), [status === 'in-doubt' ? 'inDoubt' : status]);
      assert.equal(account.requests.length, requests);
      assert.equal(account.keys, Math.min(1, requests), 'each try has the same idempotency key');
      assert.equal(account.charges, charges, 'nothing is charged twice');
      assert.equal((await scene.state(sessionId, 'ended')).end, 'returned');
      await talk.agent.waitForAudio({ hz: CALLER_HZ });
      await talk.caller.waitForAudio({ hz: AGENT_HZ });
      await scene.leaveNothing(talk.caller, talk.agent);
    });
  }

  it('and is slow: the caller hears that the payment is being made', async () => {
    const account = new Account(gateway, { do: 'hold' });
    const talk = await scene.talk();
    const sessionId = await pay(scene, talk);
    await account.received(1);
    await talk.caller.waitForAudio({ minMs: 200 });
    assert.deepEqual(told(scene.tacet.events, talk), []);
    gateway.release();
    assert.equal((await agentData(scene, sessionId)).data.status, 'approved');
    assert.deepEqual(told(scene.tacet.events, talk), ['approved']);
    await scene.leaveNothing(talk.caller, talk.agent);
  });

  it('and echoes the card: neither the agent nor anybody else sees it', async () => {
    const echo = ({ number, securityCode }: ReceivedCard) => ({
      number,
      note: `card ${number}`,
      securityCode,
    });
    const account = new Account(gateway, { do: 'approve', outputs: echo });
    const talk = await scene.talk();
    const sessionId = await pay(scene, talk);
    const { data } = await agentData(scene, sessionId);
    assert.equal(data.status, 'approved');
    assert.equal(data.note, '');
    await scene.state(sessionId, 'ended');
    assert.equal(account.requests[0]?.body.card.number, CARD, 'the gateway did get the card');
    const written = [...scene.tacet.logLines, ...scene.tacet.events.map((event) => JSON.stringify(event))];
    assert.deepEqual(
      written.filter((line) => tells(line, { card: CARD, securityCode: CODE })),
      [],
    );
    await scene.leaveNothing(talk.caller, talk.agent);
  });

  it('and declines: a second session is a charge of its own', async () => {
    const account = new Account(gateway, { do: 'decline' });
    const talk = await scene.talk();
    const first = await pay(scene, talk);
    assert.equal((await agentData(scene, first)).data.status, 'declined');
    await scene.state(first, 'ended');
    const second = await pay(scene, talk);
    assert.equal((await agentData(scene, second)).data.status, 'approved');
    assert.equal(account.keys, 2);
    assert.equal(account.charges, 1);
    await scene.leaveNothing(talk.caller, talk.agent);
  });

  it('and leaves a charge in doubt: the flow of the library says so', async () => {
    const account = new Account(gateway, NEVER, NEVER);
    const talk = await scene.talk();
    const sessionId = await scene.secure(talk, { flow: 'card-payment' });
    await scene.keyCard(
      sessionId,
      talk.caller,
      { method: 'sip-info', onMs: 20, offMs: 0 },
      { cardNumber: `${CARD}#` },
    );
    const { data } = await agentData(scene, sessionId);
    assert.equal(data.status, 'in-doubt');
    assert.equal(data.last4, '1486');
    assert.equal(data.amount, 1250);
    const paths = scene.tacet.events.flatMap((event) =>
      event.type === 'flow.action' && event.conversationId === talk.conversationId ? [event.path] : [],
    );
    assert.match(String(paths.at(-2)), /onInDoubt\[0\]$/);
    assert.equal(account.charges, 1);
    await scene.leaveNothing(talk.caller, talk.agent);
  });
});
