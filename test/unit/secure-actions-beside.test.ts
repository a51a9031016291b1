import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { SURPLUS_GAP_MS } from '../../flows/collector.js';
import type { CaptureCommand } from '../../flows/commands.js';
import type { Reconciled } from '../../server/connectors/connector.js';
import type { TacetError } from '../../server/errors.js';
import { liveSecureValues, SecureValue } from '../../server/secure/secure-value.js';
import { acknowledged } from '../kit/acknowledged.js';
import { within } from '../kit/deadline.js';
import { CARD, CODE, World, type WorldOptions } from './secure-world.js';

const CARDS = '    - { do: collectInput, field: cardNumber, into: secure.card, prompt: Card. }\n';
const SAY = '    - { do: playAudio, prompt: Hello. }\n';
const CHARGE =
  '    - { do: callSecureData, connector: payment, secureInputs: { cardNumber: secure.card }, into: charge, onError: [], onInDoubt: [] }\n';
const AGENT = '    - { do: transferToAgent, agent: any, onFailure: [{ do: disconnect }] }\n';
/** A field in the open, in which the caller keys the card too. */
const OPEN =
  '    - { do: collectInput, field: digits, length: 16, attempts: 1, into: flow.open, prompt: Member number. }\n';
const END = '    - do: disconnect\n';
const TRUNKS = [{ name: 'carrier', uri: 'sip:{number}@192.0.2.9', numbers: ['X*'] }];

function flow(actions: string, { name = 'reception', variables = '' } = {}): string {
  return `name: ${name}
type: inbound
variables: { card: { type: secure }, open: { type: string }${variables} }
tasks:
  main:
${actions}`;
}

/** `around`: before and after what is secure in it. */
const takeCard = (around = ''): string =>
  acknowledged(`name: take-card
type: module
outputs: { card: { type: secure, field: cardNumber }, last4: { type: string } }
tasks:
  main:
${around}${CARDS}    - { do: extractSecureData, from: secure.card, transform: last4, into: flow.last4 }
${around}`);
const CHARGE_IT = `name: charge-it
type: module
inputs: { card: { type: secure, field: cardNumber } }
variables: { code: { type: secure } }
tasks:
  main:
    - { do: collectInput, field: securityCode, card: secure.card, into: secure.code, prompt: Code. }
    - { do: callSecureData, connector: payment, secureInputs: { cardNumber: secure.card, securityCode: secure.code }, into: charge }
`;
const CALLS = `    - { do: callModule, module: take-card, outputs: { card: secure.card } }
    - { do: callModule, module: charge-it, inputs: { card: secure.card } }
`;

