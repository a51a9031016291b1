import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import Schema from 'typebox/schema';
import { parse } from 'yaml';
import { replay } from '../../cli/simulation/replay.js';
import { readScript } from '../../cli/simulation/script.js';
import type { AudioItem, StartFacts } from '../../flows/commands.js';
import { start, staticAudio, step } from '../../flows/interpreter.js';
import { FlowError, loadFlow, loadLibrary } from '../../flows/loader.js';
import { jsonSchema } from '../../flows/schema.js';
import { acknowledged } from '../kit/acknowledged.js';
import { problemsOf } from './flow-problems.js';
import { CALL } from './flow-simulator.js';

const VARIABLES = `variables:
  n: { type: number, default: 1950 }
  s: { type: string, default: '4711' }
`;
const END = '    - do: disconnect\n';

/** A document whose first action stands in line 9. */
function source(actions: string, languages = '[en-US, de-DE]', rest = ''): string {
  return `name: a\ntype: inbound\nlanguages: ${languages}\n${VARIABLES}tasks:\n  main:\n${actions}${END}${rest}`;
}

const play = (prompt: string) => `    - { do: playAudio, prompt: ${prompt} }\n`;

/** What the first prompt of a run says; fails when the run does something else. */
function heard(document: string, facts: StartFacts = CALL): readonly AudioItem[] {
  const { command } = start(loadFlow(document, '/flows/a.yaml'), facts);
  assert.equal(command?.do, 'play', JSON.stringify(command));
  return command.audio;
}

const RECORDED = 'recordings: { de-DE: sounds }\n';

