import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { loadFlow } from '../../flows/loader.js';
import { Conversation } from '../../server/call/conversation.js';
import { CallEvents } from '../../server/call/events.js';
import { InboundRun } from '../../server/call/inbound-run.js';
import { Leg } from '../../server/call/leg.js';
import { Participant } from '../../server/call/participant.js';
import { runFlow } from '../../server/call/run-flow.js';
import { liveSecureValues } from '../../server/secure/secure-value.js';
import { FakeEndpoint, FakeMedia } from './secure-fakes.js';

const FACTS = { id: 'c1', from: 'a', to: 'b', invocationData: '' };

describe('inbound run', () => {
  let customer: FakeEndpoint;
  let hangUp: AbortController;
  let paths: string[];
  let run: InboundRun;

  beforeEach(() => {
    customer = new FakeEndpoint(new FakeMedia(), 'customer');
    hangUp = new AbortController();
    paths = [];
    const events = new CallEvents();
    events.subscribe((event) => event.type === 'flow.action' && paths.push(event.path));
    const leg = new Leg(customer);
    const participant = new Participant({ id: 'p', role: 'customer', address: '', leg, state: 'connected' });
    run = new InboundRun({
      conversation: new Conversation({ ...FACTS, flow: 'a', customer: participant, events }),
      signal: hangUp.signal,
      enterSecure: async () => null,
      toAgent: async () => ({ ok: false, error: 'no-agent', message: '' }),
    });
  });

  it('waits as long as the flow says, and not a moment longer once the caller has hung up', async () => {
    assert.deepEqual(await run.execute({ do: 'wait', ms: 1 }), { event: { type: 'waited' } });
    const flow = loadFlow(
      'name: a\ntype: inbound\ntasks:\n  main:\n    - { do: wait, duration: 300s }\n    - do: disconnect\n',
      'a.yaml',
    );
    const running = runFlow(flow, FACTS, run, hangUp.signal);
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
