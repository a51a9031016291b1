import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { FieldKind } from '../../flows/commands.js';
import type { PhoneCall } from '../kit/phone-call.js';
import { Scene, type Talk } from './scene.js';

/** Everything that can be hung up on, in the order a call meets it. */
const POINTS = [
  'talking',
  'requested',
  'active',
  'expiry',
  'postalCode',
  'charging',
  'unshielding',
  'returned',
] as const;
type Point = (typeof POINTS)[number];

const WHO = ['caller', 'agent', 'both'] as const;

/** How the conversation ends when somebody hangs up there. */
function expectedEnds(point: Point, who: (typeof WHO)[number]): readonly string[] {
  if (who === 'caller') return ['customer-hung-up'];
  if (who === 'both') return ['customer-hung-up', 'agent-hung-up', 'agent-gone', 'flow-disconnected'];
  return point === 'talking' || point === 'returned' || point === 'requested'
    ? ['agent-hung-up', 'agent-gone']
    : ['agent-gone'];
}

describe('hanging up', () => {
  let scene: Scene;
  before(async () => {
    scene = await Scene.start();
  });
  afterEach(() => scene.hangUp());
  after(() => scene.close());

  for (const point of POINTS) {
    for (const who of WHO) {
      it(`${who} at ${point}: ends clean, nothing is left`, async () => {
        const talk = await scene.talk();
        const sessionId = await goTo(scene, talk, point);
        await hangUp(talk, who);
        if (who === 'agent' && sessionId && point !== 'returned') await finish(scene, talk, sessionId, point);
        const ended = await scene.tacet.event(
          'conversation.ended',
          (event) => event.conversationId === talk.conversationId,
          30_000,
        );
        assert.ok(expectedEnds(point, who).includes(ended.end), `${ended.end} at ${point} by ${who}`);
        await scene.leaveNothing(talk.caller, talk.agent);
      });
    }
  }

  it('caller while the agent rings: the agent is not rung on', async () => {
    const ringing = scene.agentPhone.nextCall();
    const caller = await scene.dial('support');
    const incoming = await ringing;
    incoming.ring();
    await caller.hangUp();
    await incoming.cancelled;
    await scene.leaveNothing(caller);
  });

  it('caller before the answer: cancelled, nothing is left', async () => {
    const cancel = new AbortController();
    const dialled = scene.callerPhone.call(scene.tacet.uri('support'), { signal: cancel.signal });
    cancel.abort();
    await dialled.then((call) => call.hangUp()).catch(() => {});
    await scene.leaveNothing();
  });

  it('agent who is busy: the caller is told, then disconnected', async () => {
    scene.agentPhone.onCall((incoming) => incoming.reject(486));
    const caller = await scene.dial('support');
    const { by } = await caller.ended;
    assert.equal(by, 'them');
    await scene.leaveNothing(caller);
  });
});

/** Brings the call to the point; returns the session where there is one. */
async function goTo(scene: Scene, talk: Talk, point: Point): Promise<string | null> {
  if (point === 'talking') return null;
  if (point === 'requested') {
    const answer = await scene.request(talk);
    assert.equal(answer.status, 202);
    return answer.body.id;
  }
  const sessionId = await scene.secure(talk);
  if (point === 'active') return sessionId;
  const fields: readonly FieldKind[] = ['cardNumber', 'expiry', 'securityCode', 'postalCode'];
  for (const field of fields) {
    await scene.asked(sessionId, field);
    if (point === field) return sessionId;
    await scene.key(sessionId, talk.caller, field);
  }
  if (point === 'charging') {
    await scene.tacet.event('secure.data', (event) => event.sessionId === sessionId);
    return sessionId;
  }
  await scene.state(sessionId, 'unshielding');
  if (point === 'returned') await scene.state(sessionId, 'ended');
  return sessionId;
}

async function hangUp({ caller, agent }: Talk, who: (typeof WHO)[number]): Promise<void> {
  const calls: PhoneCall[] = [];
  if (who !== 'agent') calls.push(caller);
  if (who !== 'caller') calls.push(agent);
  await Promise.all(calls.map((call) => call.hangUp()));
}

/** Without the agent the flow goes on to its end: the caller keys in what is left. */
async function finish(scene: Scene, talk: Talk, sessionId: string, point: Point): Promise<void> {
  const fields: readonly FieldKind[] = ['cardNumber', 'expiry', 'securityCode', 'postalCode'];
  const next = {
    talking: 4,
    requested: 0,
    active: 0,
    expiry: 1,
    postalCode: 3,
    charging: 4,
    unshielding: 4,
    returned: 4,
  }[point];
  const over = scene.tacet.event(
    'conversation.ended',
    (event) => event.conversationId === talk.conversationId,
    60_000,
  );
  for (const field of fields.slice(next)) {
    const asked = scene.asked(sessionId, field).then(() => 'asked' as const);
    if ((await Promise.race([asked, over])) !== 'asked') return;
    await scene.key(sessionId, talk.caller, field);
  }
}
