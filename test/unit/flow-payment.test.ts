import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CaptureError, CollectCommand, FlowCommand, FlowEvent } from '../../flows/commands.js';
import type { Flow } from '../../flows/flow.js';
import { type FlowState, type Step, start, staticAudio, step } from '../../flows/interpreter.js';
import { loadFlow } from '../../flows/loader.js';
import { problemsOf } from './flow-problems.js';
import { CALL, replay } from './flow-simulator.js';

const HEAD = `name: a
type: secure
variables:
  zip: { type: string }
  cardNumber: { type: secure }
  expiry: { type: secure }
  securityCode: { type: secure }
  postalCode: { type: secure }
  routingNumber: { type: secure }
  accountNumber: { type: secure }
  own: { type: secure }
tasks:
  main:
`;

/** The flow goes on to the agent where no path of the payment ends it. */
const source = (keys: string, before = '') => {
  const after = '    - { do: returnToAgent, data: { pay: toJson(data.pay) } }\n';
  const payment = `    - { do: collectPayment, name: pay, ${keys} }\n`;
  return `${HEAD}${before}${payment}${keys.includes('onCollected') ? '' : after}`;
};

const flow = (keys: string, before = '') => loadFlow(source(keys, before), 'a.yaml');

const end = (word: string) => `[{ do: returnToAgent, data: { path: '"${word}"', pay: toJson(data.pay) } }]`;
const PATHS = `onCollected: ${end('collected')}, onCancelled: ${end('cancelled')}, onFailed: ${end('failed')}`;

const OK: FlowEvent = { type: 'collected', result: { ok: true } };
const failed = (error: CaptureError): FlowEvent => ({ type: 'collected', result: { ok: false, error } });
const key = (value: string): FlowEvent => ({ type: 'collected', result: { ok: true, value } });
const is = (value: string | null): FlowEvent => ({ type: 'extracted', value });
const held = (...names: string[]): FlowEvent => ({ type: 'held', names });

/** The step after these answers; the state goes through JSON on its way, as through a store. */
function after(flow: Flow, ...events: FlowEvent[]): Step {
  let next = start(flow, CALL);
  for (const event of events) next = step(JSON.parse(JSON.stringify(next.state)) as FlowState, event);
  return next;
}

function shown(command: FlowCommand | null): string {
  if (command?.do === 'collect') return `${command.field.kind} #${command.attempt}`;
  if (command?.do === 'extract') return `${command.transform} of ${command.source}`;
  if (command?.do === 'held') return `held ${command.names.join(' ')}`;
  if (command?.do === 'fill') return `fill ${command.into} ${command.value}`;
  return command?.do ?? 'nothing';
}

function collectOf({ command }: Step): CollectCommand {
  assert.equal(command?.do, 'collect');
  return command as CollectCommand;
}

const said = (next: Step) =>
  collectOf(next)
    .audio.map((item) => ('text' in item ? item.text : item.file))
    .join(' ');

/** What the agent receives: the path that was taken, and data.pay without what is empty. */
function result({ command }: Step): Record<string, unknown> {
  assert.equal(command?.do, 'returnToAgent');
  const { path, pay } = (command as FlowCommand & { do: 'returnToAgent' }).data;
  const filled = Object.entries(JSON.parse(String(pay))).filter(([, value]) => value !== '');
  return { ...(path === undefined ? {} : { path }), ...Object.fromEntries(filled) };
}

test('a card is asked for field by field, a bank account too, its number twice', () => {
  const card = flow('method: card');
  const events = [held(), OK, is('visa'), OK, OK, OK];
  assert.deepEqual(
    events.map((_, count) => shown(after(card, ...events.slice(0, count)).command)),
    [
      'held cardNumber expiry securityCode postalCode',
      'cardNumber #1',
      'brand of cardNumber',
      'expiry #1',
      'securityCode #1',
      'postalCode #1',
    ],
  );
  assert.deepEqual(result(after(card, ...events)), { status: 'collected' });
  const bank = flow('method: bankAccount');
  assert.equal(collectOf(after(bank, held())).again, null);
  assert.match(JSON.stringify(collectOf(after(bank, held(), OK)).again), /account number once more/);
  assert.deepEqual(result(after(bank, held(), OK, OK)), { status: 'collected' });
  const once = flow('method: bankAccount, fields: [{ field: accountNumber, again: false }]');
  assert.equal(collectOf(after(once, held())).again, null);
});

