import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { TacetError } from '../../server/errors.js';
import { liveSecureValues } from '../../server/secure/secure-value.js';
import { within } from '../kit/deadline.js';
import { CARD, World, type WorldOptions } from './secure-world.js';

const NUMBER = 'sip:+4930555010@192.0.2.9';
const TRUNKS = [{ name: 'carrier', uri: 'sip:{number}@192.0.2.9', numbers: ['+4930X*'] }];

/** A secure flow that takes a card, then does this. */
const handing = (action: string): string => `
name: handing
type: secure
variables: { card: { type: secure } }
tasks:
  main:
    - { do: collectInput, field: cardNumber, into: secure.card, prompt: Card number. }
    - { do: ${action} }
`;
const TO_NUMBER =
  "transferToNumber, number: '+49 30 555 010', trunk: carrier, onFailure: [{ do: returnToAgent }]";

describe('a transfer out of a secure session', { timeout: 30_000 }, () => {
  let world: World;

  async function begin(action: string, options: WorldOptions = {}): Promise<void> {
    world = new World({ trunks: TRUNKS, ...options, flows: [handing(action)] });
    await world.talk();
    await world.start({ flow: 'handing' });
    await world.asked('cardNumber');
  }
  const hasEnded = () => within(world.calls.whenIdle(), 5000, 'the end of the call');
  const view = () => world.calls.get(world.conversationId);
  const refused = (code: string) => (error: unknown) => (error as TacetError).code === code;

  afterEach(async () => {
    world.customer?.farEndHangsUp();
    await hasEnded();
    assert.equal(liveSecureValues(), 0);
    assert.equal(world.media.open, 0);
    assert.equal(world.agents.reservedCount, 0);
  });

  it('frees the agent and rings the number once secure mode is left, then bridges', async () => {
    await begin(TO_NUMBER);
    world.caller?.press(`${CARD}#`);
    await world.until(
      ({ type, ...event }) =>
        type === 'participant.connected' && 'role' in event && event.role === 'external',
    );
    await within(untilTalking(), 5000, 'the bridge');
    assert.equal(world.session().end, 'transferred');
    assert.deepEqual(world.called.at(-1), { uri: NUMBER, state: 'ended' });
    assert.equal(liveSecureValues(), 0);
    const parties = view().participants.map(({ role, state }) => `${role} ${state}`);
    assert.deepEqual(parties, ['customer connected', 'agent ended', 'external connected']);
    const order = world.seen.map((event) =>
      'shield' in event
        ? `${event.shield} ${event.change}`
        : event.type === 'participant.ended'
          ? 'agent freed'
          : '',
    );
    assert.ok(
      order.indexOf('agent freed') < order.indexOf('agent-leg released'),
      'nobody is joined with the agent',
    );
    const ringing = world.seen.findIndex(
      (event) => event.type === 'participant.ringing' && event.role === 'external',
    );
    assert.ok(order.indexOf('agent-leg released') < ringing, 'the number is called with every shield down');
    assert.deepEqual(
      world.bridges.map(({ state }) => state),
      ['none', 'ended'],
    );
  });

  it('lets nobody ask for a secure session while somebody beyond a trunk talks', async () => {
    await begin(TO_NUMBER);
    world.caller?.press(`${CARD}#`);
    await within(untilTalking(), 5000, 'the bridge');
    const [, agent, external] = view().participants;
    await assert.rejects(
      world.start({ sourceParticipantId: external?.id ?? '' }),
      refused('participant-not-agent'),
    );
    await assert.rejects(world.start({ sourceParticipantId: agent?.id ?? '' }), refused('no-active-call'));
  });

  it('ends both when the called party hangs up', async () => {
    await begin(TO_NUMBER);
    world.caller?.press(`${CARD}#`);
    await within(untilTalking(), 5000, 'the bridge');
    world.agent?.farEndHangsUp();
    await hasEnded();
    assert.equal(view().end, 'external-hung-up');
    assert.equal(world.customer?.over, true);
  });

  it('disconnects when it fails, whatever path was drawn, with the agent gone', async () => {
    await begin(TO_NUMBER, { refuse: { [NUMBER]: 486 } });
    world.caller?.press(`${CARD}#`);
    await hasEnded();
    assert.equal(view().end, 'flow-error');
    assert.equal(world.session().end, 'transferred');
    assert.deepEqual(
      world.bridges.map(({ state }) => state),
      ['none'],
      'the agent is never joined again',
    );
  });

  it('calls no number that the trunk does not allow', async () => {
    await begin("transferToNumber, number: '+1900555', trunk: carrier");
    world.caller?.press(`${CARD}#`);
    await hasEnded();
    assert.equal(view().end, 'flow-error');
    assert.deepEqual(
      world.called.map(({ uri }) => uri),
      ['sip:agent0@192.0.2.1'],
    );
  });

  it('waits for the keys to end, and hands on nobody whose keys never do', async () => {
    await begin(TO_NUMBER, { guardMs: 1500 });
    const endpoint = world.caller;
    endpoint?.press(`${CARD}#`);
    await world.state('unshielding');
    const restless = setInterval(() => endpoint?.press('1'), 300);
    await hasEnded().finally(() => clearInterval(restless));
    assert.equal(world.session().end, 'flow-error');
    assert.deepEqual(
      world.called.map(({ uri }) => uri),
      ['sip:agent0@192.0.2.1'],
    );
  });

  it('goes to an agent of a queue, who may ask for a session again', async () => {
    const queues = [{ name: 'sales', agents: ['agent0'] }];
    await begin('transferToQueue, queue: sales', { queues });
    world.caller?.press(`${CARD}#`);
    await within(untilTalking(), 5000, 'the bridge');
    assert.deepEqual(world.called.at(-1), { uri: 'sip:agent0@192.0.2.1', state: 'ended' });
    const before = world.seen.length;
    await world.start({ flow: 'handing' });
    const again = world.seen.slice(before).some((event) => event.type === 'secure.state');
    assert.ok(again);
  });

  /** Talking again after the secure session. */
  async function untilTalking(): Promise<void> {
    const again = () =>
      world.seen.filter((event) => event.type === 'conversation.state' && event.state === 'talking').length >
      1;
    if (again()) return;
    await new Promise<void>((resolve) => {
      const stop = world.events.subscribe(() => {
        if (!again()) return;
        stop();
        setImmediate(resolve);
      });
    });
  }
});
