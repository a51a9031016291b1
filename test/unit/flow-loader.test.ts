import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FlowError, loadLibrary } from '../../flows/loader.js';
import { problemsOf } from './flow-problems.js';

const INBOUND = `name: a
type: inbound
variables:
  n: { type: number }
  s: { type: string }
  b: { type: boolean }
tasks:
  main:
`;

const SECURE = `name: a
type: secure
variables:
  n: { type: number }
  s: { type: string }
  card: { type: secure }
  unused: { type: secure }
tasks:
  main:
    - { do: collectInput, name: ask, field: cardNumber, into: secure.card, prompt: Card }
`;

/** Documents with one thing wrong, and the problem expected; the action under test is on line 9 or 11. */
const BROKEN: readonly (readonly [title: string, source: string, expected: RegExp])[] = [
  ['not YAML', 'name: a\n  type: [', /^2:\d+: not valid YAML: /],
  ['two documents', 'name: a\n---\nname: b\n', /^2:1: not valid YAML: .*multiple documents/],
  ['a key twice', 'name: a\nname: b\n', /^2:1: not valid YAML: Map keys must be unique/],
  ['an unknown tag', 'name: !!js/function a\n', /^1:7: not valid YAML: Unresolved tag/],
  ['no mapping', '- a\n', /^1:1: a flow is a mapping/],
  ['an empty document', '', /^1:1: a flow is a mapping/],
  [
    'no main',
    'name: a\ntype: inbound\ntasks: {}\n',
    /^3:8: 'main' is missing \(add main: a list of actions\)$/,
  ],
  [
    'an unknown key',
    `${INBOUND}    - do: disconnect\nvariable: {}\n`,
    /^10:1: unknown key 'variable' \(did you mean 'variables'\?\)$/,
  ],
  [
    'an unknown type',
    'name: a\ntype: in\ntasks: {main: [{do: disconnect}]}\n',
    /^2:7: 'type' .* \(give one of inbound, outbound, inQueue, secure, bot, module\)$/,
  ],
  [
    'a bad name',
    'name: A b\ntype: inbound\ntasks: {main: [{do: disconnect}]}\n',
    /^1:7: 'name' .*small letters/,
  ],
  [
    'a bad default',
    'name: a\ntype: inbound\nvariables: {n: {type: number, default: x}}\ntasks: {main: [{do: disconnect}]}\n',
    /^3:\d+: the default is no number/,
  ],
  [
    'a secure default',
    `${SECURE.replace('unused: { type: secure }', "unused: { type: secure, default: '4' }")}    - do: disconnect\n`,
    /^7:27: a secure variable has no default/,
  ],
  ['an action that is no mapping', `${INBOUND}    - disconnect\n`, /^9:7: an action is a mapping/],
  [
    'an action without do',
    `${INBOUND}    - playAudio: Hi\n`,
    /^9:7: 'do' is missing \(write do: playAudio\)/,
  ],
  [
    'an unknown action',
    `${INBOUND}    - do: playaudo\n      prompt: Hi\n`,
    /^9:11: unknown action 'playaudo' \(did you mean 'playAudio'\?\)/,
  ],
  [
    'an unknown key of an action',
    `${INBOUND}    - do: disconnect\n      wait: 5s\n`,
    /^10:7: unknown key 'wait'/,
  ],
  [
    'a misspelt path',
    `${INBOUND}    - do: transferToAgent\n      onFailed: []\n`,
    /^10:7: unknown key 'onFailed' \(did you mean 'onFailure'\?\)/,
  ],
  [
    'a missing key',
    `${INBOUND}    - do: playAudio\n    - do: disconnect\n`,
    /^9:7: 'prompt' is missing \(add prompt: a text to be spoken/,
  ],
  [
    'a wrong type',
    `${INBOUND}    - { do: playAudio, prompt: 12 }\n    - do: disconnect\n`,
    /^9:32: 'prompt' .*give a text to be spoken/,
  ],
  [
    'a wrong part of a list',
    `${INBOUND}    - { do: playAudio, prompt: [a, { wav: x }] }\n    - do: disconnect\n`,
    /^9:43: 'wav' is neither a language of this flow nor an item \(languages are en-US; items are file, /,
  ],
  [
    'a bad duration',
    `${INBOUND}    - { do: transferToAgent, ringTimeout: 20 }\n`,
    /^9:43: 'ringTimeout' .*give how long the agent is rung, as 5s or 800ms/,
  ],
  [
    'a path that is no list',
    `${INBOUND}    - { do: transferToAgent, onFailure: { do: disconnect } }\n`,
    /^9:41: a path is a list of actions/,
  ],
  [
    'a name twice',
    `${INBOUND}    - { do: playAudio, name: x, prompt: a }\n    - { do: disconnect, name: x }\n`,
    /^10:31: two actions are named 'x'/,
  ],
  ['a bad action name', `${INBOUND}    - { do: disconnect, name: 2 b }\n`, /^9:31: not a name/],
  [
    'an undeclared variable',
    `${INBOUND}    - { do: setVariables, set: { flow.nn: 1 } }\n    - do: disconnect\n`,
    /^9:43: flow.nn is not declared \(did you mean flow.n\?\)/,
  ],
  [
    'an unknown variable in a prompt',
    `${INBOUND}    - { do: playAudio, prompt: 'Hi {{ flow.x }}' }\n    - do: disconnect\n`,
    /^9:32: flow.x is not known/,
  ],
  [
    'an unknown result',
    `${INBOUND}    - { do: decision, if: data.ask.error == "" }\n    - do: disconnect\n`,
    /^9:27: data.ask is not known/,
  ],
  [
    'an unknown call fact',
    `${INBOUND}    - { do: decision, if: call.form == "" }\n    - do: disconnect\n`,
    /^9:27: call.form is not known \(did you mean call.from\?\)/,
  ],
  [
    'a bare namespace',
    `${INBOUND}    - { do: decision, if: size(flow) > 0 }\n    - do: disconnect\n`,
    /^9:27: .* uses flow without a name/,
  ],
  [
    'a computed name',
    `${INBOUND}    - { do: decision, if: 'flow[call.from] == ""' }\n    - do: disconnect\n`,
    /^9:27: .* uses flow without a name/,
  ],
  [
    'no CEL',
    `${INBOUND}    - { do: decision, if: flow.n = }\n    - do: disconnect\n`,
    /^9:27: 'flow.n =' is no CEL expression/,
  ],
  [
    'an unknown function',
    `${INBOUND}    - { do: decision, if: env("HOME") == "" }\n    - do: disconnect\n`,
    /^9:27: .*found no matching overload|^9:29: .*[Uu]nknown function/,
  ],
  [
    'types that do not fit',
    `${INBOUND}    - { do: setVariables, set: { flow.s: flow.s + 1 } }\n    - do: disconnect\n`,
    /^9:42: 'flow.s \+ 1': no such overload/,
  ],
  [
    'a condition that is a text',
    `${INBOUND}    - { do: decision, if: flow.s }\n    - do: disconnect\n`,
    /^9:27: 'flow.s' is string, not true or false/,
  ],
  [
    'a text for a number',
    `${INBOUND}    - { do: setVariables, set: { flow.n: '"1"' } }\n    - do: disconnect\n`,
    /^9:42: .* is string, not a number/,
  ],
  [
    'a number for a text',
    `${INBOUND}    - { do: setVariables, set: { flow.s: 1 } }\n    - do: disconnect\n`,
    /^9:42: '1' is not a text/,
  ],
  [
    'a regular expression',
    `${INBOUND}    - { do: decision, if: flow.s.matches("(a+)+b") }\n    - do: disconnect\n`,
    /^9:27: .* uses matches/,
  ],
  [
    'nested loops',
    `${INBOUND}    - { do: decision, if: '[1].all(a, [1].all(b, a == b))' }\n    - do: disconnect\n`,
    /^9:27: .* nests one loop in another/,
  ],
  [
    'an open insertion',
    `${INBOUND}    - { do: playAudio, prompt: 'Hi {{ flow.s' }\n    - do: disconnect\n`,
    /^9:32: an insertion \{\{ is not closed/,
  ],
  [
    'an empty insertion',
    `${INBOUND}    - { do: playAudio, prompt: 'Hi {{ }}' }\n    - do: disconnect\n`,
    /^9:32: an insertion \{\{ \}\} is empty/,
  ],
  [
    'a secure value in a prompt',
    `${SECURE}    - { do: playAudio, prompt: '{{ secure.card }}' }\n    - do: returnToAgent\n`,
    /^11:32: 'secure.card' looks at a secure value \(use extractSecureData/,
  ],
  [
    'a secure value spelled',
    `${SECURE}    - { do: playAudio, prompt: [{ digits: secure.card }] }\n    - do: returnToAgent\n`,
    /^11:43: 'secure.card' looks at a secure value/,
  ],
  [
    'a secure value in a retry prompt',
    `${SECURE}    - { do: collectInput, field: digits, max: 1, into: flow.s, prompt: a, retry: { default: '{{ secure.card }}' } }\n    - do: returnToAgent\n`,
    /^11:\d+: 'secure.card' looks at a secure value/,
  ],
  [
    'a secure value in a variable',
    `${SECURE}    - { do: setVariables, set: { flow.s: secure.card } }\n    - do: returnToAgent\n`,
    /^11:42: 'secure.card' looks at a secure value/,
  ],
  [
    'a secure value in a condition',
    `${SECURE}    - { do: decision, if: size(secure.card) == 16 }\n    - do: returnToAgent\n`,
    /^11:27: .* looks at a secure value/,
  ],
  [
    'a secure value by index',
    `${SECURE}    - { do: decision, if: 'secure["card"] == "4"' }\n    - do: returnToAgent\n`,
    /^11:27: .* looks at a secure value/,
  ],
  [
    'a secure value under has',
    `${SECURE}    - { do: decision, if: has(secure.card) }\n    - do: returnToAgent\n`,
    /^11:27: .* looks at a secure value/,
  ],
  [
    'a secure value under a macro',
    `${SECURE}    - { do: decision, if: '[1].exists(x, secure.card == "4")' }\n    - do: returnToAgent\n`,
    /^11:27: .* looks at a secure value/,
  ],
  [
    'the whole secure namespace',
    `${SECURE}    - { do: setVariables, set: { flow.s: toJson(secure) } }\n    - do: returnToAgent\n`,
    /^11:42: .* looks at a secure value/,
  ],
  [
    'a secure value for the agent',
    `${SECURE}    - { do: returnToAgent, data: { card: secure.card } }\n`,
    /^11:42: 'secure.card' looks at a secure value/,
  ],
  [
    'a secure value as plain input',
    `${SECURE}    - { do: callSecureData, connector: p, into: c, secureInputs: { cardNumber: secure.card }, inputs: { x: secure.card } }\n    - do: returnToAgent\n`,
    /^11:\d+: 'secure.card' looks at a secure value/,
  ],
  [
    'a secure value as invocation data',
    `${SECURE}    - { do: transferToSecureFlow, flow: b, invocationData: secure.card }\n`,
    /looks at a secure value/,
  ],
  [
    'a secure value as agent',
    `${SECURE}    - { do: transferToAgent, agent: '{{ secure.card }}' }\n`,
    /^11:37: .*looks at a secure value/,
  ],
  [
    'a secure target of extraction',
    `${SECURE}    - { do: extractSecureData, from: secure.card, transform: last4, into: secure.card }\n    - do: returnToAgent\n`,
    /^11:\d+: 'into' .*give a declared variable, as flow.amount/,
  ],
  [
    'a secure target of setVariables',
    `${SECURE}    - { do: setVariables, set: { secure.card: 1 } }\n    - do: returnToAgent\n`,
    /^11:34: unknown key 'secure.card'/,
  ],
  [
    'an unknown transform',
    `${SECURE}    - { do: extractSecureData, from: secure.card, transform: all, into: flow.s }\n    - do: returnToAgent\n`,
    /^11:\d+: 'transform' .*one of last4, bin/,
  ],
  [
    'last4 of a security code',
    `${SECURE}    - { do: collectInput, field: securityCode, into: secure.unused, prompt: a }\n    - { do: extractSecureData, from: secure.unused, transform: last4, into: flow.s }\n    - do: returnToAgent\n`,
    /^12:\d+: last4 would show most of a value/,
  ],
  [
    'a length for a text',
    `${SECURE}    - { do: extractSecureData, from: secure.card, transform: length, into: flow.s }\n    - do: returnToAgent\n`,
    /^11:\d+: length gives a number, but flow.s is a string/,
  ],
  [
    'a secure variable nobody fills',
    `${SECURE}    - { do: extractSecureData, from: secure.unused, transform: length, into: flow.n }\n    - do: returnToAgent\n`,
    /^11:38: nothing is ever collected into secure.unused/,
  ],
  [
    'a secure variable nobody declared',
    `${SECURE}    - { do: collectInput, field: expiry, into: secure.expiry, prompt: a }\n    - do: returnToAgent\n`,
    /^11:48: secure.expiry is not declared/,
  ],
  [
    'a card number in the open',
    `${SECURE}    - { do: collectInput, field: cardNumber, into: flow.s, prompt: a }\n    - do: returnToAgent\n`,
    /^11:52: a cardNumber in flow.s could be read by every expression/,
  ],
  [
    'a collect into a secure variable that an inbound flow does not declare',
    `${INBOUND}    - { do: collectInput, field: digits, max: 4, into: secure.x, prompt: a }\n    - do: disconnect\n`,
    /^9:\d+: secure.x is not declared \(declare it: variables: {x: {type: secure}}\)/,
  ],
  [
    'digits without a size',
    `${INBOUND}    - { do: collectInput, field: digits, into: flow.s, prompt: a }\n    - do: disconnect\n`,
    /^9:\d+: digits has no most number of digits \(add length or max\)/,
  ],
  [
    'min above max',
    `${INBOUND}    - { do: collectInput, field: digits, min: 5, max: 4, into: flow.s, prompt: a }\n    - do: disconnect\n`,
    /^9:\d+: min is above max/,
  ],
  [
    'length beside max',
    `${INBOUND}    - { do: collectInput, field: digits, length: 5, max: 4, into: flow.s, prompt: a }\n    - do: disconnect\n`,
    /^9:\d+: length stands for both/,
  ],
  [
    'a size of a card',
    `${SECURE}    - { do: collectInput, field: cardNumber, max: 16, into: secure.card, prompt: a }\n    - do: returnToAgent\n`,
    /^11:\d+: the length of a cardNumber is fixed/,
  ],
  [
    'brands of a code',
    `${SECURE}    - { do: collectInput, field: expiry, brands: [visa], into: secure.card, prompt: a }\n    - do: returnToAgent\n`,
    /^11:\d+: a expiry has no brand/,
  ],
  [
    'a card that is none',
    `${SECURE}    - { do: collectInput, field: expiry, into: secure.unused, prompt: a }\n    - { do: collectInput, field: securityCode, card: secure.unused, into: secure.unused, prompt: a }\n    - do: returnToAgent\n`,
    /^12:\d+: secure.unused holds no card number/,
  ],
  [
    'one key for two',
    `${INBOUND}    - { do: collectInput, field: digits, max: 4, terminator: '*', into: flow.s, prompt: a }\n    - do: disconnect\n`,
    /^9:\d+: terminator and clearKey are the same key/,
  ],
  [
    'keys into a boolean',
    `${INBOUND}    - { do: collectInput, field: digits, max: 4, into: flow.b, prompt: a }\n    - do: disconnect\n`,
    /^9:\d+: keys are no boolean/,
  ],
  [
    'too many keys for a number',
    `${INBOUND}    - { do: collectInput, field: digits, max: 20, into: flow.n, prompt: a }\n    - do: disconnect\n`,
    /^9:\d+: a number holds 15 digits at most/,
  ],
  [
    'returnToAgent in an inbound flow',
    `${INBOUND}    - do: returnToAgent\n`,
    /^9:11: returnToAgent cannot stand in a flow of type inbound \(use transferToAgent/,
  ],
  [
    'callSecureData of a secure variable that an inbound flow does not declare',
    `${INBOUND}    - { do: callSecureData, connector: p, into: c, secureInputs: { a: secure.card } }\n    - do: disconnect\n`,
    /^9:\d+: secure.card is not declared/,
  ],
  [
    'a destination of returnToAgent',
    `${SECURE}    - { do: returnToAgent, agent: bob }\n`,
    /^11:\d+: returnToAgent takes no destination \('agent'\) \(remove it: the caller goes back/,
  ],
  [
    'an unreached action',
    `${INBOUND}    - do: disconnect\n    - { do: playAudio, prompt: a }\n`,
    /^10:7: nothing goes on after disconnect: this action is never reached/,
  ],
  [
    'an unreached action after both paths',
    `${INBOUND}    - { do: decision, if: true, then: [{ do: disconnect }], else: [{ do: disconnect }] }\n    - do: disconnect\n`,
    /^10:7: nothing goes on after decision/,
  ],
  [
    'an open end',
    `${INBOUND}    - { do: playAudio, prompt: a }\n`,
    /^9:7: the flow can go on after its last action \(end every path with disconnect or a transfer\)/,
  ],
  [
    'an open end on one path',
    `${SECURE}    - { do: decision, if: true, then: [{ do: returnToAgent }] }\n`,
    /^11:7: the flow can go on after its last action \(end every path with returnToAgent or disconnect\)/,
  ],
  [
    'a text without quotes',
    `${SECURE}    - { do: returnToAgent, data: { status: approved } }\n`,
    /^11:44: 'approved': Unknown variable.*\(a text in CEL has quotes of its own, as '"approved"'\)/,
  ],
  [
    'an insertion where an expression stands',
    `${SECURE}    - { do: returnToAgent, data: { n: '{{ flow.n }}' } }\n`,
    /^11:39: .*\(write the expression without \{\{ \}\}\)/,
  ],
  [
    'a time out of range',
    `${INBOUND}    - { do: transferToAgent, ringTimeout: 0s }\n`,
    /^9:43: 0s is out of range \(give a time from 1s to 300s\)/,
  ],
  [
    'a wait for nothing',
    `${INBOUND}    - { do: wait }\n    - do: disconnect\n`,
    /^9:7: 'duration' is missing \(add duration: how long, as 5s or 800ms\)/,
  ],
  [
    'a wait for too long',
    `${INBOUND}    - { do: wait, duration: 301s }\n    - do: disconnect\n`,
    /^9:29: 301s is out of range \(give a time from 100ms to 300s\)/,
  ],
  [
    'a result of an action that has none',
    `${INBOUND}    - { do: playAudio, name: hi, prompt: '{{ data.hi.error }}' }\n    - do: disconnect\n`,
    /^9:42: data.hi is not known/,
  ],
  [
    'the reserved name of results',
    `${SECURE}    - { do: callSecureData, connector: p, into: failure, secureInputs: { a: secure.card } }\n    - do: returnToAgent\n`,
    /^11:49: the name 'failure' is taken/,
  ],
  ['an alias to itself', 'name: a\ntype: inbound\ntasks: &t { main: *t }\n', /alias \*t refers to itself/],
  [
    'an alias bomb',
    `a: &a [x,x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
      .split('')
      .map((c, i) => `${c}: &${c} [${Array(10).fill(`*${'abcdefgh'[i]}`).join(',')}]`)
      .join('\n')}\n`,
    /more than 100 aliases/,
  ],
  ['deep nesting', `a: ${'['.repeat(200)}${']'.repeat(200)}\n`, /nested too deeply/],
  ['very deep nesting', `a: ${'['.repeat(100_000)}`, /^\d+:\d+: /],
  ['a huge document', `# ${'x'.repeat(300_000)}\n`, /longer than 262144 characters/],
];

for (const [title, source, expected] of BROKEN) {
  test(`refused: ${title}`, () => {
    const problems = problemsOf(source);
    assert.ok(
      problems.some((problem) => expected.test(problem)),
      `expected ${expected}, got:\n${problems.join('\n') || 'no problem'}`,
    );
  });
}

test('a sound document has no problem, and every problem of a broken one is reported, in order', () => {
  assert.deepEqual(problemsOf(`${INBOUND}    - do: disconnect\n`), []);
  assert.deepEqual(problemsOf(`${SECURE}    - do: returnToAgent\n`), []);
  const three = `${INBOUND}    - { do: playAudio, prompt: '{{ flow.x }}' }\n    - { do: plaudio }\n    - { do: disconnect, to: 1 }\n`;
  assert.deepEqual(
    problemsOf(three).map((problem) => problem.split(':')[0]),
    ['9', '10', '11'],
  );
});

test('names of the object prototype are no variables', () => {
  for (const name of ['constructor', '__proto__', 'toString']) {
    const source = `${INBOUND}    - { do: setVariables, set: { flow.${name}: 1 } }\n    - do: disconnect\n`;
    assert.ok(problemsOf(source).length > 0, name);
  }
});

async function withFiles(files: Record<string, string>, look: (directory: string) => Promise<void>) {
  const directory = await mkdtemp(join(tmpdir(), 'tacet-flows-'));
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
    await look(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

const minimal = (name: string, type = 'inbound') =>
  `name: ${name}\ntype: ${type}\ntasks: { main: [{ do: disconnect }] }\n`;
const transfer = (name: string, flow: string) =>
  `name: ${name}\ntype: inbound\ntasks: { main: [{ do: transferToSecureFlow, flow: ${flow} }] }\n`;

test('a library reports the problems of all its files at once', async () => {
  const files = { 'a.yaml': 'name: A\n', 'b.yaml': minimal('b'), 'c.yaml': '[', 'd.txt': 'no flow' };
  await withFiles(files, async (directory) => {
    await assert.rejects(loadLibrary([directory, join(directory, 'missing')]), (error) => {
      assert.ok(error instanceof FlowError);
      const text = error.message;
      assert.match(text, /a\.yaml:1:7: 'name'/);
      assert.match(text, /a\.yaml:1:1: 'type' is missing/);
      assert.match(text, /c\.yaml:\d+:\d+: not valid YAML/);
      assert.match(text, /missing:1:1: the flow directory cannot be read/);
      assert.doesNotMatch(text, /b\.yaml|d\.txt/);
      return true;
    });
  });
});

test('a library checks names, transfers and prompt files across its files', async () => {
  const files = {
    'a.yaml': minimal('same'),
    'b.yaml': minimal('same'),
    'c.yaml': transfer('c', 'payment'),
    'd.yaml': transfer('d', 'card-paymnt'),
    'e.yaml': minimal('card-payment', 'secure'),
    'f.yaml': transfer('f', 'same'),
    'g.yaml':
      'name: g\ntype: inbound\ntasks:\n  main:\n    - do: playAudio\n      prompt: { file: no.wav }\n    - do: disconnect\n',
  };
  await withFiles(files, async (directory) => {
    await assert.rejects(loadLibrary([directory]), /b\.yaml:1:7: the name 'same' is taken by .*a\.yaml/);
    await writeFile(join(directory, 'b.yaml'), minimal('other'));
    await assert.rejects(loadLibrary([directory]), (error) => {
      assert.ok(error instanceof FlowError);
      assert.equal(error.problems.length, 4);
      assert.match(error.message, /c\.yaml:3:\d+: there is no flow 'payment'/);
      assert.match(
        error.message,
        /d\.yaml:3:\d+: there is no flow 'card-paymnt' \(did you mean 'card-payment'\?\)/,
      );
      assert.match(error.message, /f\.yaml:3:\d+: the flow 'same' is of type inbound/);
      assert.match(error.message, /g\.yaml:5:7: there is no file .*no\.wav/);
      return true;
    });
  });
});

test('a flow of a later directory replaces one of the same name', async () => {
  await withFiles({ 'a.yaml': minimal('a') }, async (first) => {
    await withFiles({ 'mine.yaml': minimal('a', 'secure') }, async (second) => {
      const flows = await loadLibrary([first, second]);
      assert.equal(flows.get('a')?.type, 'secure');
    });
  });
});