test('every command tells the fields that are still required', () => {
  const required = (...events: FlowEvent[]) => collectOf(after(flow('method: card'), ...events)).required;
  assert.deepEqual(required(held()), ['cardNumber', 'expiry', 'securityCode', 'postalCode']);
  assert.deepEqual(required(held(), failed('timeout')), [
    'cardNumber',
    'expiry',
    'securityCode',
    'postalCode',
  ]);
  assert.deepEqual(required(held('postalCode'), OK, is('visa'), OK), ['securityCode']);
});

const ERRORS = [
  ['card', [], 'cardNumber', ['timeout', 'invalid-card-number', 'invalid-card-type']],
  ['card', [OK, is('visa')], 'expiry', ['timeout', 'invalid-date']],
  ['card', [OK, is('visa'), OK], 'securityCode', ['timeout', 'invalid-security-code']],
  ['card', [OK, is('visa'), OK, OK], 'postalCode', ['timeout', 'invalid-postal-code']],
  ['bankAccount', [], 'routingNumber', ['timeout', 'invalid-bank-routing-number']],
  ['bankAccount', [OK], 'accountNumber', ['timeout', 'invalid-bank-account-number', 'input-matching-failed']],
] as const;

for (const [method, before, field, errors] of ERRORS) {
  for (const error of errors) {
    test(`${method}: after ${error} only ${field} is asked again, in words, and then the action fails`, () => {
      const payment = flow(`method: ${method}, attempts: 2, ${PATHS}`);
      const first = after(payment, held(), ...before);
      const second = after(payment, held(), ...before, failed(error));
      assert.equal(shown(first.command), `${field} #1`);
      assert.equal(shown(second.command), `${field} #2`);
      assert.notEqual(said(first), said(second));
      const third = result(after(payment, held(), ...before, failed(error), failed(error)));
      assert.deepEqual(third, {
        path: 'failed',
        status: 'failed',
        field,
        reason: error,
        error: error === 'timeout' ? 'timeout' : 'too-many-failed-attempts',
      });
    });
  }
}

test('attempts are counted field by field, and a field may have its own number of them', () => {
  const payment = flow(
    `method: card, attempts: 2, fields: [{ field: cardNumber, attempts: 3 }, { field: expiry }], ${PATHS}`,
  );
  const thrice = [held(), failed('timeout'), failed('timeout'), OK, is('visa')];
  assert.equal(shown(after(payment, ...thrice).command), 'expiry #1');
  assert.equal(shown(after(payment, ...thrice, failed('timeout')).command), 'expiry #2');
  const over = after(payment, ...thrice, failed('timeout'), failed('invalid-date'));
  assert.equal(result(over).error, 'too-many-failed-attempts');
});

test('the cancel key and a hang-up end the action at once', () => {
  const payment = flow(`method: card, cancelKey: '*', ${PATHS}`);
  assert.equal(collectOf(after(payment, held())).cancelKey, '*');
  const star = 'caller-interrupted-with-star';
  assert.deepEqual(result(after(payment, held(), OK, is('amex'), failed(star))), {
    path: 'cancelled',
    status: 'cancelled',
    error: star,
    reason: star,
    field: 'expiry',
  });
  const gone = result(after(payment, held(), failed('caller-hung-up')));
  assert.deepEqual([gone.path, gone.error], ['failed', 'caller-hung-up']);
  const drawn = flow(`method: card, cancelKey: '*', onFailed: ${end('failed')}`);
  assert.equal(result(after(drawn, held(), failed(star))).path, 'failed');
  const none = after(flow('method: card'), held(), failed(star));
  assert.deepEqual([none.command?.do, JSON.stringify(none.command).includes(star)], ['disconnect', true]);
});

