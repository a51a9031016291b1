import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CollectCommand, FlowCommand, FlowEvent } from '../../flows/commands.js';
import { start, staticAudio, step } from '../../flows/interpreter.js';
import { loadFlow } from '../../flows/loader.js';
import { KEYED, problemsOf } from './flow-problems.js';
import { CALL } from './flow-simulator.js';

const HEAD = `name: a
type: secure
variables: { card: { type: secure }, code: { type: secure }, s: { type: string } }
tasks:
  main:
`;

const failed = (error: 'timeout' | 'invalid-card-type' | 'invalid-card-number'): FlowEvent => ({
  type: 'collected',
  result: { ok: false, error },
});
const OK: FlowEvent = { type: 'collected', result: { ok: true } };

function said(command: FlowCommand | null): string {
  assert.equal(command?.do, 'collect');
  return (command as CollectCommand).audio.map((item) => ('text' in item ? item.text : item.file)).join(' ');
}

/** A card whose prompts have cases, then its security code. */
function flow(cardKeys: string, codeKeys = 'prompt: Code') {
  return loadFlow(
    `${HEAD}    - { do: collectInput, field: cardNumber, into: secure.card, ${cardKeys} }
    - { do: collectInput, field: securityCode, card: secure.card, into: secure.code, ${codeKeys} }
    - do: returnToAgent
`,
    'a.yaml',
  );
}

/** What is said at each attempt when the attempts fail so. */
function hears(keys: string, errors: readonly Parameters<typeof failed>[0][]): string[] {
  let next = start(flow(keys), CALL);
  const heard = [said(next.command)];
  for (const error of errors) {
    next = step(next.state, failed(error));
    heard.push(said(next.command));
  }
  return heard;
}

test('the case with the most conditions is said, the first among equals, and the one without any is left', () => {
  const keys = `prompt: [{ say: rest }, { when: { attempt: 2 }, say: second }, { when: { error: timeout }, say: silent }, { when: { attempt: [2, 3], error: [invalid-card-type] }, say: another card }]`;
  assert.deepEqual(hears(keys, ['timeout', 'timeout']), ['rest', 'second', 'silent']);
  assert.deepEqual(hears(keys, ['invalid-card-type', 'invalid-card-type']), [
    'rest',
    'another card',
    'another card',
  ]);
  assert.deepEqual(hears(keys, ['invalid-card-number', 'invalid-card-number']), ['rest', 'second', 'rest']);
});

test('retry and lastRetry have cases of their own', () => {
  const keys = `prompt: ask, retry: { default: [{ say: again }, { when: { error: timeout }, say: silent }] }, lastRetry: { timeout: [{ say: last silence }] }, attempts: 4`;
  assert.deepEqual(hears(keys, ['timeout', 'invalid-card-type', 'timeout']), [
    'ask',
    'silent',
    'again',
    'last silence',
  ]);
});

test('the brand of the card is asked of the server, and chooses every prompt of the code', () => {
  const keys = `prompt: [{ say: three }, { when: { brand: [amex] }, say: four }], again: [{ say: three again }, { when: { brand: amex }, say: four again }]`;
  for (const [brand, heard, twice] of [
    ['amex', 'four', 'four again'],
    ['visa', 'three', 'three again'],
    ['', 'three', 'three again'],
    [null, 'three', 'three again'],
  ] as const) {
    const asked = step(start(flow('prompt: Card', keys), CALL).state, OK);
    assert.deepEqual(asked.command, { do: 'extract', source: 'card', transform: 'brand' });
    const first = step(asked.state, { type: 'extracted', value: brand });
    assert.equal(said(first.command), heard);
    assert.deepEqual((first.command as CollectCommand).again, [{ text: twice }]);
    const second = step(JSON.parse(JSON.stringify(first.state)), failed('timeout'));
    assert.equal(said(second.command), heard);
  }
});

test('a flow without a case for a brand does not ask for it', () => {
  const asked = step(start(flow('prompt: Card'), CALL).state, OK);
  assert.equal(said(asked.command), 'Code');
});

test('prompts of cases are made ready before a call', () => {
  const texts = staticAudio(
    flow('prompt: [{ say: one }, { when: { attempt: 2 }, say: [two, { digits: call.from }] }]'),
  );
  assert.deepEqual(texts, [{ text: 'one' }, { text: 'two' }, { text: 'Code' }]);
});

const card = (keys: string) =>
  problemsOf(
    `${HEAD}    - { do: collectInput, field: cardNumber, into: secure.card, ${keys} }\n    - do: returnToAgent\n`,
  );

