import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { CaptureCommand, DataResult } from '../../flows/commands.js';
import type { TacetError } from '../../server/errors.js';
import { liveSecureValues } from '../../server/secure/secure-value.js';
import { within } from '../kit/deadline.js';
import { CARD, CODE, World, type WorldOptions } from './secure-world.js';

const APPROVED: DataResult = { status: 'approved', reason: '', outputs: {} };

describe('secure session', { timeout: 30_000 }, () => {
  let world: World;
  /** Secure values alive when the session ended. */
  let left: number | null;

  async function begin(options: WorldOptions = {}, request = {}): Promise<void> {
    left = null;
    world = new World(options);
    world.events.subscribe((event) => {
      if (event.type === 'secure.state' && event.state === 'ended') left = liveSecureValues();
    });
    await world.talk();
    await world.start(request);
    await world.asked('cardNumber');
  }
  async function pay(): Promise<void> {
    await world.key('cardNumber', `${CARD}#`);
    await world.key('securityCode', CODE);
  }
  async function ended(): Promise<void> {
    await world.state('ended');
    assert.equal(left, 0, 'no secure value is left when the session has ended');
  }
  const code = (expected: string) => (error: unknown) => (error as TacetError).code === expected;
  const joined = () => world.bridges.map(({ state }) => state);

  afterEach(async () => {
    world.customer?.farEndHangsUp();
    await within(world.calls.whenIdle(), 5000, 'the end of the call');
    assert.equal(liveSecureValues(), 0);
    assert.equal(world.media.open, 0);
  });

  it('leaves the agent alone with a comfort tone, reserved', async () => {
    await begin();
    const [customer, agent] = world.media.endpoints;
    assert.deepEqual([customer?.peer, agent?.peer, agent?.loop], [null, null, 'comfort-tone']);
    assert.deepEqual([customer?.relaysKeys, agent?.relaysKeys], [false, true], "the caller's keys stay here");
    assert.equal(world.agents.reserve('any', new Set()), null);
    const parties = world.calls.get(world.conversationId).participants.map(({ state }) => state);
    assert.deepEqual(parties, ['connected', 'parked']);
    assert.deepEqual(world.session().shields, ['agent-leg', 'media-server', 'log', 'events']);
  });

  it('joins the two only after the guard', async () => {
    await begin({ guardMs: 100 });
    await pay();
    const lastKey = performance.now();
    await ended();
    assert.deepEqual(joined(), ['none', 'unshielding']);
    assert.ok((world.bridges[1]?.at ?? 0) - lastKey >= 99);
  });

  it('has no digit left while it waits for the guard', async () => {
    await begin({ guardMs: 200 });
    await pay();
    await world.state('unshielding');
    assert.equal(world.sessionState, 'unshielding');
    assert.equal(liveSecureValues(), 0);
  });

  it('shows what a gateway says of a charge in doubt when the session is over, beside its result', async () => {
    let settle = (_status: 'approved') => {};
    const later = new Promise<'approved'>((resolve) => {
      settle = resolve;
    });
    await begin({ charge: async () => ({ status: 'in-doubt', reason: 'no-answer', outputs: {}, later }) });
    await pay();
    await ended();
    assert.deepEqual(world.session().reconciled, []);
    settle('approved');
    await later;
    const { result, reconciled, id: sessionId } = world.session();
    const [idempotencyKey] = world.charges;
    assert.equal(result.status, 'in-doubt');
    assert.deepEqual(
      reconciled.map(({ at: _at, ...rest }) => rest),
      [{ idempotencyKey, status: 'approved' }],
    );
    const event = world.seen.find(({ type }) => type === 'payment.reconciled');
    const { seq: _seq, at: _at, conversationId: _id, ...body } = event ?? assert.fail('an event');
    assert.deepEqual(body, { type: 'payment.reconciled', sessionId, idempotencyKey, status: 'approved' });
    assert.equal(world.charges.length, 1);
  });

  it('has no security code left after the charge, approved or not', async () => {
    for (const status of ['approved', 'declined', 'in-doubt', 'error'] as const) {
      let after: number | null = null;
      await begin({ charge: async () => ({ status, reason: 'x', outputs: {} }) });
      world.events.subscribe((event) => {
        if (event.type === 'secure.data' && event.status === status) after = liveSecureValues();
      });
      await pay();
      await ended();
      assert.equal(after, 1, `${status}: the card is left, the code is not`);
      world.customer?.farEndHangsUp();
      await world.calls.whenIdle();
    }
  });

  it('zeroes a field that is asked for again', async () => {
    await begin();
    await world.key('cardNumber', '4242424242424241#');
    await world.asked('cardNumber', 2);
    assert.equal(liveSecureValues(), 1);
    await pay();
    await ended();
  });

  const command = (wanted: CaptureCommand) =>
    world.calls.commandCapture(world.conversationId, world.sessionId ?? '', wanted, 'crm');

  it('takes commands of the agent, told by name and token before what they do, and never a digit', async () => {
    let charged = '';
    await begin({
      charge: async ({ secure }) => {
        charged = secure.get('cardNumber')?.use('extract', (keyed) => Buffer.from(keyed).toString()) ?? '';
        return APPROVED;
      },
    });
    world.caller?.press('41110');
    assert.equal((await command({ do: 'clear' })).state, 'active');
    const [taken, told] = world.seen.slice(-2);
    assert.deepEqual(
      { ...taken, seq: 0, at: '' },
      {
        type: 'secure.command',
        sessionId: world.sessionId,
        command: 'clear',
        by: 'crm',
        seq: 0,
        at: '',
        conversationId: world.conversationId,
      },
    );
    const progress = {
      field: 'cardNumber',
      name: 'card',
      state: 'cleared',
      entered: 0,
      masked: '',
      min: 12,
      max: 19,
      attempt: 1,
      error: null,
      required: ['card'],
    };
    assert.deepEqual(told?.type === 'secure.progress' && told.progress, progress);
    await assert.rejects(command({ do: 'focus', field: CARD }), code('command-refused'));
    // The end of what was thrown away.
    world.caller?.press('#');
    await pay();
    await ended();
    assert.equal(charged, CARD);
    const counts = world.seen.flatMap((event) =>
      event.type === 'secure.progress' &&
      event.progress.name === 'code' &&
      event.progress.state === 'entering'
        ? [event.progress.entered]
        : [],
    );
    assert.deepEqual(counts, [1, 2, 3], 'one event a key');
    assert.ok(!JSON.stringify(world.seen).includes('4111'));
  });

  it('takes no command where nothing is keyed', async () => {
    let finish = (_result: DataResult) => {};
    const charge = new Promise<DataResult>((resolve) => {
      finish = resolve;
    });
    await begin({ charge: () => charge });
    const { conversationId } = world;
    const sessionId = world.sessionId ?? '';
    const clear = { do: 'clear' } as const;
    await assert.rejects(
      world.calls.commandCapture('none', sessionId, clear, null),
      code('conversation-not-found'),
    );
    await assert.rejects(
      world.calls.commandCapture(conversationId, 'none', clear, null),
      code('session-not-found'),
    );
    await pay();
    await world.until(({ type }) => type === 'secure.data');
    await assert.rejects(command(clear), code('no-field-open'));
    finish(APPROVED);
    await ended();
    await assert.rejects(command(clear), code('session-ended'));
    assert.ok(!world.seen.some(({ type }) => type === 'secure.command'), 'what was refused is no event');
  });

  it('is not made longer by time that the agent adds', async () => {
    await begin({ maxSessionMs: 50 });
    await command({ do: 'extendTime', ms: 300_000 });
    await ended();
    assert.equal(world.session().end, 'flow-error');
  });

  it('hides an echo of the card in what the gateway says', async () => {
    const echo: DataResult = { status: 'declined', reason: `no ${CARD}`, outputs: { note: CARD } };
    await begin({ charge: async () => echo });
    await pay();
    await ended();
    assert.ok(!JSON.stringify([world.seen, world.session()]).includes(CARD));
    assert.equal(world.session().result.reason, '[redacted]');
  });

  it('hides the card where the request already held it', async () => {
    await begin({}, { invocationData: `for card ${CARD}` });
    await pay();
    await ended();
    assert.equal(world.session().result.asked, '[redacted]');
  });

  it('goes on in the language that the caller chose in the flow before', async () => {
    const languages = 'languages: [en-US, de-DE]';
    const flows = [
      `name: reception
type: inbound
${languages}
tasks:
  main:
    - { do: setLanguage, language: de-DE }
    - { do: transferToAgent, agent: any, onFailure: [{ do: disconnect }] }
`,
      `name: payment
type: secure
${languages}
variables: { card: { type: secure }, before: { type: string } }
tasks:
  main:
    - { do: setVariables, set: { flow.before: call.language } }
    - { do: setLanguage, language: en-US }
    - { do: collectInput, field: cardNumber, into: secure.card, prompt: { en-US: a, de-DE: { file: a.wav } } }
    - { do: returnToAgent, data: { before: flow.before, after: call.language } }
`,
    ];
    await begin({ flows });
    await world.key('cardNumber', `${CARD}#`);
    await ended();
    assert.deepEqual(world.session().result, { before: 'de-DE', after: 'en-US' });
  });

  it('ends the call when it is cancelled after the agent has gone', async () => {
    await begin();
    world.agent?.farEndHangsUp();
    await world.calls.cancelSecureSession(world.conversationId, world.sessionId ?? '');
    await ended();
    assert.equal(world.session().end, 'agent-gone');
    assert.deepEqual(joined(), ['none']);
  });

  it('waits for a charge that a cancel, or a hang-up of the agent, finds under way, and charges once', async () => {
    for (const interrupt of ['cancel', 'agent'] as const) {
      let finish = (_result: DataResult) => {};
      const charge = new Promise<DataResult>((resolve) => {
        finish = resolve;
      });
      await begin({ charge: () => charge });
      await pay();
      await world.until(({ type }) => type === 'secure.data');
      if (interrupt === 'agent') world.agent?.farEndHangsUp();
      else await world.calls.cancelSecureSession(world.conversationId, world.sessionId ?? '');
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(world.sessionState, 'active', 'the charge is waited for');
      finish(APPROVED);
      await ended();
      assert.equal(world.session().end, interrupt === 'agent' ? 'agent-gone' : 'cancelled');
      assert.equal(world.session().result.status, 'approved');
      assert.equal(world.charges.length, 1);
      world.customer?.farEndHangsUp();
      await world.calls.whenIdle();
    }
  });

  it('ends the call when the charge fails in a way nobody foresaw', async () => {
    await begin({ charge: () => Promise.reject(new Error(CARD)) });
    await pay();
    await ended();
    assert.equal(world.session().end, 'flow-error');
    assert.deepEqual(joined(), ['none']);
    await within(world.calls.whenIdle(), 5000, 'the end of the call');
  });

  it('ends the call when it takes too long: nobody is joined by a time-out', async () => {
    await begin({ maxSessionMs: 50 });
    await ended();
    assert.equal(world.session().end, 'flow-error');
    assert.deepEqual(joined(), ['none']);
    await within(world.calls.whenIdle(), 5000, 'the end of the call');
    assert.deepEqual([world.customer?.over, world.agent?.over], [true, true]);
  });

  it('ends the call when the agent is gone: nobody is joined', async () => {
    await begin();
    world.agent?.farEndHangsUp();
    await world.until((event) => event.type === 'participant.ended' && event.role === 'agent');
    assert.deepEqual([world.media.open, world.agents.reservedCount], [1, 0], 'the agent is free at once');
    await pay();
    await ended();
    assert.equal(world.session().end, 'agent-gone');
    assert.deepEqual(joined(), ['none']);
    await within(world.calls.whenIdle(), 5000, 'the end of the call');
    assert.equal(world.customer?.over, true);
  });

  for (const [what, happens, end] of [
    ['the server ends', () => void world.calls.close(), 'shutdown'],
    ['the caller hangs up', () => world.customer?.farEndHangsUp(), 'customer-hung-up'],
    ['the agent hangs up', () => world.agent?.farEndHangsUp(), 'agent-gone'],
    ['the engine is lost', () => world.media.lose(), 'customer-hung-up'],
  ] as const) {
    it(`joins nobody when ${what} during the guard`, async () => {
      await begin({ guardMs: 5000 });
      await pay();
      await world.state('unshielding');
      happens();
      await ended();
      assert.equal(world.session().end, end);
      assert.deepEqual(joined(), ['none']);
    });
  }

  it('joins nobody when the endpoint cannot say whether a key is down', async () => {
    await begin({
      onStep: (_step, operation) => {
        if (operation === 'state' && world.sessionState === 'unshielding') throw new Error('no answer');
      },
    });
    await pay();
    await ended();
    assert.equal(world.session().end, 'flow-error');
    assert.deepEqual(joined(), ['none']);
  });

  it('hangs up on the agent at the start when asked to, and joins nobody', async () => {
    await begin({}, { disconnect: true });
    assert.equal(world.agent?.over, true);
    await pay();
    await ended();
    assert.deepEqual([world.session().end, joined()], ['disconnected', ['none']]);
  });

  it('is refused when a shield does not engage: no prompt, the two go on talking', async () => {
    left = null;
    world = new World({
      onStep: (_step, operation) => {
        if (operation === 'state' && world.sessionState === 'shielding') throw new Error('no answer');
      },
    });
    await world.talk();
    await world.start();
    await world.state('ended');
    const { end, reason, shields } = world.session();
    assert.deepEqual([end, reason, shields], ['shield-failed', 'the shield agent-leg did not engage', []]);
    assert.deepEqual([...world.playedIn], []);
    assert.equal(world.caller?.peer, world.media.endpoints[1]);
    assert.equal(world.calls.get(world.conversationId).state, 'talking');
  });

  it('ends the call when it is refused and the two cannot be joined again', async () => {
    left = null;
    world = new World({
      onStep: (_step, operation) => {
        if (operation === 'bridge' && world.sessionId) throw new Error('no answer');
        if (operation === 'state' && world.sessionState === 'shielding') throw new Error('no answer');
      },
    });
    await world.talk();
    await world.start();
    await world.state('ended');
    await within(world.calls.whenIdle(), 5000, 'the end of the call');
    assert.deepEqual([world.customer?.over, world.agent?.over], [true, true]);
    assert.equal(world.calls.get(world.conversationId).end, 'media-failed');
    assert.equal(world.session().reason, 'the shield agent-leg did not engage');
  });

  it('is over when the server ends, without waiting for the caller', async () => {
    await begin();
    const closed = world.calls.close();
    await ended();
    await within(closed, 5000, 'the end of the server');
    assert.deepEqual([world.session().end, joined()], ['shutdown', ['none']]);
    assert.equal(world.calls.get(world.conversationId).end, 'shutdown');
  });

  it('never joins an agent who answers a caller who has just left', async () => {
    world = new World({ onAnswer: () => world.customer?.farEndHangsUp() });
    await world.talk();
    await within(world.calls.whenIdle(), 5000, 'the end of the call');
    assert.deepEqual([joined(), world.agent?.over, world.agents.reservedCount], [[], true, 0]);
  });

  it('is not started by an agent who was rung and is not on the call', async () => {
    world = new World({ busy: 1 });
    await world.talk();
    const { participants } = world.calls.get(world.conversationId);
    const busy = participants.find(({ role, state }) => role === 'agent' && state === 'ended')?.id ?? '';
    await assert.rejects(world.start({ sourceParticipantId: busy }), code('no-active-call'));
    assert.deepEqual([world.agents.reservedCount, world.media.open], [1, 2]);
  });

  it('is started by the agent of the conversation alone, and once', async () => {
    world = new World();
    await world.talk();
    const { participants } = world.calls.get(world.conversationId);
    const customer = participants.find(({ role }) => role === 'customer')?.id ?? '';
    await assert.rejects(world.start({ sourceParticipantId: customer }), code('participant-not-agent'));
    await assert.rejects(world.start({ sourceParticipantId: 'nobody' }), code('participant-not-found'));
    await assert.rejects(world.start({ flow: 'reception' }), code('flow-not-secure'));
    await assert.rejects(world.start({ flow: 'none' }), code('flow-not-found'));
    const both = await Promise.allSettled([world.start(), world.start()]);
    assert.deepEqual(
      both.map(({ status }) => status),
      ['fulfilled', 'rejected'],
    );
    await world.asked('cardNumber');
    await assert.rejects(world.start(), code('session-in-progress'));
    world.customer?.farEndHangsUp();
    await within(world.calls.whenIdle(), 5000, 'the end of the call');
    await assert.rejects(world.start(), code('no-active-call'));
  });
});