test('what is held is not asked for, and the brand of a held card is asked of the server', () => {
  const card = flow('method: card');
  const all = ['cardNumber', 'expiry', 'securityCode', 'postalCode'] as const;
  assert.deepEqual(result(after(card, held(...all), is('visa'))), { status: 'collected' });
  const code = after(card, held('cardNumber', 'expiry', 'postalCode'), is('amex'));
  assert.equal(shown(code.command), 'securityCode #1');
  assert.match(said(code), /four digits on the front/);
});

test('a new card takes expiry and code with it, and a held one that is not accepted is a new one', () => {
  const card = flow('method: card, brands: [visa]');
  const required = (...events: FlowEvent[]) => collectOf(after(card, ...events)).required;
  const fresh = ['cardNumber', 'expiry', 'securityCode'];
  assert.deepEqual(required(held('expiry', 'securityCode', 'postalCode')), fresh);
  for (const brand of ['amex', '', null]) {
    assert.deepEqual(required(held('cardNumber', 'expiry', 'securityCode', 'postalCode'), is(brand)), fresh);
  }
});

test('a held card of no known brand is asked for again, whatever brands are accepted', () => {
  const asked = after(
    flow('method: card'),
    held('cardNumber', 'expiry', 'securityCode', 'postalCode'),
    is(null),
  );
  assert.deepEqual(collectOf(asked).required, ['cardNumber', 'expiry', 'securityCode']);
});

test('known: ask asks for every field, held or not', () => {
  assert.equal(shown(after(flow('method: card, known: ask')).command), 'cardNumber #1');
});

const ZIP = 'fields: [{ field: cardNumber }, { field: postalCode, value: flow.zip }]';

test('a plain value fills its field, and one that cannot be is asked for', () => {
  const filled = (zip: string, ...events: FlowEvent[]) =>
    after(
      flow(`method: card, ${ZIP}`, `    - { do: setVariables, set: { flow.zip: '"${zip}"' } }\n`),
      ...events,
    );
  assert.equal(shown(filled('90210-1234').command), 'fill postalCode 902101234');
  assert.equal(shown(filled('90210', OK).command), 'held cardNumber');
  assert.equal(shown(filled('1', failed('invalid-postal-code')).command), 'held cardNumber postalCode');
  assert.equal(shown(filled('').command), 'held cardNumber postalCode');
  assert.equal(shown(filled('none').command), 'held cardNumber postalCode');
});

test('what was read back goes no further: nothing after the action sees it', () => {
  const payment = flow('method: card, confirm: true');
  const { state } = after(payment, held(), OK, is('amex'), OK, OK, OK, is('0005'), key('1'));
  assert.deepEqual(Object.keys(state.data.pay ?? {}).sort(), [
    'error',
    'field',
    'message',
    'reason',
    'status',
  ]);
});

const focus = (field: string): FlowEvent => ({
  type: 'collected',
  result: { ok: false, error: 'focus', field },
});

test('the agent goes to any field but a code without its card, and then the payment goes on', () => {
  const card = flow('method: card');
  const first = collectOf(after(card, held()));
  assert.deepEqual(first.focusable, ['expiry', 'postalCode']);
  const postal = [held(), focus('postalCode')];
  assert.deepEqual(collectOf(after(card, ...postal)).required, [
    'postalCode',
    'cardNumber',
    'expiry',
    'securityCode',
  ]);
  assert.equal(shown(after(card, ...postal, OK).command), 'cardNumber #1');
  const code = [held(), OK, is('visa'), failed('invalid-date')];
  assert.deepEqual(collectOf(after(card, ...code)).focusable, ['cardNumber', 'securityCode', 'postalCode']);
  assert.deepEqual(collectOf(after(card, ...code, focus('cardNumber'))).required, [
    'cardNumber',
    'expiry',
    'securityCode',
    'postalCode',
  ]);
  const again = after(card, ...code, focus('securityCode'));
  assert.equal(shown(again.command), 'securityCode #1');
  assert.deepEqual(collectOf(again).required, ['securityCode', 'expiry', 'postalCode']);
});

test('the agent who cancels takes the path of a cancel', () => {
  const ended = result(after(flow(`method: card, ${PATHS}`), held(), failed('cancelled-by-agent')));
  assert.deepEqual([ended.path, ended.error, ended.field], ['cancelled', 'cancelled-by-agent', 'cardNumber']);
});

