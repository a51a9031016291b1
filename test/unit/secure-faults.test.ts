import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { MediaError } from '../../media/media-server.js';
import { liveSecureValues } from '../../server/secure/secure-value.js';
import { within } from '../kit/deadline.js';
import { CARD, CODE, World, type WorldOptions } from './secure-world.js';

const GUARD_MS = 20;
const SHIELD_MS = 60;
const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

type Fault = (world: World) => unknown;

/** What may go wrong while the engine is asked for its n-th operation. */
const FAULTS: Readonly<Record<string, Fault>> = {
  'is refused': () => {
    throw new MediaError('closed', 'refused');
  },
  'comes after every deadline': () => after(3 * SHIELD_MS),
  'crosses the caller hanging up': (world) => world.customer?.farEndHangsUp(),
  'crosses the agent hanging up': (world) => world.agent?.farEndHangsUp(),
  'crosses both hanging up': (world) => {
    world.agent?.farEndHangsUp();
    world.customer?.farEndHangsUp();
  },
  'crosses the loss of the engine': (world) => world.media.lose(),
  'crosses the end of the server': (world) => {
    void world.calls.close();
  },
  'crosses a cancel': (world) => {
    const { conversationId, sessionId } = world;
    if (sessionId) world.calls.cancelSecureSession(conversationId, sessionId).catch(() => {});
  },
  'crosses a second request': (world) => {
    world.start().catch(() => {});
  },
};

/** A payment by actions of the flow that took the call, which then rings an agent. */
const IN_FLOW = `
name: reception
type: inbound
variables: { card: { type: secure }, code: { type: secure } }
tasks:
  main:
    - { do: collectInput, field: cardNumber, into: secure.card, prompt: Card number. }
    - { do: collectInput, field: securityCode, card: secure.card, into: secure.code, prompt: Security code. }
    - do: callSecureData
      connector: payment
      secureInputs: { cardNumber: secure.card, securityCode: secure.code }
      processingAudio: Wait.
      into: charge
    - &agent { do: transferToAgent, preTransferAudio: One moment., onFailure: [{ do: disconnect }] }
onError: [*agent]
`;

/** How a call comes to its payment. */
const COURSES = {
  'for an agent': { reception: undefined, begin: (world: World) => world.talk().then(() => world.start()) },
  'in the flow itself': { reception: IN_FLOW, begin: async (world: World) => world.dial() },
} as const;
type Course = (typeof COURSES)[keyof typeof COURSES];

/** One call: a payment in secure mode, then the caller hangs up. */
async function payment(world: World, { begin }: Course): Promise<void> {
  await Promise.resolve(begin(world)).catch(() => {});
  await world.key('cardNumber', `${CARD}#`);
  await world.key('securityCode', CODE);
  await world.state('ended');
  await within(talkingOrOver(world), 5000, 'the agent, or the end of the call');
  world.customer?.farEndHangsUp();
  await within(world.calls.whenIdle(), 5000, 'the end of the call');
}

/** What follows a session: the flow may go on, and ring. */
async function talkingOrOver({ calls, conversationId }: World): Promise<void> {
  const over = () => !conversationId || ['talking', 'ended'].includes(calls.get(conversationId).state);
  do await new Promise((resolve) => setImmediate(resolve));
  while (!over() && calls.liveCount > 0);
}

async function withFault(course: Course, at: number, fault: Fault): Promise<World> {
  const options: WorldOptions = {
    ...(course.reception && { reception: course.reception }),
    guardMs: GUARD_MS,
    shieldTimeoutMs: SHIELD_MS,
    onStep: (step) => (step === at ? fault(world) : null),
  };
  const world: World = new World(options);
  await payment(world, course);
  return world;
}

/** What no fault may bring about. */
function check(world: World, what: string): void {
  const { seen, media, gate, events, conversationId } = world;
  const sessions = seen.some(({ type }) => type === 'secure.state')
    ? world.calls.secureSessions(conversationId)
    : [];
  for (const { state, shields, end } of sessions) {
    assert.equal(state, 'ended', `${what}: the session has ended`);
    assert.deepEqual(shields, [], `${what}: ended as ${end} with every shield released`);
  }
  assert.ok(!world.bridges.some(({ state }) => state === 'active'), `${what}: a bridge in secure mode`);
  for (const state of ['requested', 'shielding', 'unshielding']) {
    assert.ok(!world.playedIn.has(state), `${what}: a prompt while ${state}`);
  }
  for (const error of world.errors) assert.ok(error instanceof MediaError, `${what}: ${String(error)}`);
  assert.equal(media.open, 0, `${what}: endpoints are left`);
  assert.ok(
    world.dialogs.every(({ over }) => over),
    `${what}: dialogs are left`,
  );
  assert.equal(world.agents.reservedCount, 0, `${what}: the agent is still reserved`);
  assert.equal(new Set(world.charges).size, world.charges.length, `${what}: charged twice`);
  assert.ok(world.charges.length <= sessions.length, `${what}: more charges than sessions`);
  const probe = { type: 'conversation.state', state: 'secure', probe: 1 } as const;
  assert.ok('probe' in events.preview(conversationId, probe), `${what}: the events are still cut`);
  const line = JSON.stringify({ conversation: conversationId, probe: 1 });
  assert.equal(gate.filter(line), line, `${what}: the log is still cut`);
  assert.ok(
    media.endpoints.every(({ listeners }) => listeners === 0),
    `${what}: listeners are left`,
  );
  assert.ok(!JSON.stringify(seen).includes(CARD.slice(0, 7)), `${what}: digits in events`);
}

for (const [where, course] of Object.entries(COURSES)) {
  describe(`a payment ${where} in which one operation of the engine`, { timeout: 120_000 }, () => {
    let world: World;
    let steps = 0;
    before(async () => {
      world = await withFault(course, 0, () => {});
      steps = world.media.steps;
    });

    it('meets no fault', async () => {
      check(world, 'without a fault');
      assert.deepEqual([world.charges.length, world.session().shields], [1, []]);
      const [end, bridges] = course.reception
        ? ['completed', ['ended']]
        : ['returned', ['none', 'unshielding']];
      assert.equal(world.session().end, end);
      assert.equal(
        world.seen.some((event) => event.type === 'agent.data'),
        !course.reception,
      );
      assert.deepEqual(
        world.bridges.map(({ state }) => state),
        bridges,
      );
      assert.ok(steps > 30, `${steps} operations`);
      assert.equal(liveSecureValues(), 0);
    });

    for (const [name, fault] of Object.entries(FAULTS)) {
      it(name, async () => {
        const atFirst = liveSecureValues();
        const at = Array.from({ length: steps }, (_, index) => index + 1);
        const worlds = await Promise.all(at.map((step) => withFault(course, step, fault)));
        worlds.forEach((world, index) => {
          check(world, `operation ${index + 1} of ${steps} ${name}`);
        });
        assert.equal(liveSecureValues(), atFirst, 'secure values are left');
      });
    }
  });
}