describe('secure actions beside what else a flow does', { timeout: 30_000 }, () => {
  let world: World;

  function dial(actions: string, options: WorldOptions & { variables?: string } = {}): void {
    world = new World({ trunks: TRUNKS, ...options, reception: flow(actions, options) });
    world.dial();
  }
  async function until(happened: () => boolean): Promise<void> {
    const deadline = performance.now() + 5000;
    while (!happened()) {
      assert.ok(performance.now() < deadline, 'it did not happen');
      await new Promise((resolve) => setImmediate(resolve));
    }
    // Whoever published goes on first.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const asked = (field: string, times = 1) =>
    until(
      () =>
        world.seen.filter(
          ({ type, ...event }) =>
            type === 'secure.progress' &&
            'progress' in event &&
            event.progress.field === field &&
            event.progress.state === 'asked',
        ).length >= times,
    );
  const entered = (action: string) =>
    until(() => world.seen.some((event) => event.type === 'flow.action' && event.action === action));
  const over = () => within(world.calls.whenIdle(), 5000, 'the end of the call');
  const sessions = () => world.calls.secureSessions(world.conversationId);
  const courses = () => sessions().map(({ flow: name, end }) => [name, end]);
  const conversation = () => world.calls.get(world.conversationId);
  /** As long as keys may still belong to the field before. */
  const think = () => new Promise((resolve) => setTimeout(resolve, SURPLUS_GAP_MS + 50));
  async function keyCard(): Promise<void> {
    await asked('cardNumber');
    world.caller?.press(`${CARD}#`);
  }
  /** Keys the card once more, where the flow asks in the open. */
  async function keyOpenly(): Promise<void> {
    await until(() => sessions()[0]?.state === 'ended');
    await until(() => world.playedIn.has('ended'));
    await think();
    world.caller?.press(CARD);
  }

  afterEach(async () => {
    world.customer?.farEndHangsUp();
    await over();
    assert.equal(liveSecureValues(), 0);
    assert.equal(world.media.open, 0);
    for (const { state, shields } of sessions()) assert.deepEqual([state, shields], ['ended', []]);
    assert.deepEqual(world.errors, []);
    assert.ok(!JSON.stringify(world.seen).includes(CARD.slice(0, 7)), 'no event holds a digit');
  });

  it('leave nothing to the flow that the call goes on in, whose session has its own name', async () => {
    const next = flow(
      `    - { do: decision, if: 'false', then: [{ do: collectInput, field: cardNumber, into: secure.card, prompt: Card. }] }\n${CHARGE}${SAY}${END}`,
      { name: 'next' },
    );
    let live = -1;
    dial(`${CARDS}    - { do: transferToFlow, flow: next }\n`, {
      flows: [next],
      charge: async () => assert.fail('with a card of another flow'),
    });
    world.events.subscribe((event) => {
      if (event.type === 'flow.action' && event.flow === 'next') live = liveSecureValues();
    });
    await keyCard();
    await over();
    assert.deepEqual(courses(), [
      ['reception', 'completed'],
      ['next', 'completed'],
    ]);
    assert.equal(live, 0);
    const told = world.seen.flatMap((event) => (event.type === 'secure.data' ? [event.reason] : []));
    assert.deepEqual(told, ['', 'missing-input']);
  });

  it('take commands of an agent to the field that is being keyed, and in the open there is none', async () => {
    dial(CARDS + SAY + END);
    await asked('cardNumber');
    const [session] = sessions();
    const command = (wanted: CaptureCommand) =>
      world.calls.commandCapture(world.conversationId, session?.id ?? '', wanted, 'crm');
    const code = (wanted: string) => (error: unknown) => (error as TacetError).code === wanted;
    world.caller?.press('9999');
    assert.equal((await command({ do: 'clear' })).flow, 'reception');
    const [taken] = world.seen.slice(-2);
    assert.deepEqual(taken?.type === 'secure.command' && [taken.sessionId, taken.command, taken.by], [
      session?.id,
      'clear',
      'crm',
    ]);
    world.caller?.press('#');
    await keyCard();
    await until(() => sessions()[0]?.state === 'unshielding');
    await assert.rejects(command({ do: 'askAgain' }), code('no-field-open'));
    await over();
    await assert.rejects(command({ do: 'clear' }), code('session-ended'));
    assert.deepEqual(courses(), [['reception', 'completed']]);
  });

  it('share one session over modules, in the name of the flow that calls them', async () => {
    const keyed: string[] = [];
    dial(CALLS + SAY + END, {
      flows: [takeCard(), CHARGE_IT],
      charge: async ({ secure }) => {
        for (const value of secure.values()) keyed.push(value.use('extract', (digits) => `${digits.length}`));
        return { status: 'approved', reason: '', outputs: {} };
      },
    });
    await keyCard();
    await asked('securityCode');
    world.caller?.press(CODE);
    await over();
    assert.deepEqual(courses(), [['reception', 'completed']]);
    assert.deepEqual(keyed, [`${CARD.length}`, `${CODE.length}`]);
    assert.deepEqual([...world.playedIn], ['active', 'ended']);
  });

  it('of a module that is called in the open put the call in secure mode one by one', async () => {
    dial(CALLS + END, { flows: [takeCard(SAY), CHARGE_IT] });
    await keyCard();
    await asked('securityCode');
    assert.deepEqual(courses(), [
      ['reception', 'completed'],
      ['reception', null],
    ]);
    await think();
    world.caller?.press(CODE);
    await over();
    assert.deepEqual([...world.playedIn].sort(), ['active', 'ended', 'none']);
    assert.equal(world.charges.length, 1);
  });

  it('take the error path of a call of a module when secure mode cannot be entered', async () => {
    const call = `    - { do: callModule, name: take, module: take-card, onError: [{ do: wait, duration: 100ms }] }\n`;
    dial(call + AGENT, {
      flows: [takeCard()],
      onStep: (_step, operation) => {
        if (operation === 'state' && world.sessionState === 'shielding') throw new Error('no answer');
      },
    });
    await entered('transferToAgent');
    assert.deepEqual(courses(), [['reception', 'shield-failed']]);
    assert.ok(world.seen.some((event) => event.type === 'flow.action' && event.action === 'wait'));
    assert.deepEqual([...world.playedIn], []);
  });

  for (const [what, action] of [
    ['an event', 'sendEvent, type: order.found, data: { member: flow.open }'],
    ["the caller's attributes", 'setParticipantData, set: { member: flow.open }'],
  ] as const) {
    it(`refuse ${what} that shows what was keyed, in the open too`, async () => {
      const name = action.split(',')[0] ?? '';
      dial(`${CARDS}${OPEN}    - { do: ${action}, onFailure: [{ do: wait, duration: 100ms }] }\n${END}`);
      await keyCard();
      await keyOpenly();
      await entered(name);
      await over();
      const actions = world.seen.flatMap((event) => (event.type === 'flow.action' ? [event.action] : []));
      assert.deepEqual(actions.slice(-2), ['wait', 'disconnect']);
      assert.deepEqual(conversation().participants[0]?.attributes, {});
    });
  }

  for (const action of [
    "transferToNumber, number: '{{ flow.open }}', trunk: carrier, onFailure: []",
    "transferToAgent, agent: '{{ flow.open }}', onFailure: []",
    'transferToFlow, flow: next, invocationData: flow.open',
    'transferToSecureFlow, flow: payment, invocationData: flow.open, onFailure: []',
  ]) {
    it(`end the call before a ${action.split(',')[0]} that shows what was keyed`, async () => {
      const end = action.includes('onFailure') ? END : '';
      dial(`${CARDS}${OPEN}    - { do: ${action} }\n${end}`, {
        flows: [flow(SAY + END, { name: 'next' })],
      });
      await keyCard();
      await keyOpenly();
      await entered(action.split(',')[0] ?? '');
      await over();
      assert.equal(conversation().end, 'flow-error');
      assert.deepEqual(world.called, []);
      assert.deepEqual(courses(), [['reception', 'completed']]);
    });
  }

  it('record what the gateway says afterwards of a charge in doubt, the session being over', async () => {
    let say = (_verdict: Reconciled) => {};
    const later = new Promise<Reconciled>((resolve) => {
      say = resolve;
    });
    dial(CARDS + CHARGE + SAY + AGENT, {
      charge: async () => ({ status: 'in-doubt', reason: 'timeout', outputs: {}, later }),
    });
    await keyCard();
    await until(() => sessions()[0]?.state === 'ended');
    assert.deepEqual(sessions()[0]?.reconciled, []);
    say('declined');
    await until(() => world.seen.some(({ type }) => type === 'payment.reconciled'));
    assert.deepEqual(
      sessions()[0]?.reconciled.map(({ status }) => status),
      ['declined'],
    );
  });

  it('hold what a gateway puts in secure variables, from one session to the next', async () => {
    const tokens: string[] = [];
    const keep =
      '    - { do: callSecureData, connector: payment, operation: tokenise, secureInputs: { cardNumber: secure.card }, outputs: { token: secure.token }, into: kept }\n';
    const use =
      '    - { do: callSecureData, connector: payment, secureInputs: { token: secure.token }, into: charge }\n';
    dial(CARDS + keep + SAY + use + SAY + END, {
      variables: ', token: { type: secure }',
      charge: async ({ operation, secure }) => {
        if (operation === 'charge') {
          tokens.push(secure.get('token')?.use('extract', (held) => Buffer.from(held).toString()) ?? '');
          return { status: 'approved', reason: '', outputs: {} };
        }
        const value = new SecureValue();
        for (const digit of '77001122') value.append(digit.charCodeAt(0));
        return { status: 'approved', reason: '', outputs: {}, secureOutputs: new Map([['token', value]]) };
      },
    });
    await keyCard();
    await over();
    assert.deepEqual(tokens, ['77001122']);
    assert.deepEqual(courses(), [
      ['reception', 'completed'],
      ['reception', 'completed'],
    ]);
  });

  it('ask for a whole payment in one session, the values that the flow has among it', async () => {
    const pay = `    - do: collectPayment
      method: card
      fields:
        - { field: cardNumber, into: secure.card }
        - { field: postalCode, into: secure.postal, value: '"90210"' }
`;
    const held: (number | undefined)[] = [];
    const charge = CHARGE.replace('secure.card }', 'secure.card, postalCode: secure.postal }');
    dial(pay + charge + SAY + END, {
      variables: ', postal: { type: secure }',
      charge: async ({ secure }) => {
        held.push(secure.get('cardNumber')?.length, secure.get('postalCode')?.length);
        return { status: 'approved', reason: '', outputs: {} };
      },
    });
    await keyCard();
    await over();
    assert.deepEqual(held, [CARD.length, 5]);
    assert.deepEqual(courses(), [['reception', 'completed']]);
  });
});
