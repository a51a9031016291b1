import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Flow } from '../../flows/flow.js';
import { start, staticAudio } from '../../flows/interpreter.js';
import { loadLibrary } from '../../flows/loader.js';
import { CALL, replay } from './flow-simulator.js';

const library = await loadLibrary([fileURLToPath(new URL('../../../flows/library/', import.meta.url))]);

function flowNamed(name: string): Flow {
  const flow = library.get(name);
  assert.ok(flow, `the library has no ${name}`);
  return flow;
}

const VISA = '4242424242424242';
const AMEX = '378282246310005';
const MASTERCARD = '5555555555554444';
const ORDER = '{"amount":1950,"currency":"EUR","reference":"4711"}';
const APPROVED = { status: 'approved', reason: '', outputs: { confirmation: '830112' } } as const;
const RETURNED = { brand: 'visa', last4: '4242', amount: 1950, currency: 'EUR', reference: '4711' };

function pay(
  keys: readonly string[],
  charge?: Parameters<typeof replay>[0]['charge'],
  invocationData = ORDER,
) {
  return replay({
    flow: flowNamed('card-payment'),
    keys,
    invocationData,
    ...(charge ? { charge } : {}),
  });
}

const CHARGE =
  'charge payment cardNumber=card expiry=expiry securityCode=code postalCode=postal ' +
  '{"amount":1950,"currency":"EUR","reference":"4711"}';

test('card-payment: an approved charge is read back and returned with brand, last four and confirmation', () => {
  const { trace, spoken, end } = pay([`${VISA}#`, '1227', '123', '10115#'], APPROVED);
  assert.deepEqual(trace, [
    'collect cardNumber into secure.card #1: 16 keys',
    'extract brand of card: visa',
    'extract last4 of card: 4242',
    'collect expiry into secure.expiry #1: 4 keys',
    'collect securityCode into secure.code #1: 3 keys',
    'collect postalCode into secure.postal #1: 5 keys',
    CHARGE,
    'play',
    `returnToAgent ${JSON.stringify({ status: 'approved', reason: '', confirmation: '830112', ...RETURNED })}`,
  ]);
  assert.equal(end.do, 'returnToAgent');
  assert.match(spoken, /You will pay 19 euros and 50 cents\./);
  assert.match(spoken, /visa card ending in 4 2 4 2 Your confirmation number is 8 3 0 1 1 2$/);
});

test('card-payment: an American Express card asks for four digits of security code', () => {
  const { trace, secrets, spoken } = pay([AMEX, '0131', '1234', '10115#'], APPROVED);
  assert.equal(trace[4], 'collect securityCode into secure.code #1: 4 keys');
  assert.equal(secrets.get('code')?.text, '1234');
  assert.match(spoken, /American Express card ending in 0 0 0 5/);
});

test('card-payment: only the failed field is asked again', () => {
  const { trace } = pay(
    [`${VISA.slice(0, 15)}1#`, `${VISA}#`, '1325', '1020', '1227', '12#', '123', '10115#'],
    APPROVED,
  );
  assert.deepEqual(trace.slice(0, 8), [
    'collect cardNumber into secure.card #1: invalid-card-number',
    'collect cardNumber into secure.card #2: 16 keys',
    'extract brand of card: visa',
    'extract last4 of card: 4242',
    'collect expiry into secure.expiry #1: invalid-date',
    'collect expiry into secure.expiry #2: invalid-date',
    'collect expiry into secure.expiry #3: 4 keys',
    'collect securityCode into secure.code #1: invalid-security-code',
  ]);
  assert.match(trace.at(-1) ?? '', /"status":"approved"/);
});

test('card-payment: surplus digits and the hash key after a full field never reach the next field', () => {
  const { trace, secrets } = pay([`${MASTERCARD}99#`, '12279#', '1234#', '10115#'], APPROVED);
  assert.equal(secrets.get('card')?.text, MASTERCARD);
  assert.equal(secrets.get('expiry')?.text, '1227');
  assert.equal(secrets.get('code')?.text, '123');
  assert.match(trace.at(-1) ?? '', /"status":"approved"/);
});

