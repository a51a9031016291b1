import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { CallEvent } from '../../server/call/events.js';
import { liveSecureValues } from '../../server/secure/secure-value.js';
import { within } from '../kit/deadline.js';
import { Gateway, type ReceivedCard, type Reply } from '../kit/gateway.js';
import { tells } from './leaks.js';
import { AGENT_HZ, CALLER_HZ, Scene, type Talk } from './scene.js';

const CARD = '4539578763621486';
const CODE = '739';
const TIMEOUT_MS = 600;

/** Card and security code, then a charge whose paths each say a word of their own. */
const payment = (name: string, connector: string) => `
name: ${name}
type: secure
variables: { card: { type: secure }, code: { type: secure } }
tasks:
  main:
    - { do: collectInput, field: cardNumber, into: secure.card, prompt: Card number. }
    - { do: collectInput, field: securityCode, card: secure.card, into: secure.code, prompt: Security code. }
    - do: callSecureData
      connector: ${connector}
      secureInputs: { cardNumber: secure.card, securityCode: secure.code }
      inputs: { amount: '1250', currency: '"EUR"' }
      processingAudio: Wait.
      into: charge
      onApproved:
        - { do: playAudio, name: approved, prompt: Paid. }
        - &return { do: returnToAgent, data: { status: data.charge.status, reason: data.charge.reason, confirmation: 'get(data.charge, "confirmation", "")', note: 'get(data.charge, "note", "")' } }
      onDeclined: [{ do: playAudio, name: declined, prompt: Declined. }, *return]
      onInDoubt: [{ do: playAudio, name: inDoubt, prompt: Not known. }, *return]
      onError: [{ do: playAudio, name: error, prompt: Failed. }, *return]
`;

const FLOWS = {
  payment: payment('payment', 'payment'),
  'payment-nowhere': payment('payment-nowhere', 'nowhere'),
};

const connector = (url: string) => ({
  type: 'https',
  url,
  allowInsecureHttp: true,
  timeoutMs: TIMEOUT_MS,
  retries: 1,
});

/** A gateway, a port where nobody listens, and a scene whose connectors name both. */
async function start(): Promise<{ scene: Scene; gateway: Gateway }> {
  const gone = await Gateway.start();
  const nowhere = connector(gone.url);
  await gone.close();
  const gateway = await Gateway.start();
  const connectors = { payment: connector(gateway.url), nowhere };
  return { gateway, scene: await Scene.start({ flows: FLOWS, config: { connectors } }) };
}

/** Starts a session and keys in card and code; resolves with the session's identifier. */
async function pay(scene: Scene, talk: Talk, flow = 'payment'): Promise<string> {
  const sessionId = await scene.secure(talk, { flow });
  const fast = { method: 'sip-info', onMs: 20, offMs: 0 } as const;
  await scene.key(sessionId, talk.caller, 'cardNumber', `${CARD}#`, fast);
  await scene.key(sessionId, talk.caller, 'securityCode', CODE, fast);
  return sessionId;
}

const agentData = (scene: Scene, sessionId: string) =>
  scene.tacet.event('agent.data', (event) => event.sessionId === sessionId, 30_000);

/** What the caller was told: the names of the prompts after the charge was answered. */
function told(events: readonly CallEvent[], talk: Talk): string[] {
  return events.flatMap((event) =>
    event.type === 'flow.action' &&
    event.conversationId === talk.conversationId &&
    event.action === 'playAudio'
      ? [event.name]
      : [],
  );
}

/** What one test made the gateway do. */
class Account {
  readonly #gateway: Gateway;
  readonly #requests: number;
  readonly #charges: number;

  constructor(gateway: Gateway, ...script: readonly Reply[]) {
    this.#gateway = gateway;
    this.#requests = gateway.requests.length;
    this.#charges = gateway.charges;
    gateway.script(...script);
  }

  get requests() {
    return this.#gateway.requests.slice(this.#requests);
  }

  get charges(): number {
    return this.#gateway.charges - this.#charges;
  }

  get keys(): number {
    return new Set(this.requests.map(({ headers }) => headers['idempotency-key'])).size;
  }

  received(count: number): Promise<void> {
    return this.#gateway.received(this.#requests + count);
  }
}

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
const NEVER: Reply = { do: 'never', charges: true };
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