test('words that are built in are refused in a flow with another language', () => {
  const german = (keys: string) =>
    problemsOf(source(keys).replace('type: secure\n', 'type: secure\nlanguages: [en-US, de-DE]\n')).filter(
      (one) => one.includes('built in are English'),
    );
  assert.equal(german('method: card').length, 4);
  const word = 'prompt: { en-US: Card, de-DE: Karte }';
  const fields = `fields: [{ field: cardNumber, ${word} }]`;
  assert.deepEqual(german(`method: card, ${fields}`), []);
  assert.equal(german(`method: card, ${fields}, confirm: true`).length, 1);
  assert.deepEqual(german(`method: card, ${fields}, confirm: { ${word} }`), []);
});

test('confirm reads back brand and last four; 1 takes them', () => {
  const payment = flow(`method: card, confirm: true, ${PATHS}`);
  const keyed = [held(), OK, is('amex'), OK, OK, OK];
  assert.equal(shown(after(payment, ...keyed).command), 'last4 of cardNumber');
  const asked = after(payment, ...keyed, is('0005'));
  assert.match(said(asked), /an American Express card ending in 0 0 0 5 .* press 1\. .* press 2\.$/);
  assert.deepEqual(collectOf(asked).field.choices, '12');
  assert.deepEqual(result(after(payment, ...keyed, is('0005'), failed('invalid-input'), key('1'))), {
    path: 'collected',
    status: 'collected',
  });
});

test('confirm: after a 2 all fields are asked for but those that the flow filled, and thrice is enough', () => {
  const payment = flow(
    `method: card, confirm: true, ${ZIP}, ${PATHS}`,
    `    - { do: setVariables, set: { flow.zip: '"90210"' } }\n`,
  );
  const round = [OK, is('visa'), is('4242'), key('2')];
  const again = after(payment, OK, held(), ...round);
  assert.equal(shown(again.command), 'cardNumber #1');
  assert.deepEqual(collectOf(again).required, ['cardNumber']);
  assert.equal(shown(after(payment, OK, held(), ...round, ...round).command), 'cardNumber #1');
  const over = result(after(payment, OK, held(), ...round, ...round, ...round));
  assert.deepEqual(
    [over.path, over.error, over.reason, over.field],
    ['failed', 'too-many-failed-attempts', 'not-confirmed', undefined],
  );
});

test('confirm: after a 2 only the chosen field is asked for, a card with its date and code', () => {
  const payment = (again: string) => flow(`method: card, confirm: { again: ${again} }`);
  const keyed = [held(), OK, is('visa'), OK, OK, OK, is('4242'), key('2')];
  assert.deepEqual(collectOf(after(payment('postalCode'), ...keyed)).required, ['postalCode']);
  assert.deepEqual(collectOf(after(payment('cardNumber'), ...keyed)).required, [
    'cardNumber',
    'expiry',
    'securityCode',
  ]);
});

test('confirm: silence is asked again so often, then it fails; the cancel key cancels', () => {
  const payment = flow(`method: card, cancelKey: '#', terminator: none, confirm: { attempts: 2 }, ${PATHS}`);
  const keyed = [held(), OK, is('visa'), OK, OK, OK, is('4242')];
  const first = collectOf(after(payment, ...keyed));
  assert.deepEqual([first.terminator, first.cancelKey, first.attempts], [null, '#', 2]);
  assert.equal(shown(after(payment, ...keyed, failed('timeout')).command), 'menu #2');
  assert.equal(result(after(payment, ...keyed, failed('timeout'), failed('timeout'))).error, 'timeout');
  const star = result(after(payment, ...keyed, failed('caller-interrupted-with-star')));
  assert.equal(star.path, 'cancelled');
});

