import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flowGraph } from '../../flows/graph.js';
import { acknowledged } from '../kit/acknowledged.js';
import { libraryOf, libraryProblems } from './flow-documents.js';
import { problemsOf } from './flow-problems.js';

/** A flow of type secure, or another, whose only call of a module stands in line 8. */
const calling = (call: string, type = 'secure'): string => `name: a
type: ${type}
variables: { s: { type: string }, n: { type: number }${
  type === 'secure' || type === 'module' ? ', card: { type: secure }, bank: { type: secure }' : ''
} }
tasks:
  main:
${
  type === 'secure'
    ? `    - { do: collectInput, field: cardNumber, into: secure.card, prompt: a }
    - { do: collectInput, field: accountNumber, into: secure.bank, prompt: a }
`
    : '    - { do: wait, duration: 1s }\n    - { do: wait, duration: 1s }\n'
}    - { do: callModule, ${call} }
    - do: disconnect
`;

const PLAIN = `name: plain
type: module
inputs: { amount: { type: number }, word: { type: string, default: hello } }
outputs: { total: { type: number }, text: { type: string } }
tasks:
  main:
    - { do: setVariables, set: { flow.total: flow.amount * 2, flow.text: flow.word } }
`;
const KEYED = `name: keyed
type: module
inputs: { in: { type: secure, field: cardNumber }, any: { type: secure } }
outputs: { out: { type: secure, field: cardNumber }, raw: { type: secure } }
tasks:
  main:
    - { do: collectInput, field: cardNumber, into: secure.out, prompt: a }
    - { do: collectInput, field: accountNumber, into: secure.raw, prompt: a }
`;
const GIVEN = 'in: secure.card, any: secure.bank';

test('sound calls have no problem', async () => {
  const plain = 'module: plain, inputs: { amount: 1 + flow.n }, outputs: { total: flow.n, text: flow.s }';
  for (const type of ['inbound', 'outbound', 'inQueue', 'secure', 'module']) {
    assert.deepEqual(await libraryProblems(calling(plain, type), PLAIN), [], type);
  }
  const keyed = `module: keyed, inputs: { ${GIVEN} }, outputs: { out: secure.card, raw: secure.bank }`;
  assert.deepEqual(await libraryProblems(calling(keyed), KEYED), []);
});

