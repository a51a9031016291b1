import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { loadFlow } from '../../flows/loader.js';
import { Bots } from '../../server/bots/bots.js';
import { Conversation } from '../../server/call/conversation.js';
import { type CallEvent, CallEvents } from '../../server/call/events.js';
import { InboundRun } from '../../server/call/inbound-run.js';
import { Leg } from '../../server/call/leg.js';
import { Participant } from '../../server/call/participant.js';
import { runFlow } from '../../server/call/run-flow.js';
import { SecureActions } from '../../server/secure/secure-actions.js';
import { liveSecureValues } from '../../server/secure/secure-value.js';
import { FakeCrm } from './data-fakes.js';
import { FakeEndpoint, FakeMedia } from './secure-fakes.js';

const ASK = loadFlow(
  `name: a
type: inbound
variables: { id: { type: string, default: '17' } }
tasks:
  main:
    - { do: callData, action: crm, inputs: { id: flow.id }, processingAudio: One moment., into: customer }
    - do: decision
      if: data.customer.name == "Ann"
      then: [{ do: disconnect }]
    - do: disconnect
`,
  'a.yaml',
);

const FACTS = { id: 'c1', from: 'a', to: 'b', invocationData: '' };

describe('inbound run', () => {
  let customer: FakeEndpoint;
  let hangUp: AbortController;
  let paths: string[];
  let run: InboundRun;
  let secureActions: SecureActions;
  let crm: FakeCrm;
  let data: CallEvent[];

  beforeEach(() => {
    customer = new FakeEndpoint(new FakeMedia(), 'customer');
    hangUp = new AbortController();
    paths = [];
    data = [];
    crm = new FakeCrm();
    const events = new CallEvents();
    events.subscribe((event) => event.type === 'flow.action' && paths.push(event.path));
    events.subscribe((event) => event.type === 'flow.data' && data.push(event));
    const leg = new Leg(customer);
    const participant = new Participant({ id: 'p', role: 'customer', address: '', leg, state: 'connected' });
    secureActions = new SecureActions(() => assert.fail('nothing here is secure'));
    run = new InboundRun({
      conversation: new Conversation({ ...FACTS, flow: 'a', customer: participant, events }),
      signal: hangUp.signal,
      dataActions: crm.actions,
      flow: ASK,
      secureActions,
      bots: new Bots(new Map()),
      enterSecure: async () => null,
      flows: new Map(),
      transfer: async () => ({ ok: false, error: 'no-agent', message: '' }),
    });
  });

  it('waits as long as the flow says, and not a moment longer once the caller has hung up', async () => {
    assert.deepEqual(await run.execute({ do: 'wait', ms: 1 }, false), { event: { type: 'waited' } });
    const flow = loadFlow(
      'name: a\ntype: inbound\ntasks:\n  main:\n    - { do: wait, duration: 300s }\n    - do: disconnect\n',
      'a.yaml',
    );
    const running = runFlow(flow, FACTS, run, hangUp.signal);
    hangUp.abort();
    assert.equal(await running, 'interrupted');
  });

  it('asks for data while the caller hears the processing audio, again and again', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const running = runFlow(ASK, FACTS, run, hangUp.signal);
    while (customer.played < 3) {
      await turn();
      context.mock.timers.tick(1500);
    }
    crm.succeed({ name: 'Ann', secret: 'x' });
    assert.deepEqual(await running, { kind: 'disconnect', reason: 'flow' });
    assert.deepEqual(paths, ['tasks.main[0]', 'tasks.main[1]', 'tasks.main[1].then[0]']);
    const [request] = crm.requests;
    assert.deepEqual(request?.inputs, { id: '17' });
    assert.equal(request?.idempotencyKey, 'c1:tasks.main[0]#1');
    const [{ seq: _seq, at: _at, ...event } = { seq: 0, at: '' }] = data;
    const told = { type: 'flow.data', action: 'crm', status: 'success', durationMs: 0, conversationId: 'c1' };
    assert.deepEqual(event, told);
  });

  it('hands nothing to a data action that shows what was keyed into a secure variable', async () => {
    const card = '4242424242424242';
    const value = secureActions.values.create('card', 'cardNumber');
    for (const key of card) value.append(key.charCodeAt(0));
    const running = runFlow(
      loadFlow(ASK.source.replace('17', card).replace('processingAudio: One moment., ', ''), 'a.yaml'),
      FACTS,
      run,
      hangUp.signal,
    );
    assert.deepEqual(await running, { kind: 'disconnect', reason: 'error' });
    assert.deepEqual(crm.requests, []);
    await secureActions.close('error');
    assert.equal(liveSecureValues(), 0);
  });

  it('gives a data action up at once when the caller hangs up', async () => {
    const running = runFlow(ASK, FACTS, run, hangUp.signal);
    while (customer.played === 0) await turn();
    hangUp.abort();
    assert.equal(await running, 'interrupted');
  });

  it('takes the choice of a menu by its key, in the open, and keeps no value of it', async () => {
    const flow = loadFlow(
      `name: a
type: inbound
tasks:
  main:
    - { do: menu, prompt: a, choices: { '1': [], '*': [{ do: transferToAgent, onFailure: [] }] } }
    - do: disconnect
`,
      'a.yaml',
    );
    const running = runFlow(flow, FACTS, run, hangUp.signal);
    customer.press('*');
    assert.deepEqual(await running, { kind: 'disconnect', reason: 'flow' });
    assert.deepEqual(paths, ['tasks.main[0]', 'tasks.main[0].choices.*[0]', 'tasks.main[1]']);
    assert.equal(liveSecureValues(), 0);
    assert.equal(customer.listeners, 0);
  });

  it('executes nothing of a secure action in the open, whoever asks for it', async () => {
    const fault = { end: { kind: 'disconnect', reason: 'error' } };
    const field = { kind: 'digits', min: 1, max: 4, brands: [], cardVariable: null } as const;
    const times = { firstDigitTimeoutMs: 10, interDigitTimeoutMs: 10, totalTimeoutMs: 10 };
    const keys = { terminator: null, clearKey: null, attempt: 1, attempts: 1, bargeIn: true };
    const into = { scope: 'secure', name: 'pin' } as const;
    const collect = { do: 'collect', field, into, audio: [], again: null, ...times, ...keys } as const;
    assert.deepEqual(await run.execute(collect, false), fault);
    assert.deepEqual(await run.execute({ do: 'extract', source: 'pin', transform: 'length' }, false), fault);
    assert.deepEqual(await run.execute({ do: 'returnToAgent', data: {} }, false), fault);
    assert.equal(customer.listeners, 0);
  });

  it('ends a menu at once when the caller hangs up', async () => {
    const flow = loadFlow(
      'name: a\ntype: inbound\ntasks:\n  main:\n    - { do: menu, prompt: a, choices: { 1: [{ do: disconnect }] } }\n',
      'a.yaml',
    );
    const running = runFlow(flow, FACTS, run, hangUp.signal);
    hangUp.abort();
    assert.equal(await running, 'interrupted');
    assert.equal(customer.listeners, 0);
  });
});
