import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MOST_ACTIONS, start, step } from '../../flows/interpreter.js';
import { loadFlow } from '../../flows/loader.js';
import { KEYED, problemsOf } from './flow-problems.js';
import { CALL, replay } from './flow-simulator.js';

const HEADER = `name: a
type: inbound
variables:
  n: { type: number, default: 2 }
  i: { type: number }
  s: { type: string }
tasks:
  main:
`;
const END = '    - do: disconnect\n';
const SAY = "{ do: setVariables, set: { flow.s: flow.s + string(flow.i) + ' ' } }".replaceAll("'", '"');

/** What a run has left in `flow.*` at its end, and how it ended. */
function after(actions: string, rest = ''): Readonly<Record<string, unknown>> {
  const { state, command } = start(loadFlow(HEADER + actions + END + rest, 'a.yaml'), CALL);
  return { ...state.variables, visits: state.visits, end: command?.do === 'disconnect' && command.reason };
}

test('loop: as many turns as the count says, numbered from 1', () => {
  const counted = (count: string) =>
    after(`    - { do: loop, count: ${count}, variable: flow.i, actions: [${SAY}] }\n`);
  assert.deepEqual(counted('3'), { n: 2, i: 3, s: '1 2 3 ', visits: [], end: 'flow' });
  assert.equal(counted('flow.n').s, '1 2 ');
  assert.equal(counted('flow.n - 2').s, '');
  assert.equal(counted('flow.n - 9').s, '');
});

test('loop: the count is taken once, the condition before every turn, and the first of both ends it', () => {
  const grow = '{ do: setVariables, set: { flow.n: flow.n + 1 } }';
  const turns = (ends: string) =>
    after(`    - { do: loop, ${ends}, variable: flow.i, actions: [${grow}] }\n`).i;
  assert.equal(turns('count: flow.n'), 2);
  assert.equal(turns('while: flow.n < 7'), 5);
  assert.equal(turns('count: 3, while: flow.n < 7'), 3);
  assert.equal(turns('count: 9, while: flow.n < 7'), 5);
  assert.equal(turns('while: flow.n < 2'), 0);
});

test('loop: loops in loops and in tasks keep their turns apart, and begin anew each time', () => {
  const source = `    - do: loop
      count: 2
      actions:
        - { do: loop, count: 2, variable: flow.i, actions: [${SAY}] }
        - { do: callTask, task: more }
`;
  const task = `  more:\n    - { do: loop, count: 1, actions: [{ do: setVariables, set: { flow.s: 'flow.s + "m "' } }] }\n`;
  assert.equal(after(source, task).s, '1 2 m 1 2 m ');
});

test('exitLoop and nextLoop act on the innermost loop, from any depth of its paths', () => {
  const at = (action: string) => `    - do: loop
      count: 2
      actions:
        - do: loop
          count: 3
          variable: flow.i
          actions:
            - { do: decision, if: flow.i == 2, then: [{ do: switch, cases: [{ if: true, actions: [{ do: ${action} }] }] }] }
            - ${SAY}
        - { do: setVariables, set: { flow.s: 'flow.s + "| "' } }
`;
  assert.equal(after(at('exitLoop')).s, '1 | 1 | ');
  assert.equal(after(at('nextLoop')).s, '1 3 | 1 3 | ');
  assert.deepEqual(after(at('exitLoop')).visits, []);
});

test('loop: a waiting action inside one survives JSON', () => {
  const source = `    - { do: loop, count: 2, variable: flow.i, actions: [{ do: playAudio, prompt: '{{ flow.i }}' }] }\n`;
  const { trace, spoken, paths } = replay({ flow: loadFlow(HEADER + source + END, 'a.yaml'), keys: [] });
  assert.deepEqual([trace, spoken], [['play', 'play', 'disconnect flow'], '1 2']);
  assert.deepEqual(paths, [
    'tasks.main[0]',
    'tasks.main[0].actions[0]',
    'tasks.main[0].actions[0]',
    'tasks.main[1]',
  ]);
});

test('loop: a failure inside one takes the error path, which comes back to nothing', () => {
  const source = '    - { do: loop, count: 2, actions: [{ do: setVariables, set: { flow.n: 1 / 0 } }] }\n';
  const rest = 'onError:\n  - { do: playAudio, prompt: a }\n';
  const failed = start(loadFlow(HEADER + source + END + rest, 'a.yaml'), CALL);
  assert.deepEqual([failed.command?.do, failed.state.visits], ['play', []]);
  const over = step(failed.state, { type: 'played' });
  assert.ok(over.command?.do === 'disconnect' && over.command.reason === 'error');
});

test('loop: a count that is no whole number, and a condition that is neither, fail', () => {
  for (const [ends, expected] of [
    ['count: flow.n / 4.0', /expression 'flow\.n \/ 4\.0' failed: the count is not a whole number$/],
    [`count: 'get(json(call.from), "a", "x")'`, /the count is not a whole number$/],
    [`while: 'get(json(call.from), "a", "x")'`, /neither true nor false$/],
  ] as const) {
    const source = `    - { do: loop, ${ends}, actions: [{ do: exitLoop }] }\n`;
    const { command } = start(loadFlow(HEADER + source + END, 'a.yaml'), CALL);
    assert.match(command?.do === 'disconnect' ? command.message : '', expected);
  }
});