test('confirm: an account number shows its end only when it is long enough, and a prompt may be the author’s', () => {
  const bank = flow('method: bankAccount, confirm: true');
  assert.equal(shown(after(bank, held(), OK, OK).command), 'accountEnd of accountNumber');
  assert.match(said(after(bank, held(), OK, OK, is('6789'))), /account number ending in 6 7 8 9/);
  assert.match(said(after(bank, held(), OK, OK, is(''))), /^You keyed in your bank account\. If/);
  const own = flow(
    `method: bankAccount, confirm: { prompt: ['Ends in', { digits: data.pay.last4 }, '{{ data.pay.brand }}.'] }`,
  );
  assert.equal(said(after(own, held(), OK, OK, is('6789'))), 'Ends in 6 7 8 9 .');
});

test('words by brand: built in for the code, and cases of the author for every field after the card', () => {
  const code = (brand: string) => said(after(flow('method: card'), held(), OK, is(brand), OK));
  assert.match(code('amex'), /four digits on the front/);
  assert.match(code('visa'), /three digits on the back/);
  const own = flow(
    'method: card, fields: [{ field: cardNumber }, { field: expiry, prompt: [{ say: any }, { when: { brand: visa }, say: visa }] }]',
  );
  assert.equal(said(after(own, held(), OK, is('visa'))), 'visa');
  assert.equal(said(after(own, held(), OK, is('jcb'))), 'any');
});

test('built-in words name the key that ends a field', () => {
  const first = (keys: string) => said(after(flow(`method: card, ${keys}`), held()));
  assert.match(first("terminator: '#'"), /press the hash key/);
  assert.match(first("terminator: '*', clearKey: none"), /press the star key/);
  assert.doesNotMatch(first('terminator: none'), /press/);
});

test('every word of a payment without insertions is made ready before a call', () => {
  const texts = staticAudio(flow('method: card, confirm: true')).map((item) =>
    'text' in item ? item.text : '',
  );
  for (const text of [/four digits on the front/, /a Visa card ending in/, /press 1/, /another card/]) {
    assert.ok(texts.some((one) => text.test(one)));
  }
});

test('keyed digits never show, and a declined card is asked for its code alone', () => {
  const twice = loadFlow(
    `${HEAD}    - { do: collectPayment, method: card }
    - do: callSecureData
      connector: payment
      secureInputs: { cardNumber: secure.cardNumber, securityCode: secure.securityCode }
      into: charge
      onDeclined: []
    - { do: collectPayment, method: card, fields: [{ field: cardNumber }, { field: securityCode }] }
    - do: returnToAgent
`,
    'a.yaml',
  );
  const { trace, shown } = replay({
    flow: twice,
    keys: ['4000000000000002#', '1227', '837', '90210#', '941'],
    charge: { status: 'declined', reason: 'card-declined', outputs: {} },
  });
  assert.deepEqual(trace.slice(0, 5), [
    'collect cardNumber into secure.cardNumber #1: 16 keys',
    'extract brand of cardNumber: visa',
    'collect expiry into secure.expiry #1: 4 keys',
    'collect securityCode into secure.securityCode #1: 3 keys',
    'collect postalCode into secure.postalCode #1: 5 keys',
  ]);
  // The simulator of this test keeps the code, the server does not.
  assert.deepEqual(trace.slice(-2), ['extract brand of cardNumber: visa', 'returnToAgent {}']);
  for (const secret of ['4000000000000002', '1227', '837', '90210']) assert.ok(!shown.includes(secret));
});