const REFUSED: readonly (readonly [string, string, RegExp])[] = [
  [
    'a text in a flow of several languages',
    source(play('Hello')),
    /^9:32: the text has no translation into de-DE \(write \{en-US: <text>, de-DE: \{file: x\.wav\}\}\)$/,
  ],
  [
    'a text in a list',
    source(play('[{ file: x.wav }, Hello]')),
    /^9:50: the text has no translation into de-DE/,
  ],
  [
    'a prompt that lacks a language',
    source(play('{ en-US: Hello }')),
    /^9:32: the translation into de-DE is missing \(add de-DE: \{file: x\.wav\}\)$/,
  ],
  [
    'a prompt that lacks the default language',
    source(play('{ de-DE: { file: x.wav } }')),
    /^9:32: the translation into en-US is missing \(add en-US: <text>\)$/,
  ],
  [
    'a retry that lacks a language',
    source(
      '    - { do: collectInput, field: digits, max: 4, into: flow.s, prompt: { file: x.wav }, retry: { default: { en-US: Hello } } }\n',
    ),
    /^9:\d+: the translation into de-DE is missing/,
  ],
  [
    'a language that is not declared',
    source(play('{ en-US: Hello, de-DE: { file: x.wav }, fr-FR: { file: y.wav } }')),
    /^9:79: 'fr-FR' is no language of this flow \(declare it: languages: \[en-US, de-DE, fr-FR\]\)$/,
  ],
  [
    'a language that is misspelled',
    source(play('{ en-US: Hello, de-D: { file: x.wav } }')),
    /'de-D' is no language|none of the forms/,
  ],
  [
    'a text in a language that cannot be spoken',
    source(play('{ en-US: Hello, de-DE: Hallo }')),
    /^9:55: de-DE cannot be spoken from text \(record it and write \{file: x\.wav\}\)$/,
  ],
  ['the same in a flow of that language alone', source(play('Hallo'), '[de-DE]'), /^9:32: de-DE cannot be/],
  [
    'a number in a language that cannot be spoken',
    source(play('{ number: flow.n }')),
    /^9:32: number cannot be spoken in de-DE \(give the prompt by language, with digits or \{file: x\.wav\}/,
  ],
  [
    'digits that are not recorded',
    source(play('{ digits: flow.s }')),
    /^9:32: digits cannot be spoken in de-DE \(record 0\.wav to 9\.wav: recordings: \{de-DE: <folder>\}\)$/,
  ],
  [
    'a number in a language with recorded digits',
    source(play('{ number: flow.n }'), `[en-US, de-DE]\n${RECORDED.trimEnd()}`),
    /^10:32: number cannot be spoken in de-DE/,
  ],
  [
    'recordings of another language',
    source(play('{ number: 1 }'), '[en-US]\nrecordings: { de-DE: x }'),
    /^4:15: 'de-DE' is no language of this flow/,
  ],
  [
    'a tag in another case',
    source(play('a'), '[en-us]'),
    /^3:13: 'en-us' is no language tag \(write en-US\)$/,
  ],
  [
    'a tag of no language',
    source(play('a'), '[qqx-US]'),
    /^3:13: 'qqx-US' is no language tag \(give a tag of/,
  ],
  [
    'a tag that is none, in a flow that says values in it',
    source(play('{ money: 1, currency: EUR }'), '[en-aa-bb]'),
    /^3:13: 'en-aa-bb' is no language tag/,
  ],
  ['a language twice', source(play('a'), '[en-US, en-US]'), /^3:12: 'languages'/],
  ['no language', source(play('a'), '[]'), /^3:12: 'languages' .*give a list of languages/],
  [
    'setLanguage to one that is not declared',
    source('    - { do: setLanguage, language: de-AT }\n'),
    /^9:36: 'de-AT' is no language of this flow \(did you mean de-DE\?\)$/,
  ],
  [
    'setLanguage to a number',
    source('    - { do: setLanguage, language: 1 + 1 }\n'),
    /^9:36: '1 \+ 1' is int, not a text/,
  ],
];

const VALUES: readonly (readonly [string, string, RegExp])[] = [
  ['a text for a number', '{ number: flow.s }', /^9:42: 'flow.s' is string, not a number/],
  ['a number for a date', '{ date: 1 + 1 }', /^9:40: '1 \+ 1' is int, not a text/],
  ['a truth for money', '{ money: true, currency: EUR }', /^9:41: 'true' is true or false/],
  ['a truth for digits', '{ digits: flow.n == 1 }', /^9:42: 'flow.n == 1' is true or false/],
  ['an unknown variable', '{ money: flow.x, currency: EUR }', /^9:41: flow.x is not known/],
  [
    'an unknown currency',
    '{ money: flow.n, currency: EUX }',
    /^9:59: 'EUX' is no currency \(give a code of ISO/,
  ],
  ['a currency without quotes', '{ money: flow.n, currency: euro }', /^9:59: 'euro'/],
  ['no currency', '{ money: flow.n }', /^9:32: 'prompt' has none of the forms/],
  ['half a cent', '{ money: 19.5, currency: EUR }', /^9:41: the value is no amount .*as '"19\.50"'\)$/],
  ['a date that is none', `{ date: '"2026-02-30"' }`, /^9:40: the value is no date \(give a text as/],
  ['a time that is none', `{ time: '"25:00"' }`, /^9:40: the value is no time of day/],
  ['an expression that fails in every call', `{ digits: '["a"][3]' }`, /^9:42: expression .* failed/],
  ['a secure value as a number', '{ number: secure.card }', /^9:42: 'secure.card' looks at a secure value/],
  ['a secure value as money', '{ money: secure.card, currency: EUR }', /^9:41: .* looks at a secure value/],
  [
    'a secure value as a currency',
    '{ money: 1, currency: secure.card }',
    /^9:54: .* looks at a secure value/,
  ],
  ['a secure value as a date', '{ date: secure.card }', /^9:40: .* looks at a secure value/],
  ['a secure value as a time', '{ time: secure.card }', /^9:40: .* looks at a secure value/],
  ['a secure value by language', '{ en-US: { digits: secure.card } }', /^9:51: .* looks at a secure value/],
];

for (const [name, document, expected] of [
  ...REFUSED,
  ...VALUES.map(([name, prompt, expected]) => [name, source(play(prompt), '[en-US]'), expected] as const),
]) {
  test(`refused: ${name}`, () => {
    const problems = problemsOf(document);
    assert.ok(expected.test(problems[0] ?? ''), `expected ${expected}, got:\n${problems.join('\n')}`);
  });
}

test('accepted: items that are the same in every language, and recorded digits', () => {
  const document = source(
    play('[{ file: x.wav }, { digits: flow.s }, { en-US: { number: flow.n }, de-DE: [{ digits: flow.n }] }]'),
    `[en-US, de-DE]\n${RECORDED.trimEnd()}`,
  );
  assert.deepEqual(problemsOf(document), []);
  assert.ok(Schema.Check(jsonSchema(), parse(document)), 'editors accept it too');
  assert.ok(!Schema.Check(jsonSchema(), parse(document.replace('en-US: {', 'english: {'))));
});

test('values are spoken in words, and what follows an expression that fails is the error path', () => {
  const items = '[You owe, { money: flow.n, currency: \'"E" + "UR"\' }, { number: 2 }, { digits: flow.s }]';
  assert.deepEqual(heard(source(play(items), '[en-US]')), [
    { text: 'You owe' },
    { text: 'nineteen euros and fifty cents' },
    { text: 'two' },
    { text: '4 7 1 1' },
  ]);
  const onError =
    'onError:\n  - { do: playAudio, prompt: "{{ data.failure.message }}" }\n  - do: disconnect\n';
  const facts = { ...CALL, invocationData: '4000-13-41' };
  const [audio] = heard(source(play('{ date: call.invocationData }'), '[en-US]', onError), facts);
  assert.deepEqual(audio, {
    text: "playAudio at tasks.main[0] failed: expression 'call.invocationData' failed: the value is no date",
  });
});

const BOTH = '{ en-US: Hello, de-DE: { file: hallo.wav } }';
const HELLO = [{ text: 'Hello' }];
const HALLO = [{ file: '/flows/hallo.wav' }];

test('a run begins in the first language, or in that of the run before when it declares that one', () => {
  assert.deepEqual(heard(source(play(BOTH))), HELLO);
  assert.deepEqual(heard(source(play(BOTH), '[de-DE, en-US]')), HALLO);
  assert.deepEqual(heard(source(play(BOTH)), { ...CALL, language: 'de-DE' }), HALLO);
  assert.deepEqual(heard(source(play(BOTH), '[de-DE, en-US]'), { ...CALL, language: 'fr-FR' }), HALLO);
  const plain = `name: a\ntype: inbound\ntasks:\n  main:\n${play('"{{ call.language }}"')}${END}`;
  assert.deepEqual(heard(plain, { ...CALL, language: 'de-DE' }), [{ text: 'en-US' }]);
});

test('setLanguage: as it stands, by an expression, in a task, until the next', () => {
  const literal = '    - { do: setLanguage, language: de-DE }\n';
  assert.deepEqual(heard(source(literal + play(BOTH))), HALLO);
  const computed = `    - { do: setLanguage, language: '"de-" + "DE"' }\n`;
  assert.deepEqual(heard(source(computed + play(BOTH))), HALLO);
  const task = '    - { do: callTask, task: german }\n';
  const german = `  german:\n${literal}`;
  assert.deepEqual(heard(source(task + play(BOTH), undefined, german)), HALLO);
  const back = '    - { do: setLanguage, language: en-US }\n';
  const flow = loadFlow(source(literal + play(BOTH) + back + play(BOTH)), '/flows/a.yaml');
  const first = start(flow, CALL);
  assert.deepEqual(
    first.notes.map(({ action, language }) => [action, language]),
    [
      ['setLanguage', 'en-US'],
      ['playAudio', 'de-DE'],
    ],
  );
  const second = step(JSON.parse(JSON.stringify(first.state)), { type: 'played' });
  assert.deepEqual(second.command?.do === 'play' && second.command.audio, HELLO);
});

test('setLanguage to a value that is no language of the flow takes the error path and changes nothing', () => {
  const onError = `onError:\n${play(BOTH).slice(2)}  - do: disconnect\n`;
  for (const language of ['de-AT', 'de-de', '', 'toString']) {
    const document = source('    - { do: setLanguage, language: call.invocationData }\n', undefined, onError);
    const flow = loadFlow(document, '/flows/a.yaml');
    const { command, state } = start(flow, { ...CALL, invocationData: language });
    assert.deepEqual(command?.do === 'play' && command.audio, HELLO, language);
    assert.equal(state.data.failure?.reason, 'expression-failed');
    assert.match(state.failure ?? '', /the value is no language of this flow$/);
  }
});

test('recorded digits are played from the folder of the language; letters have no recording', () => {
  const languages = `[de-DE, en-US]\n${RECORDED.trimEnd()}`;
  const digits = source(play('{ digits: call.invocationData }'), languages);
  assert.deepEqual(heard(digits, { ...CALL, invocationData: '40-7' }), [
    { file: '/flows/sounds/4.wav' },
    { file: '/flows/sounds/0.wav' },
    { file: '/flows/sounds/7.wav' },
  ]);
  const { command } = start(loadFlow(digits, '/flows/a.yaml'), { ...CALL, invocationData: 'A1' });
  assert.match(command?.do === 'disconnect' ? command.message : '', /failed: only digits are recorded$/);
});

test('what is the same in every call is rendered before the first, in every language', () => {
  const items = `[{ en-US: [Hello, { number: 7 }], de-DE: { file: hallo.wav } }, { digits: flow.s }]`;
  const flow = loadFlow(source(play(items), `[en-US, de-DE]\n${RECORDED.trimEnd()}`), '/flows/a.yaml');
  const found = staticAudio(flow).map((audio) => ('text' in audio ? audio.text : audio.file));
  const digits = [...'0123456789'].map((digit) => `/flows/sounds/${digit}.wav`);
  assert.deepEqual(found.sort(), ['Hello', 'seven', '/flows/hallo.wav', ...digits].sort());
});

test('a recording that is not there is found before any call, in every language', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tacet-languages-'));
  try {
    const languages = `[en-US, de-DE]\n${RECORDED.trimEnd()}`;
    await writeFile(join(directory, 'a.yaml'), source(play(BOTH), languages));
    await assert.rejects(loadLibrary([directory]), (error) => {
      assert.ok(error instanceof FlowError);
      const missing = error.problems.map(({ line, message }) => `${line} ${message.split('/').at(-1)}`);
      const digits = [...'0123456789'].map((digit) => `4 ${digit}.wav`);
      assert.deepEqual(missing.sort(), ['10 hallo.wav', ...digits].sort());
      return true;
    });
  } finally {
    await rm(directory, { recursive: true });
  }
});

const PAY = loadFlow(
  acknowledged(`name: pay
type: secure
languages: [en-US, de-DE]
recordings: { de-DE: /de }
variables: { card: { type: secure }, last4: { type: string } }
tasks:
  main:
    - { do: collectInput, field: cardNumber, into: secure.card, prompt: { en-US: Card., de-DE: { file: /de/karte.wav } } }
    - { do: extractSecureData, from: secure.card, transform: last4, into: flow.last4 }
    - { do: playAudio, prompt: { digits: flow.last4 } }
    - { do: setLanguage, language: en-US }
    - { do: playAudio, prompt: { digits: flow.last4 } }
    - do: disconnect
`),
  'pay.yaml',
);

test('a digit script: the secure flow goes on in the language of the caller, and tells when it changes', async () => {
  const door = loadFlow(
    source(
      '    - { do: setLanguage, language: de-DE }\n    - { do: transferToSecureFlow, flow: pay, preTransferAudio: { file: /x.wav } }\n',
    ).replace(END, ''),
    'a.yaml',
  );
  const script = `caller:
  - keys: '4242424242424242#'
expect: |
  flow a
  language de-DE
  prompt [/x.wav]
  transferToSecureFlow pay
  secure requested
  secure shielding
  secure active
  flow pay
  prompt [/de/karte.wav]
  collect cardNumber into secure.card #1: 16 keys
  extract last4 of card
  prompt [/de/4.wav] [/de/2.wav] [/de/4.wav] [/de/2.wav]
  language en-US
  prompt 4 2 4 2
  secure unshielding
  secure ended: disconnected
  end flow-disconnected
`;
  const { expected, ...rest } = readScript(script, 'script.yaml');
  const flows = new Map([PAY, door].map((flow) => [flow.name, flow]));
  assert.deepEqual(await replay(door, flows, { expected, ...rest }), expected);
});
