import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { type FlowGraph, flowGraph } from '../../flows/graph.js';
import { loadFlow } from '../../flows/loader.js';
import { type Fixture, FLOWS, fixture, TOKEN } from './api-fake.js';
import { libraryOf } from './flow-documents.js';

const ROUTE = '/api/v1/flows';

interface FlowVariable {
  readonly name: string;
  readonly type: string;
}

describe('the flows of the API', () => {
  let made: Fixture;
  beforeEach(async () => {
    made = await fixture();
  });
  afterEach(() => made.api.close());

  const ask = (url: string, api = made.api) =>
    api.inject({ url, headers: { authorization: `Bearer ${TOKEN}` } });

  test('the list has every loaded flow by name, whichever order they were loaded in', async () => {
    const { api } = await fixture({ flows: new Map([...FLOWS].reverse()) });
    for (const one of [made.api, api]) {
      const answer = await ask(ROUTE, one);
      const { flows } = answer.json() as { flows: { name: string; type: string; secure: boolean }[] };
      assert.deepEqual(
        flows.map(({ name, type, secure }) => [name, type, secure]),
        [
          ['bank-payment', 'secure', true],
          ['card-payment', 'secure', true],
          ['pay-by-phone', 'inbound', true],
          ['support', 'inbound', false],
        ],
      );
    }
    await api.close();
  });

  test('the list can be of one type; a type that there is not is refused', async () => {
    const names = async (type: string) =>
      ((await ask(`${ROUTE}?type=${type}`)).json() as { flows: { name: string }[] }).flows.map(
        ({ name }) => name,
      );
    assert.deepEqual(await names('inbound'), ['pay-by-phone', 'support']);
    assert.deepEqual(await names('secure'), ['bank-payment', 'card-payment']);
    assert.deepEqual(await names('module'), []);
    assert.equal((await ask(`${ROUTE}?type=robot`)).statusCode, 400);
  });

  test('modules and the flows that call them are listed as what they are', async () => {
    const flows = await libraryOf(
      'name: a\ntype: secure\ntasks:\n  main:\n    - { do: callModule, module: b }\n    - do: returnToAgent\n',
      'name: b\ntype: module\ninputs: { x: { type: number, default: 1 } }\noutputs: { y: { type: secure } }\ntasks:\n  main:\n    - { do: collectInput, field: expiry, into: secure.y, prompt: a }\n',
    );
    const { api } = await fixture({ flows });
    const { flows: listed } = (await ask(`${ROUTE}?type=module`, api)).json();
    const b = { name: 'b', version: null, type: 'module', description: '', secure: true, actions: 1 };
    assert.deepEqual(listed, [b]);
    assert.deepEqual((await ask(`${ROUTE}/b`, api)).json().variables, [
      { name: 'x', type: 'number' },
      { name: 'y', type: 'secure' },
    ]);
    assert.equal((await ask(`${ROUTE}/a/graph`, api)).json().nodes[0].action, 'callModule');
    await api.close();
  });

  test('actions in paths, tasks and the error path count', async () => {
    const flow = loadFlow(
      `name: a
type: inbound
tasks:
  main:
    - do: callTask
      task: ring
    - do: disconnect
  ring:
    - do: transferToAgent
      onFailure:
        - { do: playAudio, prompt: Goodbye }
onError:
  - do: disconnect
`,
      'a.yaml',
    );
    const { api } = await fixture({ flows: new Map([['a', flow]]) });
    const answer = await ask(ROUTE, api);
    const summary = { name: 'a', version: null, type: 'inbound', description: '', secure: false, actions: 5 };
    assert.deepEqual(answer.json(), { flows: [summary] });
    await api.close();
  });

  test('one flow has its document, letter by letter, and the variables it declares', async () => {
    for (const [name, flow] of FLOWS) {
      const one = (await ask(`${ROUTE}/${name}`)).json();
      assert.equal(one.document, readFileSync(flow.fileName, 'utf8'));
      assert.deepEqual(loadFlow(one.document, flow.fileName), flow);
    }
    const { variables } = (await ask(`${ROUTE}/card-payment`)).json();
    const types = new Map<string, string>(variables.map((one: FlowVariable) => [one.name, one.type]));
    assert.equal(types.get('card'), 'secure');
    assert.equal(types.get('amount'), 'number');
  });

  test('a flow that is not there is 404 with its code, whatever the name', async () => {
    for (const name of ['nothing', '__proto__', 'constructor', '..%2fsupport', '4111111111111111']) {
      const answer = await ask(`${ROUTE}/${name}`);
      assert.equal(answer.statusCode, 404, name);
      assert.deepEqual(answer.json(), { error: { code: 'flow-not-found', message: 'no such flow' } });
    }
  });

  test('the graph is the one that tacet show gives, and carries the key', async () => {
    for (const [name, flow] of FLOWS) {
      assert.deepEqual((await ask(`${ROUTE}/${name}/graph`)).json(), flowGraph(flow));
    }
    const { nodes } = (await ask(`${ROUTE}/pay-by-phone/graph`)).json() as Pick<FlowGraph, 'nodes'>;
    const secure = nodes.filter((node) => node.secure).map(({ action, key }) => [action, key]);
    assert.deepEqual(secure, [['transferToSecureFlow', true]]);
    assert.equal((await ask(`${ROUTE}/nothing/graph`)).json().error.code, 'flow-not-found');
  });
});