for (const [keys, expected] of [
  ['method: cash', /'method'.*\(give card or bankAccount\)/],
  ['method: bankAccount, brands: [visa]', /a bank account has no brand/],
  ['method: card, fields: [{ field: expiry }]', /a payment of method card needs a cardNumber/],
  [
    'method: card, fields: [{ field: cardNumber }, { field: routingNumber }]',
    /a card has no routingNumber \(give one of cardNumber, expiry, securityCode, postalCode, digits, date\)/,
  ],
  [
    'method: bankAccount, fields: [{ field: accountNumber }, { field: expiry }]',
    /a bankAccount has no expiry/,
  ],
  [
    'method: card, fields: [{ field: securityCode }, { field: cardNumber }]',
    /the card number decides the security code \(put cardNumber before it\)/,
  ],
  [
    'method: card, fields: [{ field: cardNumber }, { field: cardNumber, into: secure.own }]',
    /is asked for twice/,
  ],
  [
    'method: card, fields: [{ field: cardNumber }, { field: expiry, into: secure.cardNumber }]',
    /two fields go into secure\.cardNumber/,
  ],
  ['method: card, fields: [{ field: cardNumber, into: secure.gone }]', /secure\.gone is not declared/],
  ['method: card, fields: [{ field: cardNumber, into: flow.zip }]', /'into'/],
  [
    'method: card, fields: [{ field: cardNumber }, { field: digits, into: secure.own, length: 4 }]',
    /a digits has no prompt of its own \(add prompt\)/,
  ],
  [
    'method: card, fields: [{ field: cardNumber, value: flow.zip }]',
    /a cardNumber that an expression can read \(remove it/,
  ],
  [
    'method: card, fields: [{ field: cardNumber }, { field: postalCode, value: secure.own }]',
    /looks at a secure value/,
  ],
  ['method: card, confirm: { again: routingNumber }', /routingNumber is not one field of this payment/],
  ['method: card, confirm: { prompt: "{{ secure.cardNumber }}" }', /looks at a secure value/],
  ['method: card, confirm: { prompt: "{{ data.payment.last4 }}" }', /data\.payment is not known/],
  ["method: card, cancelKey: '#'", /terminator and cancelKey are the same key/],
  ['method: card, totalTimeout: 900s', /900s is out of range/],
  [
    'method: card, brands: [visa], fields: [{ field: cardNumber }, { field: expiry, prompt: [{ say: a }, { when: { brand: amex }, say: b }] }]',
    /no card of amex is accepted \(give one of visa\)/,
  ],
  [
    'method: card, fields: [{ field: cardNumber, prompt: [{ say: a }, { when: { brand: amex }, say: b }] }]',
    /no card is keyed before this prompt/,
  ],
  [
    'method: card, attempts: 2, fields: [{ field: cardNumber, prompt: [{ say: a }, { when: { attempt: 3 }, say: b }] }]',
    /there are only 2 attempts/,
  ],
  ['method: card, fields: [{ field: cardNumber, length: 16 }]', /the length of a cardNumber is fixed/],
  ['method: card, fields: [{ field: cardNumber, firstDigitTimeout: 1ms }]', /1ms is out of range/],
  ['method: card, onCollected: [{ do: returnToAgent }]', null],
] as const) {
  test(`a payment that is ${expected ? 'refused' : 'taken'}: ${keys}`, () => {
    const problems = problemsOf(source(keys)).filter((one) => !one.includes('data.pay is not known'));
    if (expected === null) assert.deepEqual(problems, []);
    else {
      assert.equal(problems.length, 1, problems.join('\n'));
      assert.match(problems[0] ?? '', expected);
    }
  });
}

test('a variable that something else is collected into is not taken for the field', () => {
  const before = '    - { do: collectInput, field: digits, length: 4, into: secure.cardNumber, prompt: a }\n';
  assert.match(
    problemsOf(source('method: card', before))[0] ?? '',
    /secure\.cardNumber may hold something else already: digits/,
  );
  assert.deepEqual(problemsOf(source('method: card, known: ask', before)), []);
});

test('a payment stands in flows of every type, and its variables must be declared', () => {
  const named = ['cardNumber', 'expiry', 'securityCode', 'postalCode'].map(
    (name) => `${name}: { type: secure }`,
  );
  const variables = `variables: { ${named.join(', ')} }`;
  for (const type of ['inbound', 'outbound', 'inQueue', 'secure', 'module']) {
    const paid = `name: a\ntype: ${type}\n${variables}\ntasks:\n  main:\n    - { do: collectPayment, method: card }\n    - do: disconnect\n`;
    assert.deepEqual(problemsOf(paid), [], type);
  }
  const bare =
    'name: a\ntype: secure\ntasks:\n  main:\n    - { do: collectPayment, method: bankAccount }\n    - do: returnToAgent\n';
  const problems = problemsOf(bare);
  assert.equal(problems.length, 2);
  assert.match(problems[0] ?? '', /^5:.*secure\.routingNumber is not declared \(declare it/);
});
