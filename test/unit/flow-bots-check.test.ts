import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flowGraph } from '../../flows/graph.js';
import { libraryOf, libraryProblems } from './flow-documents.js';
import { problemsOf } from './flow-problems.js';

/** A flow whose only call of a bot stands in line 6. */
const calling = (call: string, type = 'inbound'): string => `name: a
type: ${type}
variables: { s: { type: string }, n: { type: number }${/secure|module/.test(type) ? ', card: { type: secure }' : ''} }
tasks:
  main:
    - { do: callBotFlow, ${call} }
${type === 'module' ? '' : '    - do: disconnect\n'}`;

const LOCAL = `name: local
type: bot
kind: dialogEngine
inputs: { who: { type: string }, n: { type: number, default: 1 } }
opening: { prompt: Press 1 or 2. }
intents:
  buy: { key: '1', slots: [size] }
  sell: { key: '2', slots: [size, colour] }
slots:
  size: { max: 4, prompt: Size. }
  colour: { choices: { '1': red, '2': blue }, prompt: Red or blue. }
`;
const KEYED = `name: keyed
type: bot
kind: dialogEngine
intents:
  pay: { slots: [card, pin] }
slots:
  card: { field: cardNumber, secure: true, prompt: Card. }
  pin: { length: 4, secure: true, prompt: Pin. }
`;
const REMOTE = `name: far
type: bot
kind: dialogEngine
remote: desk
prompts: { ask: Which one? }
intents:
  pay: { slots: [why, card] }
slots:
  why: { values: [late, wrong] }
  card: { secure: true }
`;
const DIGITAL = 'name: chat\ntype: bot\nkind: digital\nintents: { hello: { phrases: [hello] } }\n';
const ALL = [LOCAL, KEYED, REMOTE, DIGITAL];

test('sound calls have no problem', async () => {
  const fine =
    'bot: local, inputs: { who: flow.s }, outputs: { size: flow.s }, into: r, onIntent: { buy: [{ do: wait, duration: 1s }] }';
  for (const type of ['inbound', 'outbound', 'inQueue', 'secure', 'module']) {
    assert.deepEqual(await libraryProblems(calling(fine, type), ...ALL), [], type);
  }
  for (const bot of ['keyed', 'far']) {
    assert.deepEqual(
      await libraryProblems(calling(`bot: ${bot}, outputs: { card: secure.card }`, 'secure'), ...ALL),
      [],
    );
  }
});

const CALLS: readonly (readonly [title: string, call: string, expected: RegExp, type?: string])[] = [
  ['an unknown bot', 'bot: locl', /^a\.yaml:6:\d+: there is no bot 'locl' \(did you mean 'local'\?\)$/],
  [
    'a flow that is none',
    'bot: a',
    /^a\.yaml:6:\d+: the flow 'a' is of type inbound \(name a flow of type bot\)$/,
  ],
  [
    'a missing input',
    'bot: local',
    /^a\.yaml:6:\d+: the input 'who' is missing \(add inputs: \{who: a string\}\)$/,
  ],
  [
    'an unknown input',
    'bot: local, inputs: { who: \'"x"\', hwo: 1 }',
    /the bot has no input 'hwo' \(did you mean 'who'\?\)$/,
  ],
  [
    'a secure input',
    'bot: local, inputs: { who: secure.card }',
    /secure\.card (is not|in a flow|would)|nothing is ever collected/,
    'secure',
  ],
  [
    'an unknown intent',
    'bot: local, inputs: { who: \'"x"\' }, onIntent: { by: [{ do: disconnect }] }',
    /the bot has no intent 'by' \(did you mean 'buy'\?\)$/,
  ],
  [
    'an unknown slot',
    'bot: local, inputs: { who: \'"x"\' }, outputs: { sice: flow.s }',
    /the bot has no slot 'sice' \(did you mean 'size'\?\)$/,
  ],
  [
    'a slot in a number',
    'bot: local, inputs: { who: \'"x"\' }, outputs: { size: flow.n }',
    /the slot 'size' is a string, but flow\.n is a number/,
  ],
  [
    'a plain slot in a secure variable',
    'bot: local, inputs: { who: \'"x"\' }, outputs: { size: secure.card }',
    /the slot 'size' is a string, and secure\.card is secure/,
    'secure',
  ],
  [
    'a secure slot in a plain variable',
    'bot: keyed, outputs: { card: flow.s }',
    /the secure slot 'card' would be in the open in flow\.s/,
    'secure',
  ],
  [
    'a secure bot outside secure mode',
    'bot: keyed',
    /the bot 'keyed' runs in secure mode, and this flow is of type inbound/,
  ],
  [
    'a secure remote bot outside secure mode',
    'bot: far',
    /the bot 'far' runs in secure mode, and this flow is of type outbound/,
    'outbound',
  ],
  [
    'a digital bot',
    'bot: chat',
    /^a\.yaml:6:\d+: 'chat' is a digital bot, and a inbound flow.* \(name a bot of kind: dialogEngine\)$/,
  ],
  [
    'a digital bot in a secure flow',
    'bot: chat',
    /^a\.yaml:6:\d+: 'chat' is a digital bot, and a secure flow/,
    'secure',
  ],
  [
    'the name of failures',
    'bot: local, inputs: { who: \'"x"\' }, into: failure',
    /the name 'failure' is taken/,
  ],
];
for (const [title, call, expected, type] of CALLS) {
  test(`refused: a call with ${title}`, async () => {
    const problems = await libraryProblems(calling(call, type), ...ALL);
    assert.ok(
      problems.some((problem) => expected.test(problem)),
      problems.join('\n'),
    );
  });
}

