import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CallDataResult } from '../../flows/commands.js';
import { start, step } from '../../flows/interpreter.js';
import { loadFlow } from '../../flows/loader.js';
import { problemsOf } from './flow-problems.js';
import { CALL, replay } from './flow-simulator.js';

const SUCCESS: CallDataResult = { status: 'success', error: '', message: '', outputs: { name: 'Ann', n: 3 } };
const TIMEOUT: CallDataResult = { status: 'timeout', error: 'timeout', message: 'no answer', outputs: {} };
const FAILURE: CallDataResult = { status: 'failure', error: 'http-404', message: 'status 404', outputs: {} };

const inbound = (call: string) => `name: a
type: inbound
variables:
  id: { type: string, default: '17' }
tasks:
  main:
    - { do: callData, action: crm, into: customer, inputs: { id: flow.id, n: 1 }${call} }
    - do: playAudio
      prompt: '{{ data.customer.status }} {{ data.customer.error }} {{ get(data.customer, "name", "-") }}'
    - do: disconnect
onError:
  - do: playAudio
    prompt: 'error {{ data.failure.reason }}'
  - do: disconnect
`;

const secure = (call: string) => `name: a
type: secure
variables:
  card: { type: secure }
tasks:
  main:
    - { do: collectInput, field: cardNumber, into: secure.card, prompt: Card. }
    - { do: callData, action: crm, into: c${call} }
    - do: returnToAgent
`;

const spoken = (call: string, data: CallDataResult) =>
  replay({ flow: loadFlow(inbound(call), 'a.yaml'), keys: [], data }).spoken;

describe('callData', () => {
  it('asks by name with evaluated inputs, unique for its entry', () => {
    const { command } = start(loadFlow(inbound(', processingAudio: One moment.'), 'a.yaml'), CALL);
    assert.deepEqual(command, {
      do: 'callData',
      action: 'crm',
      inputs: { id: '17', n: 1 },
      processingAudio: [{ text: 'One moment.' }],
      occurrence: 'tasks.main[0]#1',
    });
  });

  it('goes on after a success, with typed outputs beside the status', () => {
    assert.equal(spoken('', SUCCESS), 'success  Ann');
    const flow = loadFlow(inbound(''), 'a.yaml');
    const { state } = step(start(flow, CALL).state, { type: 'dataAnswered', result: SUCCESS });
    assert.deepEqual(state.data.customer, {
      status: 'success',
      reason: '',
      error: '',
      message: '',
      name: 'Ann',
      n: 3,
    });
  });

  it('takes the path of each result', () => {
    const paths = ['onSuccess', 'onFailure', 'onTimeout']
      .map((path) => `, ${path}: [{ do: playAudio, prompt: ${path} }]`)
      .join('');
    assert.equal(spoken(paths, SUCCESS), 'onSuccess success  Ann');
    assert.equal(spoken(paths, FAILURE), 'onFailure failure http-404 -');
    assert.equal(spoken(paths, TIMEOUT), 'onTimeout timeout timeout -');
  });

  it('goes to the error path without a path for what happened', () => {
    assert.equal(spoken(', onTimeout: []', FAILURE), 'error http-404');
    assert.equal(spoken(', onFailure: []', TIMEOUT), 'error timeout');
  });

  it('lets no output take the place of what the result says', () => {
    const outputs = { status: 'x', error: 'x', name: 'Bob' };
    assert.equal(spoken('', { ...SUCCESS, outputs }), 'success  Bob');
  });

  it('may stand in a secure flow, and only with plain inputs', () => {
    assert.deepEqual(problemsOf(secure(', inputs: { from: call.from }')), []);
    const remedy = /looks at a secure value \(use extractSecureData for its last4/;
    for (const leak of [
      'secure.card',
      "'[1].map(x, secure.card)[0]'",
      'string(secure)',
      '\'secure["card"]\'',
    ]) {
      const [problem = ''] = problemsOf(secure(`, inputs: { x: ${leak} }`));
      assert.match(problem, /^8:\d+: /);
      assert.match(problem, remedy);
    }
    assert.match(problemsOf(secure(", processingAudio: '{{ secure.card }}'"))[0] ?? '', remedy);
    assert.match(
      problemsOf(secure(', secureInputs: { x: secure.card }'))[0] ?? '',
      /^8:\d+: callData takes no secure values \(hand them to callSecureData/,
    );
  });

  it('refuses secure values in an inbound flow, and a taken name', () => {
    assert.match(
      problemsOf(inbound(', processingAudio: { digits: secure.card }'))[0] ?? '',
      /looks at a secure value/,
    );
    const taken = inbound('').replace('into: customer', 'into: failure');
    assert.match(problemsOf(taken)[0] ?? '', /^7:\d+: the name 'failure' is taken/);
    assert.match(problemsOf(inbound(', timeout: 3s'))[0] ?? '', /^7:\d+: unknown key 'timeout'/);
  });

  it('ends a run only where every path of it does', () => {
    const end = '[{ do: disconnect }]';
    const body = (paths: string) =>
      `name: a\ntype: inbound\ntasks:\n  main:\n    - { do: callData, action: crm, into: c, ${paths} }\n`;
    assert.deepEqual(problemsOf(body(`onSuccess: ${end}, onFailure: ${end}`)), []);
    assert.equal(problemsOf(body(`onFailure: ${end}, onTimeout: ${end}`)).length, 1);
    assert.equal(problemsOf(body(`onSuccess: ${end}, onFailure: []`)).length, 1);
  });

  it('leaves a loop by its error path only where a failure has no path', () => {
    const endless = (paths: string) => `name: a
type: inbound
tasks:
  main:
    - { do: loop, while: true, actions: [{ do: callData, action: crm, into: c${paths} }] }
    - do: disconnect
`;
    assert.deepEqual(problemsOf(endless(', onFailure: []')), []);
    assert.match(problemsOf(endless(', onFailure: [], onTimeout: []'))[0] ?? '', /nothing ends this loop/);
  });
});