for (const [keys, expected] of [
  [
    'prompt: [{ when: { attempt: 2 }, say: a }]',
    /^6:.*no case stands for all that is left \(add a case without when/,
  ],
  [
    'prompt: [{ say: a }, { when: { attempt: 4 }, say: b }]',
    /^6:.*there are only 3 attempts \(give an attempt from 1 to 3/,
  ],
  ['prompt: [{ say: a }, { when: { attempt: 11 }, say: b }]', /there are only 3 attempts/],
  [
    'prompt: [{ say: a }, { when: { error: invalid-date }, say: b }]',
    /a cardNumber never fails with invalid-date \(give one of timeout, invalid-card-number, invalid-card-type\)/,
  ],
  [
    'prompt: [{ say: a }, { when: { error: invalid-card-numbr }, say: b }]',
    /unknown error 'invalid-card-numbr' \(did you mean 'invalid-card-number'/,
  ],
  [
    'prompt: [{ say: a }, { when: { error: input-matching-failed }, say: b }]',
    /never fails with input-matching-failed/,
  ],
  [
    'prompt: [{ say: a }, { when: { attempt: 1, error: timeout }, say: b }]',
    /the first attempt comes after no error/,
  ],
  ['prompt: [{ say: a }, { when: { brand: amex }, say: b }]', /no card is keyed before this prompt/],
  ['prompt: [{ say: a }, { when: { brand: [amax] }, say: b }]', /unknown brand 'amax' \(did you mean 'amex'/],
  [
    'prompt: [{ say: a }, { when: { error: [timeout, never] }, say: b }]',
    /unknown error 'never' \(known are timeout,/,
  ],
  ['prompt: [{ say: a }, { say: b }]', /this case can never apply/],
  [
    'prompt: [{ say: a }, { when: { error: timeout }, say: b }, { when: { error: [timeout] }, say: c }]',
    /this case can never apply: another prompt is said/,
  ],
  [
    'retry: { default: r }, prompt: [{ say: a }, { when: { error: timeout }, say: b }]',
    /this case can never apply: another prompt is said/,
  ],
  [
    'prompt: a, retry: { timeout: [{ say: r }, { when: { error: invalid-card-type }, say: b }] }',
    /this case can never apply/,
  ],
  [
    'prompt: a, retry: { timeout: [{ say: r }, { when: { attempt: 3 }, say: b }] }, lastRetry: { default: l }',
    /this case can never apply/,
  ],
  ['prompt: [{ say: "{{ secure.card }}" }]', /looks at a secure value/],
  ['prompt: [{ when: {}, say: a }, { say: b }]', /'prompt' has none of the forms/],
] as const) {
  test(`cases that are refused: ${keys}`, () => {
    const problems = card(keys);
    assert.equal(problems.length, 1, problems.join('\n'));
    assert.match(problems[0] ?? '', expected);
  });
}

test('a case for a brand needs the card', () => {
  const code = (keys: string) =>
    problemsOf(
      `${KEYED}    - { do: collectInput, field: securityCode, into: secure.card, prompt: [{ say: a }, { when: { brand: amex }, say: b }]${keys} }\n    - do: returnToAgent\n`,
    );
  assert.match(code('')[0] ?? '', /no card is keyed before this prompt \(remove brand, or have a card/);
  assert.deepEqual(code(', card: secure.card'), []);
});

for (const [keys, expected] of [
  ["cancelKey: '#'", /terminator and cancelKey are the same key/],
  ["cancelKey: '*', clearKey: '*'", /clearKey and cancelKey are the same key/],
  ["terminator: '*'", /terminator and clearKey are the same key/],
  ['bargeIn: false, typeAhead: keep', /bargeIn: false drops what is typed ahead/],
  ['format: DDMMYY', /a cardNumber is no date/],
] as const) {
  test(`keys that are refused: ${keys}`, () => {
    assert.match(card(`prompt: a, ${keys}`)[0] ?? '', expected);
  });
}

test('the star key cancels in place of clearing when it is told to', () => {
  assert.deepEqual(card("prompt: a, cancelKey: '*'"), []);
  const { command } = start(flow("prompt: a, cancelKey: '*'"), CALL);
  assert.equal((command as CollectCommand).clearKey, null);
  assert.equal((command as CollectCommand).cancelKey, '*');
});

test('a caller who cancels is not asked again, whatever attempts are left', () => {
  const cancelled = (paths: string) => {
    const { state } = start(flow(`prompt: a, cancelKey: '*', name: ask${paths}`), CALL);
    return step(state, { type: 'collected', result: { ok: false, error: 'caller-interrupted-with-star' } });
  };
  const end = (word: string) => `[{ do: returnToAgent, data: { w: '"${word}"', e: data.ask.error } }]`;
  const both = cancelled(`, onCancelled: ${end('cancelled')}, onFailure: ${end('failed')}`);
  const error = 'caller-interrupted-with-star';
  assert.deepEqual(both.command, { do: 'returnToAgent', data: { w: 'cancelled', e: error } });
  const one = cancelled(`, onFailure: ${end('failed')}`);
  assert.deepEqual(one.command, { do: 'returnToAgent', data: { w: 'failed', e: error } });
  assert.equal(cancelled('').command?.do, 'disconnect');
});

for (const [keys, expected] of [
  ['', /a date has no order of its digits \(add format/],
  ['format: DDMMYY, notBefore: 2026-02-30', /there is no day 2026-02-30/],
  ['format: DDMMYY, notBefore: 2027-01-01, notAfter: 2026-01-01', /notBefore is after notAfter/],
  ['format: DDMMYY, length: 6', /the length of a date is fixed/],
  ['format: DMY', /'format'/],
] as const) {
  test(`dates that are refused: ${keys || 'no format'}`, () => {
    const date = `${HEAD}    - { do: collectInput, field: date, into: flow.s, prompt: a${keys && `, ${keys}`} }\n    - do: returnToAgent\n`;
    assert.match(problemsOf(date)[0] ?? '', expected);
  });
}
