import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { CallEvent } from '../../server/call/events.js';
import type { TacetError } from '../../server/errors.js';
import { logEvents } from '../../server/log/call-log.js';
import { createLogger } from '../../server/log/logger.js';
import { within } from '../kit/deadline.js';
import { World } from './secure-world.js';

const TELLING = `
name: telling
type: secure
variables: { pin: { type: secure } }
tasks:
  main:
    - { do: setParticipantData, set: { step: '"begun"' } }
    - { do: sendEvent, type: begun, data: { step: '"begun"' } }
    - { do: collectInput, field: digits, length: 4, into: secure.pin, prompt: Your number. }
    - { do: returnToAgent }
`;

describe('participant data', { timeout: 20_000 }, () => {
  let world: World;
  let log: string[];
  const participant = (index: number) => world.calls.get(world.conversationId).participants[index];
  const set = (attributes: Record<string, string | number | null>, index = 0) =>
    world.calls.setAttributes(world.conversationId, participant(index)?.id ?? '', { attributes });
  const code = (expected: string) => (error: unknown) => (error as TacetError).code === expected;
  const told = (type: CallEvent['type']) =>
    world.seen
      .filter((event) => event.type === type)
      .map(({ seq: _seq, at: _at, conversationId: _id, ...event }) => event);

  beforeEach(async () => {
    world = new World({ flows: [TELLING] });
    log = [];
    logEvents(
      world.events,
      createLogger({ level: 'debug', destination: { write: (line) => log.push(line) } }),
    );
    await world.talk();
  });
  afterEach(async () => {
    world.customer?.farEndHangsUp();
    await within(world.calls.whenIdle(), 5000, 'the end of the call');
  });

  it('is set by the API, shown there, and told by an event', () => {
    assert.deepEqual(set({ customer: '4711', calls: 2 }).attributes, { customer: '4711', calls: 2 });
    assert.deepEqual(set({ calls: null }).attributes, { customer: '4711' });
    set({ desk: 'north' }, 1);
    assert.deepEqual(participant(0)?.attributes, { customer: '4711' });
    assert.deepEqual(participant(1)?.attributes, { desk: 'north' });
    const [first] = told('participant.data');
    const attributes = { customer: '4711', calls: 2 };
    const participantId = participant(0)?.id;
    assert.deepEqual(first, { type: 'participant.data', participantId, role: 'customer', attributes });
    assert.doesNotMatch(log.join(''), /4711|north/, 'the log does not have it');
    assert.match(log.join(''), /participant\.data/);
  });

  it('is refused beyond its limits, for nobody, and after the call', async () => {
    assert.throws(() => set({ a: 'x'.repeat(1001) }), code('bad-request'));
    assert.throws(() => set({ a: 1 }, 7), code('participant-not-found'));
    assert.deepEqual(participant(0)?.attributes, {});
    world.customer?.farEndHangsUp();
    await within(world.calls.whenIdle(), 5000, 'the end of the call');
    assert.throws(() => set({ a: 1 }), code('no-active-call'));
  });

  it('cannot be set by the API while a secure session lasts: comparing would help to guess', async () => {
    await world.start({ flow: 'telling' });
    await world.asked('digits');
    assert.throws(() => set({ a: 1 }), code('session-in-progress'));
    world.caller?.press('1234');
    await world.state('ended');
    assert.deepEqual(set({ a: 1 }).attributes, { step: 'begun', a: 1 });
  });

  it('is told without its values while a secure session lasts, and so are events of flows', async () => {
    await world.start({ flow: 'telling' });
    await world.asked('digits');
    const participantId = participant(0)?.id;
    assert.deepEqual(told('participant.data'), [
      { type: 'participant.data', participantId, role: 'customer' },
    ]);
    assert.deepEqual(told('flow.event'), [{ type: 'flow.event', flow: 'telling', name: 'begun' }]);
    assert.deepEqual(participant(0)?.attributes, { step: 'begun' });
    world.caller?.press('1234');
    await world.state('ended');
  });
});