describe('a charge in flight', () => {
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

  /** A session whose charge has reached the gateway, which has not answered. */
  async function charging(...script: readonly Reply[]) {
    const account = new Account(gateway, ...script);
    const talk = await scene.talk();
    const sessionId = await pay(scene, talk);
    await account.received(1);
    return { account, talk, sessionId };
  }

  const ended = (talk: Talk) =>
    scene.tacet.event('conversation.ended', ({ conversationId }) => conversationId === talk.conversationId);

  for (const who of ['caller', 'both'] as const) {
    it(`is awaited when the ${who} hung up, and its verdict published`, async () => {
      const { account, talk, sessionId } = await charging({ do: 'hold' });
      await talk.caller.hangUp();
      if (who === 'both') await talk.agent.hangUp();
      gateway.release();
      const { data, participantId } = await agentData(scene, sessionId);
      assert.equal(data.status, 'approved');
      assert.match(String(data.confirmation), /^\d{6}$/);
      assert.equal(participantId, who === 'both' ? null : talk.agentParticipantId);
      assert.equal((await ended(talk)).end, 'customer-hung-up');
      assert.equal(account.charges, 1);
      await scene.leaveNothing(talk.caller, talk.agent);
    });
  }

  it('is awaited when the agent hung up; the caller is told, then disconnected', async () => {
    const { account, talk, sessionId } = await charging({ do: 'hold' });
    await talk.agent.hangUp();
    gateway.release();
    const { data, participantId } = await agentData(scene, sessionId);
    assert.equal(data.status, 'approved');
    assert.equal(participantId, null);
    assert.deepEqual(told(scene.tacet.events, talk), ['approved']);
    assert.equal((await talk.caller.ended).by, 'them');
    assert.equal((await ended(talk)).end, 'agent-gone');
    assert.equal(account.charges, 1);
    await scene.leaveNothing(talk.caller, talk.agent);
  });

  it('stays in doubt when the caller hung up and no answer came', async () => {
    const { account, talk, sessionId } = await charging(NEVER, NEVER);
    await talk.caller.hangUp();
    const { data } = await agentData(scene, sessionId);
    assert.deepEqual(
      { status: data.status, reason: data.reason },
      { status: 'in-doubt', reason: 'no-answer' },
    );
    assert.equal(account.charges, 1);
    await scene.leaveNothing(talk.caller, talk.agent);
  });

  it('is awaited when the session is cancelled, and its verdict reported', async () => {
    const { account, talk, sessionId } = await charging({ do: 'hold' });
    const path = `/api/v1/conversations/${talk.conversationId}/secure-sessions/${sessionId}`;
    const cancelled = await scene.tacet.api<{ state: string }>('DELETE', path);
    assert.equal(cancelled.status, 202);
    assert.equal(cancelled.body.state, 'active', 'the charge is not given up');
    gateway.release();
    const { data } = await agentData(scene, sessionId);
    assert.equal(data.status, 'approved');
    assert.equal((await scene.state(sessionId, 'ended')).end, 'cancelled');
    await talk.agent.waitForAudio({ hz: CALLER_HZ });
    assert.equal(account.charges, 1);
    await scene.leaveNothing(talk.caller, talk.agent);
  });
});

describe('a server that stops', () => {
  it('ends in bounded time while a charge is in flight, and says that it is in doubt', async () => {
    const { scene, gateway } = await start();
    try {
      const account = new Account(gateway, NEVER);
      const talk = await scene.talk();
      const sessionId = await pay(scene, talk);
      await account.received(1);
      await within(scene.tacet.app.close(), 3000, 'the server closed');
      const { data } = await agentData(scene, sessionId);
      assert.deepEqual(
        { status: data.status, reason: data.reason },
        { status: 'in-doubt', reason: 'cancelled' },
      );
      assert.equal((await scene.state(sessionId, 'ended')).end, 'shutdown');
      assert.equal((await talk.caller.ended).by, 'them');
      assert.equal((await talk.agent.ended).by, 'them');
      await gateway.idle();
      const { app } = scene.tacet;
      assert.deepEqual([liveSecureValues(), app.agents.reservedCount, app.dialogs], [0, 0, 0]);
    } finally {
      await scene.close();
      await gateway.close();
    }
  });
});
