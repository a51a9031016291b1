import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Collector } from '../../flows/collector.js';
import type { CaptureError, CollectCommand, FlowEvent } from '../../flows/commands.js';
import { start, staticAudio, step } from '../../flows/interpreter.js';
import { loadFlow } from '../../flows/loader.js';
import { acknowledged } from '../kit/acknowledged.js';
import { KEYED, problemsOf } from './flow-problems.js';
import { CALL, NOW, replay, TestSink } from './flow-simulator.js';

function flow(menu: string, type = 'inbound') {
  return loadFlow(`name: a\ntype: ${type}\ntasks:\n  main:\n    - ${menu}\n    - do: disconnect\n`, 'a.yaml');
}

const say = (text: string) => `[{ do: playAudio, prompt: ${text} }]`;
const CHOICES = `choices: { '1': ${say('one')}, '*': ${say('star')}, '2': [] }`;
const MENU = `{ do: menu, name: ask, prompt: Choose, noInput: Nothing, noMatch: Wrong, ${CHOICES}`;

const missed = (error: CaptureError): FlowEvent => ({
  type: 'collected',
  result: { ok: false, error },
});
const chosen = (value: string): FlowEvent => ({ type: 'collected', result: { ok: true, value } });

function collectOf(command: unknown): CollectCommand {
  assert.ok(command && typeof command === 'object' && 'do' in command && command.do === 'collect');
  return command as CollectCommand;
}

test('menu: asks for one key among its choices', () => {
  const { state, command } = start(flow(`${MENU}, timeout: 8s, bargeIn: false }`), CALL);
  assert.deepEqual(command, {
    do: 'collect',
    field: { kind: 'menu', min: 1, max: 1, brands: [], cardVariable: null, choices: '12*' },
    into: { scope: 'menu', name: 'ask' },
    audio: [{ text: 'Choose' }],
    again: null,
    bargeIn: false,
    firstDigitTimeoutMs: 8000,
    interDigitTimeoutMs: 8000,
    totalTimeoutMs: 8000,
    terminator: '#',
    clearKey: null,
    attempt: 1,
    attempts: 3,
  });
  assert.equal(
    collectOf(start(flow(`{ do: menu, prompt: a, choices: { '#': [] } }`), CALL).command).terminator,
    null,
  );
  assert.deepEqual(
    step(state, chosen('1')).notes.map(({ path }) => path),
    ['tasks.main[0].choices.1[0]'],
  );
  assert.deepEqual(
    step(state, chosen('*')).notes.map(({ path }) => path),
    ['tasks.main[0].choices.*[0]'],
  );
  assert.deepEqual(
    step(state, chosen('2')).notes.map(({ path }) => path),
    ['tasks.main[1]'],
  );
});

test('menu: says what was wrong and asks again, then takes onFailure with the last error', () => {
  let next = start(flow(`${MENU}, onFailure: ${say("'{{ data.ask.error }}'")} }`), CALL);
  const asked: unknown[] = [];
  for (const error of ['timeout', 'invalid-input', 'timeout'] as const) {
    const { attempt, audio } = collectOf(next.command);
    asked.push([attempt, ...audio.map((item) => 'text' in item && item.text)]);
    next = step(next.state, missed(error));
  }
  assert.deepEqual(asked, [
    [1, 'Choose'],
    [2, 'Nothing', 'Choose'],
    [3, 'Wrong', 'Choose'],
  ]);
  assert.deepEqual(next.command?.do === 'play' && next.command.audio, [{ text: 'timeout' }]);
});

test('menu: without onFailure or default it fails, and a caller who hung up is not asked again', () => {
  const asked = start(flow(`${MENU}, default: '1' }`), CALL);
  const gone = step(asked.state, missed('caller-hung-up')).command;
  assert.match(
    gone?.do === 'disconnect' ? gone.message : '',
    /^menu at tasks\.main\[0\] failed: caller-hung-up$/,
  );
  const once = start(flow(`${MENU}, attempts: 1 }`), CALL);
  const failed = step(once.state, missed('invalid-input')).command;
  assert.match(
    failed?.do === 'disconnect' ? failed.message : '',
    /^menu at tasks\.main\[0\] failed: invalid-input$/,
  );
});

test('menu: an agent who cancels chooses nothing, whatever the default and the attempts left', () => {
  const asked = start(flow(`${MENU}, default: '1', onFailure: ${say("'{{ data.ask.error }}'")} }`), CALL);
  const { command } = step(asked.state, missed('cancelled-by-agent'));
  assert.deepEqual(command?.do === 'play' && command.audio, [{ text: 'cancelled-by-agent' }]);
});

