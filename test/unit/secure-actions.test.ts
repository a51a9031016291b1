import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { SURPLUS_GAP_MS } from '../../flows/collector.js';
import type { DataResult } from '../../flows/commands.js';
import type { CallEvent } from '../../server/call/events.js';
import type { SecureSessionView } from '../../server/call/views.js';
import { liveSecureValues } from '../../server/secure/secure-value.js';
import { within } from '../kit/deadline.js';
import { CARD, CODE, World, type WorldOptions } from './secure-world.js';

const CODES =
  '    - { do: collectInput, field: securityCode, card: secure.card, into: secure.code, prompt: Code. }\n';
const CARDS = '    - { do: collectInput, field: cardNumber, into: secure.card, prompt: Card. }\n';
const SAY = '    - { do: playAudio, prompt: Hello. }\n';
const ASK =
  '    - { do: collectInput, field: digits, length: 1, attempts: 1, firstDigitTimeout: 1s, into: flow.key, prompt: Key. }\n';
const CHARGE = `    - do: callSecureData
      connector: payment
      secureInputs: { cardNumber: secure.card, securityCode: secure.code }
      inputs: { amount: '1250' }
      into: charge
      onDeclined: []
      onError: []
`;
const AGENT = '    - { do: transferToAgent, agent: any, onFailure: [{ do: disconnect }] }\n';
const END = '    - do: disconnect\n';
const ON_ERROR =
  'onError:\n  - { do: wait, name: onErrorPath, duration: 100ms }\n  - { do: transferToAgent, agent: any, onFailure: [{ do: disconnect }] }\n';

function reception(actions: string, onError = ''): string {
  return `name: reception
type: inbound
variables: { card: { type: secure }, code: { type: secure }, key: { type: string }, last4: { type: string } }
tasks:
  main:
${actions}${onError}`;
}

const APPROVED: DataResult = { status: 'approved', reason: '', outputs: { confirmation: 'C1' } };
const SHIELDS = ['agent-leg', 'media-server', 'log', 'events'];

