import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { TokenStore } from '../../server/api/tokens.js';
import type { CallEvent } from '../../server/call/events.js';
import { type Fixture, FLOWS, fixture, TOKEN } from './api-fake.js';

const inbound = (name: string, actions = '', prompt = 'Hello.'): string =>
  `name: ${name}\ntype: inbound\ntasks:\n  main:\n    - { do: playAudio, prompt: ${prompt} }\n${actions}    - do: disconnect\n`;
const secure = (name: string): string =>
  `name: ${name}\ntype: secure\ntasks:\n  main:\n    - do: returnToAgent\n`;
const charging = (name: string, connector: string): string => `name: ${name}
type: secure
variables: { pin: { type: secure } }
tasks:
  main:
    - { do: collectInput, field: digits, length: 4, into: secure.pin, prompt: Key it in. }
    - do: callSecureData
      connector: ${connector}
      secureInputs: { pin: secure.pin }
      into: charge
      onApproved: [{ do: returnToAgent }]
      onDeclined: [{ do: returnToAgent }]
      onInDoubt: [{ do: returnToAgent }]
      onError: [{ do: returnToAgent }]
onError: [{ do: returnToAgent }]
`;
const handsOver = (name: string, to: string): string =>
  inbound(name, `    - { do: transferToSecureFlow, flow: ${to}, onFailure: [{ do: wait, duration: 1s }] }\n`);

interface Problem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly remedy: string;
}

