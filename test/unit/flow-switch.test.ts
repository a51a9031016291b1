import assert from 'node:assert/strict';
import { test } from 'node:test';
import { start, step } from '../../flows/interpreter.js';
import { loadFlow } from '../../flows/loader.js';
import { KEYED, problemsOf } from './flow-problems.js';
import { CALL } from './flow-simulator.js';

const HEADER = `name: a
type: inbound
variables:
  n: { type: number, default: 2 }
  s: { type: string, default: '2' }
tasks:
  main:
`;
const END = '    - do: disconnect\n';

/** The paths that a run enters before it waits or ends. */
function paths(actions: string, variables: Record<string, string | number> = {}): string[] {
  return start(loadFlow(HEADER + actions, 'a.yaml'), CALL, variables).notes.map((note) => note.path);
}

const play = (text: string) => `[{ do: playAudio, prompt: ${text} }]`;
const conditions = `    - do: switch
      cases:
        - { if: flow.n > 10, actions: ${play('many')} }
        - { if: flow.n > 1, actions: ${play('some')} }
        - { if: flow.n > 0, actions: [] }
      default: ${play('none')}
${END}`;

test('switch: the first case that is true is taken, and default when none is', () => {
  assert.deepEqual(paths(conditions, { n: 11 }), ['tasks.main[0]', 'tasks.main[0].cases[0].actions[0]']);
  assert.deepEqual(paths(conditions, { n: 2 }), ['tasks.main[0]', 'tasks.main[0].cases[1].actions[0]']);
  assert.deepEqual(paths(conditions, { n: 0 }), ['tasks.main[0]', 'tasks.main[0].default[0]']);
});

test('switch: an empty case goes on after it, and so does the end of one', () => {
  assert.deepEqual(paths(conditions, { n: 1 }), ['tasks.main[0]', 'tasks.main[1]']);
  const waiting = start(loadFlow(HEADER + conditions, 'a.yaml'), CALL, { n: 2 });
  assert.equal(step(waiting.state, { type: 'played' }).command?.do, 'disconnect');
});

test('switch: a later condition is not looked at once one is true', () => {
  const source = `    - do: switch
      cases:
        - { if: flow.n == 2, actions: [] }
        - { if: 1 / 0 == 1, actions: [] }
${END}`;
  assert.deepEqual(paths(source), ['tasks.main[0]', 'tasks.main[1]']);
});

const values = (value: string) => `    - do: switch
      value: ${value}
      cases:
        - { equals: [1, 2], actions: ${play('low')} }
        - { equals: 3.5, actions: ${play('half')} }
${END}`;

test('switch: a value is compared with literals, alone or in a list', () => {
  assert.equal(paths(values('flow.n'), { n: 2 }).at(-1), 'tasks.main[0].cases[0].actions[0]');
  assert.equal(paths(values('flow.n'), { n: 3.5 }).at(-1), 'tasks.main[0].cases[1].actions[0]');
  assert.equal(paths(values('flow.n'), { n: 9 }).at(-1), 'tasks.main[1]');
  assert.equal(paths(values('\'get(json(call.invocationData), "a", "2")\'')).at(-1), 'tasks.main[1]');
});

test('switch: a condition that is neither true nor false is a failure', () => {
  const source = `    - { do: switch, cases: [{ if: 'get(json(call.from), "a", 1)', actions: [] }] }\n${END}`;
  const { command } = start(loadFlow(HEADER + source, 'a.yaml'), CALL);
  assert.match(command?.do === 'disconnect' ? command.message : '', /neither true nor false$/);
});

test('switch: a flow keeps each list of actions once', () => {
  const { tasks } = JSON.parse(JSON.stringify({ tasks: loadFlow(HEADER + conditions, 'a.yaml').tasks.main }));
  assert.deepEqual(
    tasks[0].fields.cases.map((one: { actions: unknown[] }) => one.actions),
    [[], [], []],
  );
  assert.deepEqual(Object.keys(tasks[0].blocks), [
    'default',
    'cases[0].actions',
    'cases[1].actions',
    'cases[2].actions',
  ]);
});