test('a loop that does not end, with or without actions, ends with the run, and its error path too', () => {
  for (const actions of ['[]', '[{ do: decision, if: true, then: [] }]', '[{ do: nextLoop }]']) {
    const endless = `{ do: loop, while: flow.n < 9, actions: ${actions} }`;
    const flow = loadFlow(`${HEADER}    - ${endless}\n${END}onError:\n  - ${endless}\n`, 'a.yaml');
    const { state, command } = start(flow, CALL);
    assert.ok(command?.do === 'disconnect' && command.reason === 'error');
    assert.match(command.message, /^\w+ at tasks\.main\[0\].* failed: more than 10000 actions$/);
    assert.equal(state.actions, MOST_ACTIONS + 1000);
  }
});

const REFUSED: readonly (readonly [title: string, actions: string, expected: RegExp])[] = [
  [
    'no end',
    '{ do: loop, actions: [] }',
    /^9:7: a loop needs an end \(add count: a number of turns, or while/,
  ],
  ['no turns', '{ do: loop, count: 0, actions: [] }', /^9:26: 0 is no number of turns/],
  ['half a turn', '{ do: loop, count: 1.5, actions: [] }', /^9:26: 1.5 is no number of turns/],
  ['a count that is a text', '{ do: loop, count: flow.s, actions: [] }', /^9:26: 'flow.s' is string/],
  ['a condition that is a number', '{ do: loop, while: flow.s, actions: [] }', /^9:26: 'flow.s' is string/],
  [
    'a text to count with',
    '{ do: loop, count: 2, variable: flow.s, actions: [] }',
    /^9:39: the turn is a number, but flow.s is a string \(declare the variable with type: number\)/,
  ],
  ['a turn nobody declared', '{ do: loop, count: 2, variable: flow.x, actions: [] }', /^9:39: flow.x is not/],
  ['an exit outside', '{ do: exitLoop }', /^9:7: exitLoop has no loop around it/],
  ['a next outside', '{ do: decision, if: true, then: [{ do: nextLoop }] }', /^9:40: nextLoop has no loop/],
  [
    'an action after an exit',
    '{ do: loop, count: 2, actions: [{ do: exitLoop }, { do: playAudio, prompt: a }] }',
    /^9:57: nothing goes on after exitLoop: this action is never reached/,
  ],
  [
    'an endless loop',
    '{ do: loop, while: true, actions: [{ do: playAudio, prompt: a }] }',
    /^9:26: nothing ends this loop \(add count:, or an exitLoop among its actions\)/,
  ],
  [
    'an endless loop over what a run cannot change',
    `{ do: loop, while: 'call.from != ""', actions: [{ do: loop, count: 2, actions: [{ do: exitLoop }] }] }`,
    /^9:26: nothing ends this loop/,
  ],
];

for (const [title, action, expected] of REFUSED) {
  test(`loop refused: ${title}`, () => {
    const problems = problemsOf(`${HEADER}    - ${action}\n${END}`);
    assert.ok(
      problems.some((problem) => expected.test(problem)),
      `${expected}:\n${problems.join('\n')}`,
    );
  });
}

test('an exitLoop in a task leaves no loop of its caller', () => {
  const source = `${HEADER}    - { do: loop, count: 2, actions: [{ do: callTask, task: a }] }\n${END}  a:\n    - do: exitLoop\n`;
  assert.match(problemsOf(source).join(), /^12:7: exitLoop has no loop around it/);
});

test('a loop without an end of its own may be left by an exit, the end of the run, or a task that has one', () => {
  const ways = ['exitLoop', 'disconnect', 'transferToAgent', 'callTask, task: bye'];
  for (const way of ways) {
    const source = `    - { do: loop, while: true, actions: [{ do: decision, if: true, then: [{ do: ${way} }] }] }\n`;
    assert.deepEqual(problemsOf(`${HEADER}${source}${END}  bye:\n    - do: disconnect\n`), [], way);
  }
  const task = `    - { do: loop, while: true, actions: [{ do: callTask, task: hi }] }\n${END}  hi:\n    - { do: playAudio, prompt: a }\n`;
  assert.match(problemsOf(HEADER + task).join(), /^9:26: nothing ends this loop/);
});

test('loop: no secure value decides how often', () => {
  for (const action of [
    '{ do: loop, count: size(secure.card), actions: [] }',
    '{ do: loop, while: secure.card != flow.s, actions: [] }',
    '{ do: loop, count: 2, actions: [{ do: setVariables, set: { flow.s: secure.card } }] }',
  ]) {
    const problems = problemsOf(`${KEYED}    - ${action}\n    - do: returnToAgent\n`);
    assert.match(problems.join(), /^7:\d+: .* looks at a secure value \(use extractSecureData/, action);
  }
  const target =
    '    - { do: loop, count: 2, variable: secure.card, actions: [] }\n    - do: returnToAgent\n';
  assert.match(problemsOf(KEYED + target).join(), /^7:\d+: 'variable' .*give a declared variable, as flow/);
});