describe('publishing flows over the API', () => {
  let made: Fixture;
  let events: CallEvent[];
  beforeEach(async () => {
    made = await fixture();
    events = [];
    made.events.subscribe((event) => events.push(event));
  });
  afterEach(() => made.api.close());

  const ask = async (
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    body?: object,
    token = TOKEN,
  ) => {
    const { statusCode, body: text } = await made.api.inject({
      method,
      url: `/api/v1/${path}`,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      ...(body ? { payload: JSON.stringify(body) } : {}),
    });
    return { status: statusCode, body: text === '' ? null : JSON.parse(text) };
  };
  const create = (name: string, document: string) => ask('POST', 'flows', { name, document });
  const publish = (name: string, revision = 1) => ask('POST', `flows/${name}/publish`, { revision });
  const edit = (name: string, revision: number, document: string) =>
    ask('PUT', `flows/${name}`, { revision, document });
  const install = async (name: string, document: string) => {
    assert.equal((await create(name, document)).status, 201);
    const answer = await publish(name);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
  };
  const problemsOf = ({ status, body }: Awaited<ReturnType<typeof ask>>): string[] => {
    assert.deepEqual([status, body.error.code], [422, 'flow-not-valid'], JSON.stringify(body));
    return (body.error.problems as Problem[]).map(
      ({ line, column, message, remedy }) => `${line}:${column}: ${message} (${remedy})`,
    );
  };
  const neededBy = ({ status, body }: Awaited<ReturnType<typeof ask>>): string[] => {
    assert.deepEqual([status, body.error.code], [409, 'flow-in-use'], JSON.stringify(body));
    return body.error.neededBy;
  };

  test('calls find a flow once it is published, not before, and its prompts are ready by then', async () => {
    const created = await create('hours', inbound('hours'));
    assert.deepEqual(created, { status: 201, body: { name: 'hours', revision: 1, published: null } });
    assert.equal(made.flows.get('hours'), undefined);
    assert.equal((await ask('GET', 'flows/hours')).status, 404);
    const answer = await publish('hours');
    assert.deepEqual(answer, { status: 200, body: { name: 'hours', revision: 1, published: 1 } });
    assert.equal(made.flows.get('hours')?.version, 1);
    assert.ok(made.prepared.has(JSON.stringify({ text: 'Hello.' })));
    assert.equal((await ask('GET', 'flows/hours')).body.version, 1);
    const [event] = events;
    assert.ok(event?.type === 'flow.published');
    assert.deepEqual([event.flow, event.version, event.previous, event.by], ['hours', 1, null, 'tests']);
    assert.equal(event.conversationId, null);
  });

  test('each change is a line in the log: who, what, which version', async () => {
    await install('hours', inbound('hours'));
    await edit('hours', 1, inbound('hours', '', 'Good day.'));
    await publish('hours', 2);
    await ask('POST', 'flows/hours/rollback', { version: 1 });
    await ask('DELETE', 'flows/hours');
    const lines = made.log.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'flow');
    assert.deepEqual(
      lines.map(({ flow, change, version, by }) => [flow, change, version, by]),
      [
        ['hours', 'created', null, 'tests'],
        ['hours', 'published', 1, 'tests'],
        ['hours', 'edited', 1, 'tests'],
        ['hours', 'published', 2, 'tests'],
        ['hours', 'rolled-back', 1, 'tests'],
        ['hours', 'deleted', 1, 'tests'],
      ],
    );
    assert.deepEqual(
      events.map(({ type }) => type),
      ['flow.published', 'flow.published', 'flow.published', 'flow.deleted'],
    );
  });

  test('a draft keeps its text, and an edit of another revision than the last is refused', async () => {
    const text = '# a comment\nname:   hours # here too\n';
    await create('hours', text);
    assert.equal((await ask('GET', 'flows/hours/draft')).body.document, text);
    assert.equal((await edit('hours', 1, 'two')).body.revision, 2);
    const late = await edit('hours', 1, 'three');
    assert.deepEqual([late.status, late.body.error.code], [409, 'draft-changed']);
    assert.equal((await publish('hours', 1)).body.error.code, 'draft-changed');
    assert.equal((await create('hours', 'x')).body.error.code, 'flow-exists');
    assert.equal((await edit('support', 1, 'x')).body.error.code, 'flow-not-found');
    assert.deepEqual((await ask('GET', 'flow-drafts')).body.drafts, [
      { name: 'hours', revision: 2, published: null },
    ]);
    assert.equal((await create('../hours', 'x')).status, 400);
  });

  test('what names nothing is not published: flows, connectors, data actions, agents, its own name', async () => {
    const reject = async (document: string) => {
      assert.equal((await create('hours', document)).status, 201);
      const problems = problemsOf(await publish('hours'));
      await ask('DELETE', 'flows/hours');
      assert.equal(made.flows.get('hours'), undefined);
      assert.deepEqual([...made.prepared], []);
      return problems;
    };
    assert.deepEqual(await reject(handsOver('hours', 'card-paymnt')), [
      "6:41: there is no flow 'card-paymnt' (did you mean 'card-payment'?)",
    ]);
    assert.deepEqual(
      await reject(
        inbound(
          'hours',
          '    - { do: transferToAgent, agent: agnt, onFailure: [{ do: wait, duration: 1s }] }\n',
        ),
      ),
      ["6:37: there is no agent 'agnt' (did you mean 'agent'?)"],
    );
    assert.deepEqual(await reject(inbound('hours', '    - { do: callData, action: crm, into: a }\n')), [
      "6:31: there is no data action 'crm' (configure it, or name one of: none is configured)",
    ]);
    const [problem] = await reject(charging('hours', 'bank'));
    assert.match(problem ?? '', /there is no connector 'bank' \(configure it, or name one of: payment\)/);
    assert.deepEqual(await reject(inbound('other')), [
      "1:7: the flow is kept as 'hours' (write name: hours)",
    ]);
    assert.match((await reject('name: [')).join(), /not valid YAML/);
  });

  test('a flow keeps the type that routes and other flows need', async () => {
    await create('pay-by-phone', secure('pay-by-phone'));
    assert.deepEqual(problemsOf(await publish('pay-by-phone')), [
      '2:7: route pay needs a flow of type inbound (keep its type, or change what names it first)',
    ]);
    await create('card-payment', inbound('card-payment'));
    assert.match(
      problemsOf(await publish('card-payment')).join(),
      /^2:7: flow pay-by-phone \(tasks\.main\[\d+\].*\) needs a flow of type secure/,
    );
    assert.equal(made.flows.get('card-payment'), FLOWS.get('card-payment'));
  });

  test('of two flows that are published at once, the second is checked beside the first', async () => {
    await install('pay', secure('pay'));
    await edit('pay', 1, inbound('pay'));
    await create('desk', handsOver('desk', 'pay'));
    const [first, second] = await Promise.all([publish('desk'), publish('pay', 2)]);
    assert.equal(first.status, 200);
    assert.deepEqual(problemsOf(second), [
      '2:7: flow desk (tasks.main[1]) needs a flow of type secure (keep its type, or change what names it first)',
    ]);
  });

  test('a version that is not valid any more is not rolled back to', async () => {
    await install('pay', secure('pay'));
    await install('desk', handsOver('desk', 'pay'));
    await edit('desk', 1, inbound('desk'));
    assert.equal((await publish('desk', 2)).status, 200);
    assert.equal((await ask('DELETE', 'flows/pay')).status, 204);
    const back = await ask('POST', 'flows/desk/rollback', { version: 1 });
    assert.match(problemsOf(back).join(), /there is no flow 'pay'/);
    assert.equal(made.flows.get('desk')?.version, 2);
    assert.equal((await ask('POST', 'flows/desk/rollback', { version: 9 })).status, 404);
    assert.equal((await ask('GET', 'flows/desk/versions/9')).status, 404);
    assert.equal((await ask('GET', 'flows/desk/versions/x')).status, 400);
  });

  test('a flow that is needed is not deleted: by a route, a flow, a call on it, a call that names it', async () => {
    await install('pay', secure('pay'));
    await install('desk', handsOver('desk', 'pay'));
    assert.deepEqual(neededBy(await ask('DELETE', 'flows/pay')), ['flow desk (tasks.main[1])']);
    const desk = made.flows.get('desk');
    assert.ok(desk);
    made.running.push({ conversationId: 'c-7', flows: [desk] });
    assert.deepEqual(neededBy(await ask('DELETE', 'flows/desk')), ['conversation c-7']);
    await edit('desk', 1, inbound('desk'));
    await publish('desk', 2);
    // The call goes on with the version that hands over to it.
    assert.deepEqual(neededBy(await ask('DELETE', 'flows/pay')), ['conversation c-7']);
    made.running.pop();
    assert.equal((await ask('DELETE', 'flows/pay')).status, 204);
    assert.equal((await ask('DELETE', 'flows/desk')).status, 204);
    assert.equal((await ask('DELETE', 'flows/support')).body.error.code, 'flow-not-found');
  });

  test('a published flow hides the file of its name, and deleting it shows the file again', async () => {
    await install('pay-by-phone', inbound('pay-by-phone'));
    assert.equal(made.flows.get('pay-by-phone')?.version, 1);
    assert.equal(made.flows.get('pay-by-phone')?.directory, FLOWS.get('pay-by-phone')?.directory);
    // The route that names it is content with the file.
    assert.equal((await ask('DELETE', 'flows/pay-by-phone')).status, 204);
    assert.equal(made.flows.get('pay-by-phone'), FLOWS.get('pay-by-phone'));
  });

  test('what was made ready for a version is given up with its last call', async () => {
    const ready = (text: string) => made.prepared.has(JSON.stringify({ text }));
    await install('hours', inbound('hours', '    - { do: playAudio, prompt: Both. }\n', 'Old.'));
    const old = made.flows.get('hours');
    assert.ok(old);
    made.running.push({ conversationId: 'c-7', flows: [old] });
    await edit('hours', 1, inbound('hours', '    - { do: playAudio, prompt: Both. }\n', 'New.'));
    await publish('hours', 2);
    assert.deepEqual(['Old.', 'New.', 'Both.'].map(ready), [true, true, true]);
    made.running.pop();
    await edit('hours', 2, inbound('hours', '    - { do: playAudio, prompt: Both. }\n', 'Newer.'));
    await publish('hours', 3);
    assert.deepEqual(['Old.', 'New.', 'Newer.', 'Both.'].map(ready), [false, false, true, true]);
  });

  test('a token does with flows what its right allows, and a refusal comes before the body is looked at', async () => {
    await made.api.close();
    const rights = ['none', 'view', 'edit', 'publish'] as const;
    const tokens = new TokenStore(rights.map((flows) => ({ name: flows, token: `token-${flows}`, flows })));
    made = await fixture({ tokens });
    const routes = [
      ['view', 'GET', 'flows'],
      ['view', 'GET', 'flows/support'],
      ['view', 'GET', 'flows/support/graph'],
      ['view', 'POST', 'flows/validate'],
      ['view', 'GET', 'flow-drafts'],
      ['view', 'GET', 'flows/x/draft'],
      ['view', 'GET', 'flows/x/versions'],
      ['view', 'GET', 'flows/x/versions/1'],
      ['edit', 'POST', 'flows'],
      ['edit', 'PUT', 'flows/x'],
      ['publish', 'DELETE', 'flows/x'],
      ['publish', 'POST', 'flows/x/publish'],
      ['publish', 'POST', 'flows/x/rollback'],
    ] as const;
    for (const [needed, method, path] of routes) {
      for (const right of rights) {
        const body = method === 'POST' || method === 'PUT' ? {} : undefined;
        const { status } = await ask(method, path, body, `token-${right}`);
        const allowed = rights.indexOf(right) >= rights.indexOf(needed);
        assert.equal(status !== 403, allowed, `${right}: ${method} ${path} ${status}`);
      }
    }
  });
});