const REFUSED: readonly (readonly [title: string, actions: string, expected: RegExp])[] = [
  ['no cases', '{ do: switch, cases: [] }', /^8:\d+: 'cases' .*give a list of cases/],
  ['a case without actions', '{ do: switch, cases: [{ if: true }] }', /^8:29: 'actions' is missing/],
  ['a case without a condition', '{ do: switch, cases: [{ actions: [] }] }', /^8:29: case 1 has no 'if'/],
  [
    'an equals without a value',
    '{ do: switch, cases: [{ equals: 1, actions: [] }] }',
    /^8:\d+: 'equals' without 'value' \(add value/,
  ],
  [
    'an if beside a value',
    '{ do: switch, value: flow.n, cases: [{ if: true, equals: 1, actions: [] }] }',
    /^8:\d+: 'if' beside 'value' \(use equals/,
  ],
  [
    'an unknown key of a case',
    '{ do: switch, cases: [{ if: true, than: [], actions: [] }] }',
    /^8:41: unknown key 'than'/,
  ],
  [
    'a number for a text',
    '{ do: switch, value: flow.s, cases: [{ equals: 1, actions: [] }] }',
    /^8:54: the value is a string, so it never equals 1 \(write '1' with quotes\)/,
  ],
  [
    'a text for a number',
    "{ do: switch, value: size(flow.s), cases: [{ equals: '1', actions: [] }] }",
    /^8:\d+: the value is a number, so it never equals "1" \(give a number without quotes\)/,
  ],
  [
    'a literal twice',
    '{ do: switch, value: flow.n, cases: [{ equals: 1, actions: [] }, { equals: [2, 1], actions: [] }] }',
    /^8:\d+: 1 stands in two cases/,
  ],
  [
    'a condition that is a text',
    '{ do: switch, cases: [{ if: flow.s, actions: [] }] }',
    /^8:35: .*is string/,
  ],
  [
    'an action inside a case',
    '{ do: switch, cases: [{ if: true, actions: [{ do: playAudi }] }] }',
    /^8:\d+: unknown action 'playAudi'/,
  ],
  [
    'actions that are no list',
    '{ do: switch, cases: [{ if: true, actions: 5 }] }',
    /^8:\d+: a path is a list/,
  ],
  [
    'an action after a switch that always ends',
    '{ do: switch, cases: [{ if: true, actions: [{ do: disconnect }] }], default: [{ do: disconnect }] }',
    /^9:7: nothing goes on after switch/,
  ],
];

for (const [title, action, expected] of REFUSED) {
  test(`switch refused: ${title}`, () => {
    const problems = problemsOf(`${HEADER}    - ${action}\n${END}`);
    assert.ok(
      problems.some((problem) => expected.test(problem)),
      `${expected}:\n${problems.join('\n')}`,
    );
  });
}

test('switch: a flow may end in one when all its paths end', () => {
  const ending =
    '    - { do: switch, cases: [{ if: true, actions: [{ do: disconnect }] }], default: [{ do: disconnect }] }\n';
  assert.deepEqual(problemsOf(HEADER + ending), []);
  const open = ending.replace(', default: [{ do: disconnect }]', '');
  assert.match(problemsOf(HEADER + open).join(), /the flow can go on after its last action/);
});

test('switch: no secure value decides', () => {
  for (const action of [
    '{ do: switch, value: secure.card, cases: [{ equals: a, actions: [] }] }',
    '{ do: switch, cases: [{ if: size(secure.card) == 16, actions: [] }] }',
    "{ do: switch, cases: [{ if: true, actions: [{ do: playAudio, prompt: '{{ secure.card }}' }] }] }",
    '{ do: switch, value: flow.s, cases: [{ equals: a, actions: [] }], default: [{ do: setVariables, set: { flow.s: secure.card } }] }',
  ]) {
    const problems = problemsOf(`${KEYED}    - ${action}\n    - do: returnToAgent\n`);
    assert.match(problems.join(), /^7:\d+: .* looks at a secure value \(use extractSecureData/, action);
  }
});