test('menu: the default choice, spoken of or not', () => {
  const quiet = start(flow(`${MENU}, attempts: 1, default: '*' }`), CALL);
  const taken = step(quiet.state, missed('timeout'));
  assert.deepEqual(taken.command?.do === 'play' && taken.command.audio, [{ text: 'star' }]);
  const spoken = start(flow(`${MENU}, attempts: 1, default: '*', defaultPrompt: You get star }`), CALL);
  const said = step(spoken.state, missed('timeout'));
  assert.deepEqual(said.command?.do === 'play' && said.command.audio, [{ text: 'You get star' }]);
  const after = step(JSON.parse(JSON.stringify(said.state)), { type: 'played' });
  assert.deepEqual(after.command?.do === 'play' && after.command.audio, [{ text: 'star' }]);
});

test('menu: every prompt of it can be made ready before a call', () => {
  const texts = staticAudio(flow(`${MENU}, default: '1', defaultPrompt: Default }`)).map((item) =>
    'text' in item ? item.text : '',
  );
  assert.deepEqual(texts, ['Choose', 'Nothing', 'Wrong', 'Default', 'one', 'star']);
});

function pressed(key: string, menu = MENU, surplusSince: number | null = null) {
  const sink = new TestSink();
  const command = collectOf(start(flow(`${menu} }`), CALL).command);
  const collector = new Collector({
    command,
    sink,
    look: sink.look,
    cardBrand: null,
    now: NOW,
    surplusSince,
  });
  collector.audioEnded(1000);
  return { step: collector.key(key.charCodeAt(0), 1500), sink, collector };
}

test('the collector takes one key of a menu, any of the twelve', () => {
  assert.deepEqual(pressed('1').step.result, { ok: true });
  assert.equal(pressed('1').sink.text, '1');
  assert.deepEqual(pressed('*').step.result, { ok: true });
  assert.deepEqual(pressed('#', "{ do: menu, prompt: a, choices: { '#': [] }").step.result, { ok: true });
  const wrong = pressed('7');
  assert.deepEqual(
    [wrong.step.result, wrong.step.change, wrong.sink.text],
    [{ ok: false, error: 'invalid-input' }, 'key', ''],
  );
  assert.deepEqual(pressed('A').step.result, null);
});

test('a # that is no choice, and keys too soon after a field, belong to that field', () => {
  assert.deepEqual(pressed('#').step.result, null);
  assert.deepEqual(pressed('1', MENU, 1200).step.result, null);
  assert.deepEqual(pressed('1', MENU, 1100).step.result, { ok: true });
  const { collector } = pressed('#');
  assert.deepEqual(collector.timer(6000).result, { ok: false, error: 'timeout' });
});

test('in a secure flow nothing that is shown tells the key of a menu', () => {
  const actions =
    '[{ do: extractSecureData, from: secure.card, transform: length, into: flow.n }, { do: setVariables, set: { flow.n: 1 / 0 } }]';
  const source = `name: a
type: secure
variables: { card: { type: secure }, n: { type: number } }
tasks:
  main:
    - { do: collectInput, field: cardNumber, into: secure.card, prompt: a }
    - { do: menu, prompt: b, choices: { '4': ${actions}, '5': ${actions}, '6': [{ do: callSecureData, connector: p, into: pay, secureInputs: { a: secure.card } }] } }
    - do: returnToAgent
`;
  const shown = (key: string) => {
    const asked = start(loadFlow(acknowledged(source), 'a.yaml'), CALL);
    const menu = step(asked.state, { type: 'collected', result: { ok: true } });
    const inside = step(menu.state, chosen(key));
    const outside =
      inside.command?.do === 'extract' ? step(inside.state, { type: 'extracted', value: 16 }) : null;
    return { inside, text: JSON.stringify([inside.notes, inside.command, outside?.notes, outside?.command]) };
  };
  assert.equal(shown('4').text, shown('5').text);
  assert.match(shown('4').text, /setVariables at tasks\.main\[1\]\.choices\.\?\[1\] failed/);
  const { command } = shown('6').inside;
  assert.equal(command?.do === 'callSecureData' && command.occurrence, 'tasks.main[1].choices.?[0]#3');
});

test('menu: a replay of a caller who keys', () => {
  const { trace } = replay({ flow: flow(`${MENU} }`), keys: ['9', '', '1'] });
  assert.deepEqual(trace, [
    'collect menu into menu.ask #1: invalid-input',
    'collect menu into menu.ask #2: timeout',
    'collect menu into menu.ask #3: 1 keys',
    'play',
    'disconnect flow',
  ]);
});

