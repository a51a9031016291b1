import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { loadFlow } from '../../flows/loader.js';
import { type Fixture, FLOWS, fixture, TOKEN } from './api-fake.js';

const ROUTE = '/api/v1/flows';

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
          ['card-payment', 'secure', true],
          ['pay-by-phone', 'inbound', true],
          ['support', 'inbound', false],
        ],
      );
    }
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
    const summary = { name: 'a', type: 'inbound', description: '', secure: false, actions: 5 };
    assert.deepEqual(answer.json(), { flows: [summary] });
    await api.close();
  });
});
