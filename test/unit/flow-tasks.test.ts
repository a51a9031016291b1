import assert from 'node:assert/strict';
import { test } from 'node:test';
import { start, step } from '../../flows/interpreter.js';
import { loadFlow } from '../../flows/loader.js';
import { acknowledged } from '../kit/acknowledged.js';
import { problemsOf } from './flow-problems.js';
import { CALL, replay } from './flow-simulator.js';

const HEADER = `name: a
type: inbound
variables: { n: { type: number } }
tasks:
`;

test('callTask: a task runs to its end, and the run goes on after the call, however deep', () => {
  const flow = loadFlow(
    `${HEADER}  main:
    - do: decision
      if: true
      then: [{ do: callTask, task: outer }, { do: playAudio, prompt: after }]
    - do: disconnect
  outer:
    - { do: callTask, task: inner }
    - { do: decision, if: false, then: [] }
  inner:
    - { do: decision, if: true, then: [{ do: setVariables, set: { flow.n: flow.n + 1 } }] }
`,
    'a.yaml',
  );
  const { paths, trace } = replay({ flow, keys: [] });
  assert.deepEqual(paths, [
    'tasks.main[0]',
    'tasks.main[0].then[0]',
    'tasks.outer[0]',
    'tasks.inner[0]',
    'tasks.inner[0].then[0]',
    'tasks.outer[1]',
    'tasks.main[0].then[1]',
    'tasks.main[1]',
  ]);
  assert.deepEqual(trace, ['play', 'disconnect flow']);
});

test('callTask: a run that waits in a task survives JSON, and knows where to come back to', () => {
  const flow = loadFlow(
    `${HEADER}  main:\n    - { do: callTask, task: hi }\n    - { do: callTask, task: hi }\n    - do: disconnect\n  hi:\n    - { do: playAudio, prompt: hi }\n`,
    'a.yaml',
  );
  const first = start(flow, CALL);
  assert.deepEqual(first.state.visits, [{ position: ['tasks.main', 0], loop: null }]);
  const second = step(JSON.parse(JSON.stringify(first.state)), { type: 'played' });
  assert.deepEqual(second.state.visits, [{ position: ['tasks.main', 1], loop: null }]);
  const last = step(second.state, { type: 'played' });
  assert.deepEqual([last.command?.do, last.state.visits], ['disconnect', []]);
});

test('callTask: a failure in a task takes the error path of the flow and comes back to nothing', () => {
  const flow = loadFlow(
    `${HEADER}  main:\n    - { do: callTask, task: bad }\n    - do: disconnect\n  bad:\n    - { do: setVariables, set: { flow.n: 1 / 0 } }\nonError:\n  - { do: callTask, task: sorry }\n  - { do: disconnect }\n`.replace(
      'onError',
      '  sorry:\n    - { do: playAudio, prompt: "{{ data.failure.message }}" }\nonError',
    ),
    'a.yaml',
  );
  const { trace, spoken, paths } = replay({ flow, keys: [] });
  assert.deepEqual(trace, ['play', 'disconnect flow']);
  assert.match(spoken, /^setVariables at tasks\.bad\[0\] failed/);
  assert.deepEqual(paths.slice(-3), ['onError[0]', 'tasks.sorry[0]', 'onError[1]']);
});

test('callTask: a task that always ends may be the end of main', () => {
  const main = '  main:\n    - { do: callTask, task: bye }\n';
  assert.deepEqual(problemsOf(`${HEADER}${main}  bye:\n    - do: disconnect\n`), []);
  assert.match(
    problemsOf(`${HEADER}${main}  bye:\n    - { do: playAudio, prompt: a }\n`).join(),
    /^6:7: the flow can go on after its last action/,
  );
  assert.match(
    problemsOf(`${HEADER}${main}    - { do: playAudio, prompt: a }\n  bye:\n    - do: disconnect\n`).join(),
    /^7:7: nothing goes on after callTask/,
  );
});