const REFUSED: readonly (readonly [title: string, menu: string, expected: RegExp])[] = [
  ['no choices', '{ do: menu, prompt: a, choices: {} }', /^5:\d+: 'choices' .*give lists of actions by key/],
  [
    'none at all',
    '{ do: menu, prompt: a }',
    /^5:7: 'choices' is missing \(add choices: lists of actions by key/,
  ],
  ['a key of two digits', "{ do: menu, prompt: a, choices: { '12': [] } }", /^5:41: unknown key '12'/],
  ['a key that is none', '{ do: menu, prompt: a, choices: { x: [] } }', /^5:41: unknown key 'x'/],
  [
    'a key twice',
    "{ do: menu, prompt: a, choices: { 1: [], '1': [] } }",
    /^5:\d+: not valid YAML: Map keys must be/,
  ],
  [
    'a choice that is no list',
    '{ do: menu, prompt: a, choices: { 1: 2 } }',
    /^5:44: a path is a list of actions/,
  ],
  ['a bad choice', '{ do: menu, prompt: a, choices: { 1: [{ do: x }] } }', /^5:51: unknown action 'x'/],
  [
    'a default that is no choice',
    "{ do: menu, prompt: a, choices: { 1: [], 2: [] }, default: '3' }",
    /^5:66: '3' is no choice of this menu \(give one of 1, 2\)/,
  ],
  [
    'a prompt of no default',
    '{ do: menu, prompt: a, choices: { 1: [] }, defaultPrompt: b }',
    /^5:65: there is no default to speak of/,
  ],
  [
    'a time out of range',
    '{ do: menu, prompt: a, choices: { 1: [] }, timeout: 1ms }',
    /^5:59: 1ms is out of range/,
  ],
  [
    'an unknown variable in a prompt',
    "{ do: menu, prompt: a, choices: { 1: [] }, noMatch: '{{ flow.x }}' }",
    /^5:59: flow.x is not known/,
  ],
];

for (const [title, menu, expected] of REFUSED) {
  test(`menu refused: ${title}`, () => {
    const problems = problemsOf(
      `name: a\ntype: inbound\ntasks:\n  main:\n    - ${menu}\n    - do: disconnect\n`,
    );
    assert.ok(
      problems.some((problem) => expected.test(problem)),
      `${expected}:\n${problems.join('\n')}`,
    );
  });
}

test('menu: a flow may end in one when all its choices end', () => {
  const ending = (rest: string) =>
    `name: a\ntype: inbound\ntasks:\n  main:\n    - { do: menu, prompt: a, choices: { 1: [{ do: disconnect }]${rest} } }\n`;
  assert.deepEqual(problemsOf(ending('')), []);
  assert.match(problemsOf(ending(', 2: []')).join(), /the flow can go on after its last action/);
});

test('menu: a loop around one ends by a choice that ends, or where the menu can fail', () => {
  const around = (menu: string) =>
    `name: a\ntype: inbound\ntasks:\n  main:\n    - { do: loop, while: true, actions: [{ do: menu, prompt: a, ${menu} }] }\n    - do: disconnect\n`;
  assert.deepEqual(problemsOf(around('choices: { 1: [{ do: exitLoop }] }, onFailure: []')), []);
  assert.deepEqual(problemsOf(around('choices: { 1: [] }')), []);
  assert.match(problemsOf(around('choices: { 1: [] }, onFailure: []')).join(), /nothing ends this loop/);
});

test('menu: no secure value in any of its prompts or choices', () => {
  const leak = "'{{ secure.card }}'";
  for (const keys of [
    `prompt: ${leak}, choices: { 1: [] }`,
    `prompt: a, noInput: ${leak}, choices: { 1: [] }`,
    `prompt: a, noMatch: [a, ${leak}], choices: { 1: [] }`,
    `prompt: a, default: '1', defaultPrompt: ${leak}, choices: { 1: [] }`,
    'prompt: a, choices: { 1: [{ do: setVariables, set: { flow.s: secure.card } }] }',
    'prompt: a, choices: { 1: [] }, onFailure: [{ do: returnToAgent, data: { x: secure.card } }]',
  ]) {
    const problems = problemsOf(`${KEYED}    - { do: menu, ${keys} }\n    - do: returnToAgent\n`);
    assert.match(problems.join(), /^7:\d+: .* looks at a secure value \(use extractSecureData/, keys);
  }
});