describe('secure actions in a flow that is not secure', { timeout: 30_000 }, () => {
  let world: World;

  function dial(actions: string, options: WorldOptions = {}, onError = ''): void {
    world = new World({ charge: async () => APPROVED, ...options, reception: reception(actions, onError) });
    world.dial();
  }
  /** Resolves when the n-th such event has happened; rejects when the call is over before. */
  async function nth(count: number, matches: (event: CallEvent) => boolean): Promise<void> {
    const happened = () => world.seen.filter(matches).length >= count;
    const deadline = performance.now() + 5000;
    while (!happened()) {
      assert.ok(performance.now() < deadline, 'the event did not happen');
      await new Promise((resolve) => setImmediate(resolve));
    }
    // Whoever published goes on first.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const state = (wanted: SecureSessionView['state'], count = 1) =>
    nth(count, (event) => event.type === 'secure.state' && event.state === wanted);
  const asked = (field: string) =>
    nth(
      1,
      (event) =>
        event.type === 'secure.progress' &&
        event.progress.field === field &&
        event.progress.state === 'asked',
    );
  const over = () => within(world.calls.whenIdle(), 5000, 'the end of the call');
  const sessions = () => world.calls.secureSessions(world.conversationId);
  const ends = () => sessions().map(({ end }) => end);
  const conversation = () => world.calls.get(world.conversationId);
  const actions = () => world.seen.flatMap((event) => (event.type === 'flow.action' ? [event.action] : []));
  /** The states of the conversation, the shields and the fields, in order. */
  const course = () =>
    world.seen.flatMap((event) => {
      if (event.type === 'secure.shield') return [`${event.change} ${event.shield}`];
      if (event.type === 'secure.state') return [event.state];
      if (event.type === 'conversation.state') return [`call ${event.state}`];
      return event.type === 'secure.progress' && event.progress.state === 'asked'
        ? [event.progress.field]
        : [];
    });
  /** As long as keys may still belong to the field before. */
  const think = () => new Promise((resolve) => setTimeout(resolve, SURPLUS_GAP_MS + 50));
  async function keyCard(): Promise<void> {
    await asked('cardNumber');
    world.caller?.press(`${CARD}#`);
    await asked('securityCode');
    world.caller?.press(CODE);
  }

  afterEach(async () => {
    world.customer?.farEndHangsUp();
    await over();
    assert.equal(liveSecureValues(), 0);
    assert.equal(world.media.open, 0);
    for (const { state: last, shields } of sessions()) assert.deepEqual([last, shields], ['ended', []]);
    const { conversationId, events, gate } = world;
    const probe = { type: 'conversation.state', state: 'secure', probe: 1 } as const;
    assert.ok('probe' in events.preview(conversationId, probe), 'the events are whole again');
    const line = JSON.stringify({ conversation: conversationId, probe: 1 });
    assert.equal(gate.filter(line), line, 'the log is whole again');
    assert.deepEqual(world.errors, []);
    assert.ok(!JSON.stringify(world.seen).includes(CARD.slice(0, 7)), 'no event holds a digit');
  });

  it('share one session from the first to the last, left before the action after them', async () => {
    dial(CARDS + CODES + CHARGE + AGENT);
    await keyCard();
    await nth(1, (event) => event.type === 'conversation.state' && event.state === 'talking');
    assert.deepEqual(course(), [
      'requested',
      'shielding',
      ...SHIELDS.map((shield) => `engaged ${shield}`),
      'active',
      'call secure',
      'cardNumber',
      'securityCode',
      'unshielding',
      ...SHIELDS.toReversed().map((shield) => `released ${shield}`),
      'ended',
      'call ivr',
      'call ringing-agent',
      'call talking',
    ]);
    const [session] = sessions();
    assert.deepEqual(
      [session?.flow, session?.end, session?.sourceParticipantId, session?.result],
      ['reception', 'completed', null, {}],
    );
    assert.equal(liveSecureValues(), 0, 'the run is over');
    assert.equal(world.charges.length, 1);
  });

  it('have a session for each run of them, and values that outlive the first', async () => {
    dial(CARDS + SAY + CODES + CHARGE + SAY + END);
    await asked('cardNumber');
    world.caller?.press(`${CARD}#`);
    await state('ended');
    assert.equal(liveSecureValues(), 1, 'the card');
    await asked('securityCode');
    await think();
    world.caller?.press(CODE);
    await state('ended', 2);
    assert.deepEqual(ends(), ['completed', 'completed']);
    assert.equal(world.charges.length, 1, 'with the card of the first session');
    assert.equal(new Set(sessions().map(({ id }) => id)).size, 2);
    await over();
  });

  it('never share one across another action, though it asks nothing of the host', async () => {
    dial(`${CARDS}    - { do: decision, if: 'true' }\n${CODES}${END}`);
    await asked('cardNumber');
    world.caller?.press(`${CARD}#`);
    await asked('securityCode');
    await think();
    world.caller?.press(CODE);
    await over();
    assert.deepEqual(ends(), ['completed', 'disconnected']);
  });

  it('stay in secure mode over the turns of a loop that holds nothing else', async () => {
    const body = CARDS.replace(/^ {4}/, '          ');
    dial(`    - do: loop\n      count: 2\n      actions:\n${body}${END}`);
    await asked('cardNumber');
    world.caller?.press(`${CARD}#`);
    await nth(2, (event) => event.type === 'secure.progress' && event.progress.state === 'asked');
    world.caller?.press(`${CARD}#`);
    await over();
    assert.deepEqual(ends(), ['disconnected']);
  });

  it('swallow keys while they leave, and those that follow at once', async () => {
    dial(CARDS + ASK + END, { guardMs: 60 });
    await asked('cardNumber');
    world.caller?.press(`${CARD}#`);
    await state('unshielding');
    world.caller?.press('99');
    await state('ended');
    await new Promise((resolve) => setImmediate(resolve));
    world.caller?.press('88');
    await over();
    assert.equal(conversation().end, 'flow-error', 'the open field had no key and timed out');
    assert.ok(!JSON.stringify(world.seen).includes('"88"'));
  });

  it('hang up before the shields come down where the flow ends in secure mode', async () => {
    dial(CARDS + CODES + CHARGE + END);
    await keyCard();
    await over();
    const steps = world.seen.flatMap((event) => {
      if (event.type === 'participant.ended') return ['hung up'];
      return event.type === 'secure.shield' && event.change === 'released' ? ['released'] : [];
    });
    assert.deepEqual(steps, ['hung up', 'released', 'released', 'released', 'released']);
    const [session] = sessions();
    assert.deepEqual([session?.end, conversation().end], ['disconnected', 'flow-disconnected']);
    assert.deepEqual(session?.result, { confirmation: 'C1', status: 'approved', reason: '' });
  });

  it('do not ask for anything when a shield fails: the error path runs in the open', async () => {
    dial(
      CARDS + END,
      {
        onStep: (_step, operation) => {
          if (operation === 'state' && world.sessionState === 'shielding') throw new Error('no answer');
        },
      },
      ON_ERROR,
    );
    await nth(1, (event) => event.type === 'conversation.state' && event.state === 'talking');
    assert.deepEqual([...world.playedIn], []);
    const [session] = sessions();
    assert.deepEqual(
      [session?.end, session?.reason],
      ['shield-failed', 'the shield agent-leg did not engage'],
    );
    assert.ok(course().indexOf('ended') < course().indexOf('call ringing-agent'));
    assert.ok(!course().includes('call secure'));
    assert.equal(sessions().length, 1);
  });

  it('end the call when a shield does not come down', async () => {
    dial(CARDS + AGENT, {
      vault: true,
      onStep: (_step, operation) => {
        // The media server's side of the leg takes the caller back.
        if (operation === 'offer' && world.sessionState === 'unshielding') throw new Error('no answer');
      },
    });
    await asked('cardNumber');
    world.vault?.endpoints.at(-1)?.press(`${CARD}#`);
    await over();
    assert.deepEqual([ends(), conversation().end], [['shield-failed'], 'flow-error']);
    assert.ok(!course().includes('call ringing-agent'));
    assert.equal(world.customer?.over, true);
  });

  it('end the call when the keys never stop', async () => {
    dial(CARDS + AGENT, {
      guardMs: 20,
      onStep: (_step, operation) => {
        if (operation === 'state' && world.sessionState === 'unshielding') throw new Error('no answer');
      },
    });
    await asked('cardNumber');
    world.caller?.press(`${CARD}#`);
    await over();
    assert.deepEqual([ends(), conversation().end], [['flow-error'], 'flow-error']);
  });

  for (const [what, happens, end, callEnd] of [
    ['the caller hangs up', () => world.customer?.farEndHangsUp(), 'customer-hung-up', 'customer-hung-up'],
    ['the server ends', () => void world.calls.close(), 'shutdown', 'shutdown'],
    ['the engine is lost', () => world.media.lose(), 'customer-hung-up', 'media-failed'],
  ] as const) {
    for (const at of ['active', 'unshielding'] as const) {
      it(`leave nothing when ${what} while ${at}`, async () => {
        dial(CARDS + AGENT, { guardMs: at === 'unshielding' ? 5000 : 20 });
        await asked('cardNumber');
        world.caller?.press(at === 'active' ? '4242' : `${CARD}#`);
        await state(at);
        happens();
        await over();
        assert.deepEqual([ends(), conversation().end], [[end], callEnd]);
        assert.equal(world.agents.reservedCount, 0);
      });
    }
  }

  it('end the call when the session lasts too long', async () => {
    dial(CARDS + AGENT, { maxSessionMs: 50 }, ON_ERROR);
    await over();
    assert.deepEqual([ends(), conversation().end], [['flow-error'], 'flow-error']);
    assert.ok(!course().includes('call ringing-agent'));
  });

  it('end the call when a charge fails in a way nobody foresaw, and tell nobody its words', async () => {
    dial(CARDS + CODES + CHARGE + AGENT, { charge: () => Promise.reject(new Error(CARD)) });
    await keyCard();
    await over();
    assert.deepEqual([ends(), sessions()[0]?.reason], [['flow-error'], 'fault in the flow (Error)']);
  });

  it('go to the error path when the session is cancelled, in the open again', async () => {
    const path = ', onFailure: [{ do: playAudio, prompt: a }] }\n';
    dial(CARDS.replace(' }\n', path) + END, {}, ON_ERROR);
    await asked('cardNumber');
    world.caller?.press('4242');
    const [session] = sessions();
    await world.calls.cancelSecureSession(world.conversationId, session?.id ?? '');
    await nth(1, (event) => event.type === 'conversation.state' && event.state === 'talking');
    assert.deepEqual(ends(), ['cancelled']);
    assert.deepEqual(actions(), ['collectInput', 'wait', 'transferToAgent']);
    await assert.rejects(world.calls.cancelSecureSession(world.conversationId, session?.id ?? ''));
  });

  it('go on as they would when the cancel finds the session being left', async () => {
    dial(CARDS + AGENT, { guardMs: 60 }, ON_ERROR);
    await asked('cardNumber');
    world.caller?.press(`${CARD}#`);
    await state('unshielding');
    await world.calls.cancelSecureSession(world.conversationId, sessions()[0]?.id ?? '');
    await nth(1, (event) => event.type === 'conversation.state' && event.state === 'talking');
    assert.deepEqual([ends(), actions()], [['completed'], ['collectInput', 'transferToAgent']]);
  });

  it('wait for a charge that a cancel finds under way, and take the path of its verdict', async () => {
    let finish = (_result: DataResult) => {};
    const charge = new Promise<DataResult>((resolve) => {
      finish = resolve;
    });
    dial(CARDS + CODES + CHARGE + AGENT, { charge: () => charge }, ON_ERROR);
    await keyCard();
    await nth(1, (event) => event.type === 'secure.data');
    await world.calls.cancelSecureSession(world.conversationId, sessions()[0]?.id ?? '');
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(world.sessionState, 'active');
    finish(APPROVED);
    await nth(1, (event) => event.type === 'conversation.state' && event.state === 'talking');
    assert.deepEqual(ends(), ['cancelled']);
    assert.ok(!actions().includes('wait'), 'not the error path');
    assert.equal(world.charges.length, 1);
  });

  it('charge nothing more once the session was cancelled', async () => {
    const again = CHARGE.replace(', securityCode: secure.code', '').replace('into: charge', 'into: again');
    let cancel = async () => {};
    dial(
      CARDS + CODES + CHARGE + again + AGENT,
      {
        charge: async () => {
          await cancel();
          return APPROVED;
        },
      },
      ON_ERROR,
    );
    cancel = async () => {
      await world.calls.cancelSecureSession(world.conversationId, sessions()[0]?.id ?? '');
    };
    await keyCard();
    await nth(1, (event) => event.type === 'conversation.state' && event.state === 'talking');
    assert.equal(world.charges.length, 1);
    assert.ok(actions().includes('wait'), 'the error path');
  });

  it('have no security code left after the charge', async () => {
    let left = -1;
    dial(CARDS + CODES + CHARGE + END);
    world.events.subscribe((event) => {
      if (event.type === 'secure.data' && event.status === 'approved') left = liveSecureValues();
    });
    await keyCard();
    await over();
    assert.equal(left, 1, 'the card is left, the code is not');
  });

  it('are left before a transfer to a secure flow, which has a session of its own', async () => {
    const transfer = '    - { do: transferToSecureFlow, flow: payment, onFailure: [{ do: disconnect }] }\n';
    dial(CARDS + transfer);
    await asked('cardNumber');
    world.caller?.press(`${CARD}#`);
    await state('active', 2);
    assert.deepEqual(
      sessions().map(({ flow, end }) => [flow, end]),
      [
        ['reception', 'completed'],
        ['payment', null],
      ],
    );
    assert.ok(!world.playedIn.has('unshielding') && !world.playedIn.has('shielding'));
  });

  it('refuse a session that somebody asks for meanwhile', async () => {
    dial(CARDS + END);
    await asked('cardNumber');
    const [customer] = conversation().participants;
    const request = { flow: 'payment', sourceParticipantId: customer?.id ?? '' };
    await assert.rejects(world.calls.startSecureSession(world.conversationId, request));
    assert.equal(sessions().length, 1);
  });
});