test('a secure bot in a module is refused where the module is called outside secure mode', async () => {
  const module = calling('bot: keyed', 'module')
    .replace('name: a', 'name: between')
    .replace(', card: { type: secure }', '');
  const flow = (type: string) =>
    `name: a\ntype: ${type}\ntasks:\n  main:\n    - { do: callModule, module: between }\n    - do: disconnect\n`;
  assert.match(
    (await libraryProblems(flow('inbound'), module, ...ALL)).join(),
    /'keyed' runs in secure mode/,
  );
  assert.deepEqual(await libraryProblems(flow('secure'), module, ...ALL), []);
});

test('taint: what a bot keeps secret can be charged, and shown by nothing', async () => {
  const secure = (action: string) =>
    calling(
      'bot: keyed, into: r, outputs: { card: secure.card, pin: secure.card }'.replace(
        ', pin: secure.card',
        '',
      ),
      'secure',
    ).replace('    - do: disconnect', `    - ${action}\n    - do: disconnect`);
  for (const action of [
    '{ do: playAudio, prompt: "{{ secure.card }}" }',
    '{ do: setVariables, set: { flow.s: secure.card } }',
    '{ do: callData, action: x, inputs: { c: secure.card }, into: d }',
  ]) {
    assert.match((await libraryProblems(secure(action), ...ALL)).join(), /secure/, action);
  }
  const pays = secure(
    '{ do: callSecureData, connector: payment, secureInputs: { cardNumber: secure.card }, into: c }',
  );
  assert.deepEqual(await libraryProblems(pays, ...ALL), []);
  const pin = secure('{ do: extractSecureData, from: secure.card, transform: last4, into: flow.s }').replace(
    'card: secure.card',
    'pin: secure.card',
  );
  assert.match((await libraryProblems(pin, ...ALL)).join(), /last4 would show most/);
});

test('the key is on a call of a bot that keeps secrets, and on no other', async () => {
  const keys = async (call: string, type: string) => {
    const flow = (await libraryOf(calling(call, type), ...ALL)).get('a');
    assert.ok(flow);
    return flowGraph(flow).nodes[0]?.key;
  };
  assert.equal(await keys('bot: keyed', 'module'), true);
  assert.equal(await keys('bot: local, inputs: { who: \'"x"\' }', 'module'), false);
});

