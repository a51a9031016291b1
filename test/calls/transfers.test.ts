import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { Phone } from '../kit/phone.js';
import type { PhoneCall } from '../kit/phone-call.js';
import { AGENT_HZ, CALLER_HZ, Scene } from './scene.js';

const EXTERNAL_HZ = 2600;

const inbound = (name: string, action: string, more = ''): string => `
name: ${name}
type: inbound
tasks:
  main:
    - do: ${action}
${more}`;

const FAILED = `      name: to
      onFailure:
        - { do: sendEvent, type: failed, data: { error: data.to.error } }
        - { do: disconnect }
`;

const FLOWS = {
  number: inbound(
    'number',
    'transferToNumber',
    `      number: '+49 30 555 010'\n      trunk: carrier\n${FAILED}`,
  ),
  premium: inbound(
    'premium',
    'transferToNumber',
    `      number: '+1 900 555'\n      trunk: carrier\n${FAILED}`,
  ),
  queue: inbound('queue', 'transferToQueue', `      queue: sales\n${FAILED}`),
  hurried: inbound('hurried', 'transferToQueue', `      queue: sales\n      ringTimeout: 1s\n${FAILED}`),
  first: inbound(
    'first',
    'setParticipantData\n      set: { from: \'"first"\' }\n      onFailure: []',
    `    - { do: transferToFlow, flow: second, invocationData: '"handed over"' }\n`,
  ),
  second: inbound(
    'second',
    'sendEvent\n      type: begun\n      data: { told: call.invocationData }\n      onFailure: []',
    `    - { do: transferToQueue, queue: sales, onFailure: [{ do: disconnect }] }\n`,
  ),
  'secure-number': `
name: secure-number
type: secure
variables: { card: { type: secure } }
tasks:
  main:
    - { do: collectInput, field: cardNumber, into: secure.card, prompt: Card number. }
    - { do: transferToFlow, flow: secure-second, invocationData: '"1"' }
`,
  'secure-second': `
name: secure-second
type: secure
tasks:
  main:
    - { do: transferToNumber, number: '+4930555010', trunk: carrier }
`,
};

/** Answers the next call of the phone and speaks. */
async function answered(phone: Phone, hz: number): Promise<PhoneCall> {
  const incoming = await phone.nextCall();
  incoming.ring();
  const call = await incoming.answer();
  call.tone(hz);
  return call;
}

describe('transfers', () => {
  let scene: Scene;
  let external: Phone;
  before(async () => {
    external = await Phone.start({ user: 'external' });
    const route = (user: string) => ({ user, flow: user });
    const routes = ['number', 'premium', 'queue', 'hurried', 'first'].map(route);
    scene = await Scene.start({
      flows: FLOWS,
      config: {
        routes: [...routes, { user: 'support', flow: 'reception' }],
        queues: [{ name: 'sales', agents: ['anna'] }],
        trunks: [
          {
            name: 'carrier',
            uri: external.uri.replace('external', '{number}'),
            callerId: '+49301234',
            numbers: ['+4930XXXXXX'],
          },
        ],
      },
    });
  });
  afterEach(() => scene.hangUp());
  after(async () => {
    await external.close();
    await scene.close();
  });
  const conversation = () => scene.tacet.app.calls.list()[0];

  it('calls a number over the trunk, and each hears the other', async () => {
    const ringing = external.nextCall();
    const caller = await scene.dial('number');
    caller.tone(CALLER_HZ);
    const incoming = await ringing;
    assert.match(incoming.to, /\+49(%2b)?30555010@|\+4930555010/i);
    assert.match(incoming.from, /49301234@/);
    assert.equal(incoming.header('X-Tacet-Conversation'), null, 'nothing of ours goes beyond the trunk');
    const called = await incoming.answer();
    called.tone(EXTERNAL_HZ);
    await Promise.all([caller.waitForAudio({ hz: EXTERNAL_HZ }), called.waitForAudio({ hz: CALLER_HZ })]);
    assert.deepEqual(
      conversation()?.participants.map(({ role, state }) => `${role} ${state}`),
      ['customer connected', 'external connected'],
    );
    await called.hangUp();
    await caller.ended;
    await scene.leaveNothing();
    assert.equal(conversation()?.end, 'external-hung-up');
  });

  it('hangs up on the called party when the caller does', async () => {
    const called = answered(external, EXTERNAL_HZ);
    const caller = await scene.dial('number');
    await caller.waitForAudio({ hz: EXTERNAL_HZ });
    await caller.hangUp();
    await (await called).ended;
    await scene.leaveNothing();
  });

  it('takes the failure path of a number that is busy, and of one that the trunk does not allow', async () => {
    for (const [user, error] of [
      ['number', 'busy'],
      ['premium', 'number-not-allowed'],
    ] as const) {
      external.onCall((incoming) => incoming.reject(486));
      const { mark } = scene.tacet;
      const caller = await scene.dial(user);
      const failed = await scene.tacet.event('flow.event', ({ seq }) => seq > mark);
      assert.deepEqual([failed.name, failed.data], ['failed', { error }]);
      await caller.ended;
    }
    await scene.leaveNothing();
  });

  it('gives the caller to an agent of the queue', async () => {
    const answering = answered(scene.agentPhone, AGENT_HZ);
    const caller = await scene.dial('queue');
    caller.tone(CALLER_HZ);
    const agent = await answering;
    await Promise.all([caller.waitForAudio({ hz: AGENT_HZ }), agent.waitForAudio({ hz: CALLER_HZ })]);
    await scene.leaveNothing(caller);
  });

  it('tells the flow that no agent of the queue is available', async () => {
    const reservation = scene.tacet.app.agents.reserve('anna', new Set());
    const { mark } = scene.tacet;
    const caller = await scene.dial('hurried');
    const failed = await scene.tacet.event('flow.event', ({ seq }) => seq > mark);
    reservation?.release();
    assert.deepEqual(failed.data, { error: 'no-agent-available' });
    await caller.ended;
    await scene.leaveNothing();
  });

  it('goes on with another flow on the same leg', async () => {
    const answering = answered(scene.agentPhone, AGENT_HZ);
    const { mark } = scene.tacet;
    const caller = await scene.dial('first');
    const begun = await scene.tacet.event('flow.event', ({ seq }) => seq > mark);
    assert.deepEqual([begun.flow, begun.data], ['second', { told: 'handed over' }]);
    await answering;
    await caller.waitForAudio({ hz: AGENT_HZ });
    assert.deepEqual(conversation()?.participants[0]?.attributes, { from: 'first' });
    await scene.leaveNothing(caller);
  });

  it('leaves secure mode before it calls a number: nobody beyond the trunk hears a key', async () => {
    const talk = await scene.talk();
    const { caller, agent } = talk;
    const sessionId = await scene.secure(talk, { flow: 'secure-number' });
    const deaf = await scene.deafFrom(talk, 'agent');
    const called = answered(external, EXTERNAL_HZ);
    await scene.key(sessionId, caller, 'cardNumber');
    await agent.ended;
    const ended = await scene.state(sessionId, 'ended');
    assert.equal(ended.end, 'transferred');
    const party = await called;
    await Promise.all([caller.waitForAudio({ hz: EXTERNAL_HZ }), party.waitForAudio({ hz: CALLER_HZ })]);
    assert.deepEqual(agent.heardDigits(), []);
    assert.deepEqual(party.heardDigits(), []);
    assert.equal(agent.heardTone(CALLER_HZ, deaf, performance.now()), 0);
    const again = await scene.request(talk);
    assert.equal(again.status, 409, 'no agent, no session');
    await scene.leaveNothing(caller);
  });
});