test('card-payment: three failed attempts return to the agent with the error of the last', () => {
  const { trace, spoken } = pay(['', '4242#', '']);
  assert.deepEqual(trace, [
    'collect cardNumber into secure.card #1: timeout',
    'collect cardNumber into secure.card #2: invalid-card-number',
    'collect cardNumber into secure.card #3: timeout',
    'play',
    `returnToAgent ${JSON.stringify({ status: 'error', reason: 'timeout', confirmation: '', ...RETURNED, brand: '', last4: '' })}`,
  ]);
  assert.match(spoken, /Nothing was charged\.$/);
});

for (const [status, reason, said] of [
  ['declined', 'insufficient-funds', /declined\. Nothing was charged\.$/],
  ['in-doubt', 'gateway-timeout', /do not pay again before this is known\.$/],
  ['error', 'gateway-unreachable', /could not be made\. Nothing was charged\.$/],
] as const) {
  test(`card-payment: ${status} is told to the caller and to the agent`, () => {
    const { trace, spoken } = pay([`${VISA}#`, '1227', '123', '10115#'], { status, reason, outputs: {} });
    assert.match(spoken, said);
    assert.equal(
      trace.at(-1),
      `returnToAgent ${JSON.stringify({ status, reason, confirmation: '', ...RETURNED })}`,
    );
  });
}

for (const invocationData of [
  '',
  'not JSON',
  '[1]',
  '{}',
  '{"amount":0}',
  '{"amount":-5}',
  '{"amount":19.5}',
  '{"amount":"1950"}',
  '{"amount":{"a":1}}',
  '{"amount":100000000}',
  '{"amount":1950,"currency":"euro"}',
  '{"amount":null,"reference":{}}',
]) {
  test(`card-payment: no card is asked for without a usable amount: ${invocationData || 'nothing'}`, () => {
    const { trace } = pay([VISA], APPROVED, invocationData);
    assert.deepEqual(trace, ['play', 'returnToAgent {"status":"error","reason":"no-usable-amount"}']);
  });
}

test('card-payment: an amount may be a text with the decimals of its currency', () => {
  const { trace } = pay(
    [`${VISA}#`, '1227', '123', '10115#'],
    APPROVED,
    '{"amount":"0.99","currency":"USD"}',
  );
  assert.match(trace[6] ?? '', /\{"amount":99,"currency":"USD","reference":""\}$/);
});

test('pay-by-phone: reference and amount are handed to card-payment', () => {
  const { trace } = replay({ flow: flowNamed('pay-by-phone'), keys: ['4711#', '1950#'] });
  assert.deepEqual(trace, [
    'collect digits into flow.reference #1: 4 keys',
    'collect digits into flow.amount #1: 4 keys',
    'transferToSecureFlow card-payment {"amount":1950,"currency":"EUR","reference":"4711"}',
  ]);
});

test('pay-by-phone: an amount of nothing, and a silent caller, end the call', () => {
  const nothing = replay({ flow: flowNamed('pay-by-phone'), keys: ['4711#', '000#'] });
  assert.deepEqual(nothing.trace.slice(-2), ['play', 'disconnect flow']);
  const silent = replay({ flow: flowNamed('pay-by-phone'), keys: [] });
  assert.deepEqual(silent.trace.slice(-3), [
    'collect digits into flow.reference #3: timeout',
    'play',
    'disconnect flow',
  ]);
});

test('support: rings any agent, and apologises when nobody answers', () => {
  const { trace, spoken } = replay({ flow: flowNamed('support'), keys: [] });
  assert.deepEqual(trace, ['play', 'transferToAgent any', 'play', 'disconnect flow']);
  assert.match(spoken, /nobody can take your call/);
});

test('every prompt of the library but those with insertions is known before a call', () => {
  for (const flow of library.values()) {
    const fixed = staticAudio(flow);
    assert.ok(fixed.length >= 2, flow.name);
    assert.ok(fixed.every((item) => 'text' in item && !item.text.includes('{{')));
  }
  assert.ok(start(flowNamed('support'), CALL).command);
});