const REFUSED: readonly (readonly [title: string, call: string, expected: RegExp])[] = [
  [
    'an unknown module',
    'module: plan',
    /^a\.yaml:8:\d+: there is no module 'plan' \(did you mean 'plain'\?\)$/,
  ],
  ['itself', 'module: a', /^a\.yaml:8:\d+: the flow 'a' is of type secure \(name a flow of type module\)$/],
  [
    'a missing input',
    'module: plain',
    /^a\.yaml:8:\d+: the input 'amount' is missing \(add inputs: \{amount: a number\}\)$/,
  ],
  [
    'a missing secure input',
    'module: keyed, inputs: { in: secure.card }',
    /: the input 'any' is missing \(add inputs: \{any: secure\.<name>\}\)$/,
  ],
  [
    'an unknown input',
    'module: plain, inputs: { amount: 1, wrd: flow.s }',
    /^a\.yaml:8:\d+: the module has no input 'wrd' \(did you mean 'word'\?\)$/,
  ],
  [
    'an object method for an input',
    'module: plain, inputs: { amount: 1, constructor: 1 }',
    /the module has no input 'constructor' \(it has: amount, word\)$/,
  ],
  [
    'a text for a number',
    'module: plain, inputs: { amount: flow.s }',
    /^a\.yaml:8:\d+: 'flow\.s' is string, not a number/,
  ],
  ['a number for a text', 'module: plain, inputs: { amount: 1, word: 2 }', /: '2' is not a text/],
  [
    'an unknown output',
    'module: plain, inputs: { amount: 1 }, outputs: { totl: flow.n }',
    /: the module has no output 'totl' \(did you mean 'total'\?\)$/,
  ],
  [
    'an output of another type',
    'module: plain, inputs: { amount: 1 }, outputs: { total: flow.s }',
    /: the output 'total' is a number, but flow\.s is a string \(declare the variable with type: number\)$/,
  ],
  [
    'an output into nothing',
    'module: plain, inputs: { amount: 1 }, outputs: { total: flow.x }',
    /: flow\.x is not declared/,
  ],
  [
    'two outputs in one variable',
    'module: keyed, inputs: { in: secure.card, any: secure.bank }, outputs: { out: secure.card, raw: secure.card }',
    /: secure\.card takes two outputs/,
  ],
  // Leaks.
  [
    'leak: a secure variable in a plain input',
    'module: plain, inputs: { amount: 1, word: secure.card }',
    /^a\.yaml:8:\d+: secure\.card would be in the open in the plain input 'word' \(declare the input with type: secure, or/,
  ],
  [
    'leak: an expression over one in a plain input',
    "module: plain, inputs: { amount: 1, word: 'string(secure.card)' }",
    /looks at a secure value/,
  ],
  [
    'leak: one in brackets in a plain input',
    'module: plain, inputs: { amount: 1, word: \'secure["card"]\' }',
    /looks at a secure value/,
  ],
  [
    'leak: an expression over one in a secure input',
    "module: keyed, inputs: { in: 'flow.s + secure.card', any: secure.bank }",
    /the input 'in' is secure, and 'flow\.s \+ secure\.card' is no secure variable/,
  ],
  [
    'leak: a plain variable in a secure input',
    'module: keyed, inputs: { in: flow.s, any: secure.bank }',
    /: the input 'in' is secure, and 'flow\.s' is no secure variable \(give a variable of type secure/,
  ],
  [
    'leak: a secure output in a plain variable',
    `module: keyed, inputs: { ${GIVEN} }, outputs: { out: flow.s }`,
    /: the secure output 'out' would be in the open in flow\.s \(name a variable of type secure/,
  ],
  [
    'leak: a plain output in a secure variable',
    'module: plain, inputs: { amount: 1 }, outputs: { text: secure.card }',
    /: the output 'text' is a string, and secure\.card is secure/,
  ],
  [
    'leak: an account number for a card number',
    'module: keyed, inputs: { in: secure.bank, any: secure.bank }',
    /: the input takes a cardNumber, and secure\.bank can hold a accountNumber/,
  ],
  [
    'leak: an unknown secure variable',
    'module: keyed, inputs: { in: secure.other, any: secure.bank }',
    /: secure\.other is not declared/,
  ],
];

for (const [title, call, expected] of REFUSED) {
  test(`refused in a call: ${title}`, async () => {
    const problems = await libraryProblems(calling(call), PLAIN, KEYED);
    assert.ok(
      problems.some((problem) => expected.test(problem)),
      `${expected}:\n${problems.join('\n')}`,
    );
  });
}

test('leak: an account number that a module gives cannot be extracted, nor can what an output does not name', async () => {
  const keyed = (output: string) =>
    `module: keyed, inputs: { in: secure.card, any: secure.card }, outputs: { ${output}: secure.fresh } }
    - { do: extractSecureData, from: secure.fresh, transform: last4, into: flow.s`;
  const fresh = (output: string) =>
    calling(keyed(output)).replace('card: { type', 'fresh: { type: secure }, card: { type');
  assert.deepEqual(await libraryProblems(fresh('out'), KEYED), []);
  assert.match((await libraryProblems(fresh('raw'), KEYED)).join(), /^a\.yaml:9:\d+: last4 would show most/);
  assert.match(
    (
      await libraryProblems(
        fresh('out'),
        KEYED.replace('out: { type: secure, field: cardNumber }', 'out: { type: secure }'),
      )
    ).join(),
    /^a\.yaml:9:\d+: last4 would show most/,
  );
});

/** A module with a secure input `secure.x` and an output `flow.s`; its action stands in line 7. */
const holding = (action: string, field = ''): string => `name: m
type: module
inputs: { x: { type: secure${field} } }
outputs: { s: { type: string } }
tasks:
  main:
    - ${action}
`;
const INSIDE: readonly (readonly [title: string, source: string, expected: RegExp])[] = [
  [
    'a secure input in a prompt',
    holding("{ do: playAudio, prompt: '{{ secure.x }}' }"),
    /^7:\d+: .*looks at a secure value/,
  ],
  [
    'a secure input in a plain output',
    holding('{ do: setVariables, set: { flow.s: secure.x } }'),
    /^7:\d+: .*looks at a secure value/,
  ],
  [
    'a secure input by the name of a plain one',
    holding('{ do: setVariables, set: { flow.s: flow.x } }'),
    /^7:\d+: flow\.x is not known \(x is of type secure/,
  ],
  [
    'a secure input in a service',
    holding('{ do: callData, action: log, inputs: { x: secure.x }, into: r }'),
    /^7:\d+: .*looks at a secure value/,
  ],
  [
    "a secure input as an agent's name",
    holding("{ do: transferToAgent, agent: '{{ secure.x }}' }"),
    /^7:\d+: .*looks at a secure value/,
  ],
  [
    'last4 of an input that can be any field',
    holding('{ do: extractSecureData, from: secure.x, transform: last4, into: flow.s }'),
    /^7:\d+: last4 would show most/,
  ],
  [
    'last4 of an account number',
    holding(
      '{ do: extractSecureData, from: secure.x, transform: last4, into: flow.s }',
      ', field: accountNumber',
    ),
    /^7:\d+: last4 would show most/,
  ],
  [
    'a card number into a plain output',
    holding('{ do: collectInput, field: cardNumber, into: flow.s, prompt: a }'),
    /^7:\d+: a cardNumber in flow\.s could be read/,
  ],
  [
    'an input that another module takes for a card number',
    holding('{ do: callModule, module: keyed, inputs: { in: secure.x, any: secure.x } }'),
    /: the input takes a cardNumber, and secure\.x can hold a digits/,
  ],
  [
    'returnToAgent',
    holding('{ do: returnToAgent }'),
    /^7:\d+: returnToAgent cannot stand in a flow of type module/,
  ],
  [
    'transferToSecureFlow',
    holding('{ do: transferToSecureFlow, flow: card-payment }'),
    /^7:\d+: transferToSecureFlow cannot stand in a flow of type module/,
  ],
];

for (const [title, source, expected] of INSIDE) {
  test(`refused in a module: ${title}`, async () => {
    const problems = await libraryProblems(source, KEYED);
    const found = problems.map((problem) => problem.replace('a.yaml:', ''));
    assert.ok(
      found.some((problem) => expected.test(problem)),
      `${expected}:\n${problems.join('\n')}`,
    );
  });
}

test('last4 of an input that takes a card number is fine', () => {
  const last4 = '{ do: extractSecureData, from: secure.x, transform: last4, into: flow.s }';
  assert.deepEqual(problemsOf(acknowledged(holding(last4, ', field: cardNumber'))), []);
});

const header = (lines: string, type = 'module'): string =>
  `name: m\ntype: ${type}\n${lines}\ntasks:\n  main:\n    - do: disconnect\n`;
const HEADERS: readonly (readonly [title: string, source: string, expected: RegExp])[] = [
  [
    'inputs of a flow',
    header('inputs: { a: { type: string } }', 'inbound'),
    /^3:1: a flow of type inbound has no inputs \(remove them, or make the flow `type: module`\)$/,
  ],
  [
    'a name for two things',
    header('inputs: { a: { type: string } }\noutputs: { a: { type: string } }'),
    /^4:12: the name 'a' is declared twice/,
  ],
  [
    'a name of a variable too',
    header('inputs: { a: { type: string } }\nvariables: { a: { type: secure } }'),
    /^3:11: the name 'a' is declared twice/,
  ],
  [
    'a default of another type',
    header('inputs: { a: { type: string, default: 1 } }'),
    /^3:\d+: the default is no string/,
  ],
  [
    'a default of a secure input',
    header('inputs: { a: { type: secure, default: "1" } }'),
    /^3:\d+: a secure value has no default/,
  ],
  [
    'a field of a plain input',
    header('inputs: { a: { type: string, field: expiry } }'),
    /^3:\d+: a string holds no field of a caller/,
  ],
  [
    'an unknown field',
    header('inputs: { a: { type: secure, field: card } }'),
    /^3:\d+: .*what a secure one holds: cardNumber/,
  ],
  [
    'a secure output that nothing fills',
    header('outputs: { a: { type: secure } }'),
    /^3:12: nothing is ever collected into secure\.a/,
  ],
];
for (const [title, source, expected] of HEADERS) {
  test(`refused in the header of a module: ${title}`, () => {
    const problems = problemsOf(source);
    assert.ok(
      problems.some((problem) => expected.test(problem)),
      `${expected}:\n${problems.join('\n')}`,
    );
  });
}

test('refused: a secure output that can hold another field than it says', () => {
  const source = `name: m
type: module
outputs: { a: { type: secure, field: cardNumber } }
tasks:
  main:
    - { do: collectInput, field: accountNumber, into: secure.a, prompt: a }
`;
  assert.match(
    problemsOf(source).join(),
    /^3:\d+: the output is a cardNumber, and secure\.a can hold a accountNumber/,
  );
});

const module = (name: string, ...calls: readonly string[]): string =>
  `name: ${name}\ntype: module\ntasks:\n  main:\n    - { do: wait, duration: 1s }\n${calls.map((to) => `    - { do: callModule, module: ${to} }\n`).join('')}`;

test('refused: modules that come to call themselves', async () => {
  assert.deepEqual(await libraryProblems(module('x', 'x')), [
    "a.yaml:6:33: the module 'x' calls itself: x > x (remove this call, or repeat the actions with a loop)",
  ]);
  const round = await libraryProblems(module('x', 'y'), module('y', 'z'), module('z', 'x'), module('w', 'x'));
  assert.deepEqual(
    round.map((problem) => problem.replace(/ \(.*/, '')),
    ['a', 'b', 'c'].map(
      (file, index) =>
        `${file}.yaml:6:33: modules call each other in a circle: ${['x > y > z > x', 'y > z > x > y', 'z > x > y > z'][index]}`,
    ),
  );
});

test('a module called from everywhere, and modules that each call the next twice, are judged in no time', async () => {
  const names = Array.from({ length: 25 }, (_, index) => `m${index}`);
  const chain = names.map((name, index) => module(name, ...names.slice(index + 1, index + 3)));
  const flow = (await libraryOf(calling('module: m0', 'inbound'), ...chain)).get('a');
  assert.deepEqual(Object.keys(flow?.modules ?? {}).sort(), [...names].sort());
  assert.ok(JSON.stringify(flow).length < 100_000);
});

test('modules with secure actions are called from flows of every type, and each call has the key', async () => {
  const between = module('between', 'secret');
  const secret = `name: secret\ntype: module\nvariables: { pin: { type: secure } }\ntasks:\n  main:\n    - { do: collectInput, field: digits, length: 4, into: secure.pin, prompt: a }\n`;
  for (const type of ['inbound', 'outbound', 'inQueue', 'secure']) {
    const flow = (await libraryOf(calling('module: between', type), between, secret)).get('a');
    assert.ok(flow);
    assert.equal(flowGraph(flow).nodes.find(({ action }) => action === 'callModule')?.secure, true, type);
  }
});

test('refused: an action by way of a module that the flow cannot have', async () => {
  const rings = module('rings').replace('wait, duration: 1s', 'transferToAgent, onFailure: []');
  const between = module('between', 'rings');
  assert.match(
    (await libraryProblems(calling('module: between', 'inQueue'), between, rings)).join(),
    /^a\.yaml:8:\d+: transferToAgent cannot stand in a flow of type inQueue, and the module 'rings' has one/,
  );
  assert.deepEqual(await libraryProblems(calling('module: between', 'inbound'), between, rings), []);
});

test('the key follows modules: on each call that comes to a secure one, and on no other', async () => {
  const secret = `name: secret\ntype: module\nvariables: { pin: { type: secure } }\ntasks:\n  main:\n    - { do: collectInput, field: digits, length: 4, into: secure.pin, prompt: a }\n`;
  const flows = await libraryOf(
    module('top', 'between', 'open'),
    module('between', 'secret'),
    module('open'),
    secret,
  );
  const keys = (name: string): boolean[] => {
    const flow = flows.get(name);
    assert.ok(flow);
    return flowGraph(flow).nodes.map(({ secure }) => secure);
  };
  assert.deepEqual(keys('top'), [false, true, false]);
  assert.deepEqual(keys('between'), [false, true]);
  assert.deepEqual(keys('open'), [false]);
  assert.deepEqual(keys('secret'), [true]);
});

const typed = (type: string, action: string): string =>
  `name: a\ntype: ${type}\ntasks:\n  main:\n    - { do: ${action} }\n    - do: disconnect\n`;
const MISPLACED: readonly (readonly [type: string, action: string])[] = [
  ['module', 'transferToFlow, flow: x'],
  ['outbound', 'returnToAgent'],
  ['inQueue', 'returnToAgent'],
  ['inQueue', 'transferToAgent, onFailure: []'],
  ['secure', 'transferToSecureFlow, flow: x, onFailure: []'],
];
for (const [type, action] of MISPLACED) {
  test(`refused: ${action.split(',')[0]} in a flow of type ${type}`, () => {
    const expected = new RegExp(
      `^5:\\d+: ${action.split(',')[0]} cannot stand in a flow of type ${type} \\(`,
    );
    assert.match(problemsOf(typed(type, action)).join(), expected);
  });
}

test('outbound and in-queue flows hand over to a secure flow; in a queue a flow may go round for good', () => {
  for (const type of ['inbound', 'outbound', 'inQueue']) {
    assert.deepEqual(problemsOf(typed(type, 'transferToSecureFlow, flow: x, onFailure: []')), []);
  }
  const round = 'loop, while: true, actions: [{ do: wait, duration: 1s }]';
  assert.deepEqual(problemsOf(typed('inQueue', round)), []);
  assert.match(problemsOf(typed('outbound', round)).join(), /nothing ends this loop/);
});

test('a document that cannot be read hides its own name only: a leak beside it is still told', async () => {
  const leak = calling(
    'module: plain, inputs: { amount: 1, word: secure.card } }\n    - { do: callModule, module: gone',
  );
  const problems = await libraryProblems(leak, PLAIN, '- nothing\n');
  assert.ok(problems.some((problem) => /plain input 'word'/.test(problem)));
  assert.ok(!problems.some((problem) => /no module 'gone'/.test(problem)));
});