const CALLS_A = '  main:\n    - { do: callTask, task: a }\n    - do: disconnect\n';
const REFUSED: readonly (readonly [title: string, tasks: string, expected: RegExp])[] = [
  [
    'an unknown task',
    '  main:\n    - { do: callTask, task: gret }\n    - do: disconnect\n  greet:\n    - do: disconnect\n',
    /^6:29: there is no task 'gret' \(did you mean 'greet'\?\)$/,
  ],
  [
    'a task where there are none',
    '  main:\n    - { do: callTask, task: greet }\n    - do: disconnect\n',
    /^6:29: there is no task 'greet' \(add it: tasks: \{greet: \[\.\.\.\]\}\)$/,
  ],
  [
    'the name of an object method',
    '  main:\n    - { do: callTask, task: constructor }\n    - do: disconnect\n',
    /^6:29: there is no task 'constructor'/,
  ],
  [
    'a call of main',
    '  main:\n    - { do: callTask, task: a }\n    - do: disconnect\n  a:\n    - { do: callTask, task: main }\n',
    /^9:29: main cannot be called: a run begins there \(move the actions into a task of their own\)$/,
  ],
  [
    'a task that calls itself',
    `${CALLS_A}  a:\n    - { do: decision, if: true, then: [{ do: callTask, task: a }] }\n`,
    /^9:62: the task 'a' calls itself \(remove this call, or repeat the actions with a loop\)$/,
  ],
  [
    'a circle of tasks',
    `${CALLS_A}  a:\n    - { do: callTask, task: b }\n  b:\n    - { do: callTask, task: c }\n  c:\n    - { do: callTask, task: a }\n`,
    /^13:29: tasks call each other in a circle: a > b > c > a \(remove this call/,
  ],
  [
    'a circle that nothing calls',
    '  main:\n    - do: disconnect\n  a:\n    - { do: callTask, task: b }\n  b:\n    - { do: callTask, task: a }\n',
    /^10:29: tasks call each other in a circle: a > b > a/,
  ],
  [
    'a bad name of a task',
    '  main:\n    - do: disconnect\n  2 go:\n    - do: disconnect\n',
    /^7:3: '2 go' is no name of a task/,
  ],
  ['an empty task', '  main:\n    - do: disconnect\n  a: []\n', /^7:6: 'a' .*give a list of actions/],
  ['a task that is no list', '  main:\n    - do: disconnect\n  a: { do: disconnect }\n', /^7:6: 'a' .*list/],
  [
    'an unknown action in a task',
    '  main:\n    - do: disconnect\n  a:\n    - do: playAudi\n',
    /^8:11: unknown action 'playAudi'/,
  ],
  [
    'an unreached action in a task',
    '  main:\n    - do: disconnect\n  a:\n    - do: disconnect\n    - do: disconnect\n',
    /^9:7: nothing goes on after disconnect/,
  ],
];

for (const [title, tasks, expected] of REFUSED) {
  test(`refused: ${title}`, () => {
    const problems = problemsOf(HEADER + tasks);
    assert.ok(
      problems.some((problem) => expected.test(problem)),
      `${expected}:\n${problems.join('\n')}`,
    );
  });
}

test('tasks that call the same tasks twice over, a hundred deep, are judged at once', () => {
  const names = Array.from({ length: 99 }, (_, index) => `t${index}`);
  const tasks = names.map((name, index) => {
    const next = names[index + 1];
    const call = next ? `    - { do: callTask, task: ${next} }\n` : '    - { do: playAudio, prompt: a }\n';
    return `  ${name}:\n${call}${call}`;
  });
  const main = '  main:\n    - { do: callTask, task: t0 }\n    - do: disconnect\n';
  assert.deepEqual(problemsOf(HEADER + main + tasks.join('')), []);
  assert.match(problemsOf(`${HEADER}${main}${tasks.join('')}  one: []\n`).join(), /'tasks' /);
});

test('secure values keep their taint in a task, whoever filled them', () => {
  const secure = `name: a
type: secure
variables: { card: { type: secure }, s: { type: string } }
tasks:
  main:
    - { do: callTask, task: ask }
    - { do: callTask, task: use }
    - do: returnToAgent
  ask:
    - { do: collectInput, field: cardNumber, into: secure.card, prompt: a }
  use:
`;
  const fine = '    - { do: extractSecureData, from: secure.card, transform: last4, into: flow.s }\n';
  assert.deepEqual(problemsOf(acknowledged(secure + fine)), []);
  for (const action of [
    "{ do: playAudio, prompt: '{{ secure.card }}' }",
    '{ do: setVariables, set: { flow.s: secure.card } }',
    '{ do: returnToAgent, data: { card: secure.card } }',
    "{ do: transferToAgent, agent: '{{ secure.card }}' }",
  ]) {
    assert.match(
      problemsOf(`${secure}    - ${action}\n`).join(),
      /^12:\d+: .* looks at a secure value/,
      action,
    );
  }
  const code = secure.replace('field: cardNumber', 'field: securityCode');
  assert.match(problemsOf(acknowledged(code + fine)).join(), /^12:\d+: last4 would show most of a value/);
});