const BOTS: readonly (readonly [title: string, source: string, expected: RegExp])[] = [
  ['no kind', LOCAL.replace('kind: dialogEngine\n', ''), /'kind' is missing/],
  ['an unknown kind', LOCAL.replace('dialogEngine', 'voice'), /^3:7: .*\(give dialogEngine or digital\)$/],
  ['tasks', `${LOCAL}tasks: { main: [{ do: disconnect }] }\n`, /unknown key 'tasks'/],
  [
    'a slot that is not there',
    LOCAL.replace('[size]', '[sice]'),
    /^7:\d+: there is no slot 'sice' \(did you mean 'size'\?\)$/,
  ],
  [
    'a slot that nothing needs',
    LOCAL.replace(', colour]', ']'),
    /^11:\d+: no intent needs the slot 'colour'/,
  ],
  [
    'one key for two intents',
    LOCAL.replace("key: '2'", "key: '1'"),
    /^8:\d+: the key 1 chooses 'buy' already/,
  ],
  [
    'an intent without a key',
    LOCAL.replace("key: '2', ", ''),
    /^8:\d+: nothing chooses 'sell': no media side offers speech yet/,
  ],
  [
    'intents without an opening',
    LOCAL.replace(/opening.*\n/, '').replace(/key: '\d', /g, ''),
    /nothing chooses between the intents/,
  ],
  ['a key without an opening', KEYED.replace('{ slots', "{ key: '1', slots"), /no opening asks for a key/],
  ['a slot without a prompt', LOCAL.replace(', prompt: Size.', ''), /^10:\d+: nothing asks for 'size'/],
  [
    'choices with a length',
    LOCAL.replace('prompt: Red', 'max: 3, prompt: Red'),
    /^11:\d+: a slot of choices has no max/,
  ],
  [
    'secret choices',
    LOCAL.replace('prompt: Red', 'secure: true, prompt: Red'),
    /^11:\d+: a choice is told in the open/,
  ],
  [
    'a card in the open',
    KEYED.replace('cardNumber, secure: true', 'cardNumber'),
    /^7:\d+: a cardNumber in flow\.card could be read/,
  ],
  ['no most digits', LOCAL.replace('max: 4, ', ''), /^10:\d+: digits has no most number of digits/],
  [
    'an unknown name in a prompt',
    LOCAL.replace('prompt: Size.', "prompt: '{{ flow.sise }}'"),
    /^10:\d+: flow\.sise is not known \(did you mean flow\.size\?\)/,
  ],
  [
    'a secret in a prompt',
    KEYED.replace('prompt: Pin.', "prompt: '{{ flow.card }}'"),
    /^8:\d+: flow\.card is not known \(card is of type secure/,
  ],
  [
    'a secret read back',
    KEYED.replace('prompt: Pin.', "prompt: Pin., confirm: { prompt: '{{ secure.pin }}' }"),
    /^8:\d+: .*looks at a secure value/,
  ],
  [
    'a taken name',
    LOCAL.replace('  size:', '  status:').replaceAll('[size', '[status'),
    /^10:\d+: the name 'status' is taken/,
  ],
  ['an input with the name of a slot', LOCAL.replace('who:', 'size:'), /^4:\d+: the name 'size' is taken/],
  [
    'a default of another type',
    LOCAL.replace('default: 1', 'default: one'),
    /^4:\d+: the default is no number/,
  ],
  [
    'an opening of a remote bot',
    REMOTE.replace('prompts:', 'opening: { prompt: a }\nprompts:'),
    /the remote bot has the turns/,
  ],
  [
    'a prompt of a remote slot',
    REMOTE.replace('why: {', 'why: { prompt: Why?,'),
    /the bot asks for it in its own way/,
  ],
  [
    'an expression in a remote prompt',
    REMOTE.replace('Which one?', "'{{ call.from }}'"),
    /^5:\d+: a prompt of a remote bot has no expressions/,
  ],
  ['prompts of a local bot', `${LOCAL}prompts: { a: b }\n`, /only a remote bot says prompts by name/],
  [
    'yes and no on one key',
    LOCAL.replace('prompt: Size.', "prompt: Size., confirm: { prompt: a, no: '1' }"),
    /yes and no are the same key/,
  ],
];
for (const [title, source, expected] of BOTS) {
  test(`refused: a bot with ${title}`, () => {
    const problems = problemsOf(source);
    assert.ok(
      problems.some((problem) => expected.test(problem)),
      problems.join('\n'),
    );
  });
}

test('the bots of these tests are sound', () => {
  for (const source of ALL) assert.deepEqual(problemsOf(source), []);
});
