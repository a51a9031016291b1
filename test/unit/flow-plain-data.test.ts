import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PlainValue } from '../../flows/commands.js';
import { start, step } from '../../flows/interpreter.js';
import { loadFlow } from '../../flows/loader.js';
import { changedData, dataRefusal, LONGEST_TEXT, MOST_ENTRIES } from '../../flows/plain-data.js';
import { problemsOf } from './flow-problems.js';
import { CALL, replay } from './flow-simulator.js';

const GET = loadFlow(
  `name: a
type: inbound
variables:
  text: { type: string, default: before }
  number: { type: number, default: -1 }
  flag: { type: boolean }
tasks:
  main:
    - do: getParticipantData
      name: read
      get: { flow.text: t, flow.number: n, flow.flag: f }
      defaults: { flow.flag: flow.number > 0 }
      onMissing:
        - { do: playAudio, prompt: '{{ data.read.error }}: {{ data.read.message }}' }
    - { do: playAudio, prompt: '{{ flow.text }} {{ flow.number }} {{ flow.flag }}' }
    - do: disconnect
`,
  'a.yaml',
);

function said(attributes: Readonly<Record<string, PlainValue>>): string {
  return replay({ flow: GET, keys: [], attributes }).spoken;
}

describe('getParticipantData', () => {
  it('converts attributes to the types of the variables', () => {
    assert.equal(said({ t: 7, n: '-3.5', f: 'true' }), '7 -3.5 true');
    assert.equal(said({ t: true, n: 12, f: false }), 'true 12 false');
  });

  it('takes the default of what is missing or does not fit', () => {
    assert.equal(said({ t: 'x', n: 1 }), 'x 1 false');
    assert.equal(said({ t: 'x', n: 1, f: 'yes' }), 'x 1 false');
    assert.equal(said({ t: 'x', n: 1, f: 1 }), 'x 1 false');
  });

  it('takes onMissing where there is none, with every other variable set', () => {
    assert.equal(said({ n: 3, f: true }), 'missing-attribute: there is no t before 3 true');
    assert.equal(said({ t: 'x', n: null, f: true }), 'missing-attribute: there is no n x -1 true');
    for (const n of ['', 'four', '1e9', '0x10', ' 1', 'Infinity', '1234567890123456', true]) {
      assert.equal(
        said({ t: 'x', n, f: true }),
        'wrong-type: n does not fit flow.number x -1 true',
        String(n),
      );
    }
  });

  it('does not take what every object has for an attribute', () => {
    const flow = loadFlow(
      `name: a\ntype: inbound\nvariables: { x: { type: string } }\ntasks:\n  main:
    - { do: getParticipantData, get: { flow.x: constructor }, defaults: { flow.x: '"none"' } }
    - { do: playAudio, prompt: '{{ flow.x }}' }
    - do: disconnect\n`,
      'a.yaml',
    );
    assert.equal(replay({ flow, keys: [] }).spoken, 'none');
  });
});

describe('setParticipantData and sendEvent', () => {
  const SET = `name: a
type: inbound
variables: { x: { type: string, default: v } }
tasks:
  main:
    - { do: setParticipantData, name: put, set: { a: flow.x, b: 2, c: true, d: 'null' } }
    - { do: sendEvent, type: order.found, data: { order: 'flow.x + "1"' } }
    - do: disconnect
onError:
  - { do: playAudio, prompt: '{{ data.failure.reason }}' }
`;
  const flow = loadFlow(SET, 'a.yaml');

  it('evaluate what they set and say', () => {
    assert.deepEqual(replay({ flow, keys: [] }).trace, [
      'setParticipantData {"a":"v","b":2,"c":true,"d":null}',
      'sendEvent order.found {"order":"v1"}',
      'disconnect flow',
    ]);
  });

  it('take onFailure, or the error path, when they are refused', () => {
    const refusal = { error: 'too-long', message: 'a is longer' };
    const refused = step(start(flow, CALL).state, { type: 'applied', refusal });
    assert.deepEqual(refused.command, { do: 'play', audio: [{ text: 'too-long' }], bargeIn: false });
    const failing = loadFlow(
      SET.replace(", d: 'null' } }", " }, onFailure: [{ do: playAudio, prompt: '{{ data.put.error }}!' }] }"),
      'a.yaml',
    );
    const path = step(start(failing, CALL).state, { type: 'applied', refusal });
    assert.deepEqual(path.command, { do: 'play', audio: [{ text: 'too-long!' }], bargeIn: false });
  });
});

describe('plain data', () => {
  it('has a limit of entries and of text, and says nothing of what broke them', () => {
    const many = Object.fromEntries(Array.from({ length: MOST_ENTRIES }, (_, index) => [`a${index}`, 0]));
    assert.equal(dataRefusal(many), null);
    assert.equal(dataRefusal({ ...many, one: 1 })?.error, 'too-many-entries');
    assert.equal(dataRefusal({ a: 'x'.repeat(LONGEST_TEXT) }), null);
    const long = dataRefusal({ a: 'x'.repeat(LONGEST_TEXT + 1) });
    assert.deepEqual(long, { error: 'too-long', message: 'a text of more than 1000 characters' });
  });

  it('changes entries all together, or none', () => {
    assert.deepEqual(changedData({ a: 1, b: 2 }, { b: null, c: 3 }), { data: { a: 1, c: 3 } });
    assert.ok('refusal' in changedData({}, { a: 1, b: 'x'.repeat(LONGEST_TEXT + 1) }));
  });
});

const HEAD = `name: a
type: secure
variables: { x: { type: number }, card: { type: secure } }
tasks:
  main:
    - { do: collectInput, field: cardNumber, into: secure.card, prompt: Card }
`;

const BROKEN: readonly (readonly [string, RegExp])[] = [
  ['setParticipantData, set: { a: secure.card }', /^7:\d+: 'secure.card' looks at a secure value/],
  ['setParticipantData, set: {}', /^7:\d+: 'set'/],
  ['setParticipantData, set: { "a b": 1 }', /^7:\d+: /],
  ['setParticipantData, set: { a: flow.y }', /^7:\d+: flow.y is not known/],
  ['sendEvent, type: paid, data: { card: secure.card }', /^7:\d+: 'secure.card' looks at a secure value/],
  ['sendEvent, type: Paid now', /^7:\d+: 'type'/],
  ['sendEvent, data: { a: 1 }', /^7:\d+: 'type' is missing/],
  ['getParticipantData, get: { secure.card: a }', /^7:\d+: /],
  ['getParticipantData, get: { flow.y: a }', /^7:\d+: flow.y is not declared/],
  [
    'getParticipantData, get: { flow.x: a }, defaults: { flow.x: "true" }',
    /^7:\d+: 'true' is bool, not a number/,
  ],
  ['getParticipantData, get: { flow.x: a }, defaults: { flow.z: 1 }', /^7:\d+: nothing is read into flow.z/],
];

describe('a flow with plain data', () => {
  for (const [action, expected] of BROKEN) {
    it(`is refused: ${action}`, () => {
      const source = `${HEAD}    - { do: ${action} }\n    - do: disconnect\n`;
      assert.match(problemsOf(source)[0] ?? '', expected);
    });
  }
});
