import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Collector, SURPLUS_GAP_MS } from '../../flows/collector.js';
import { Bench, CARD, digits } from './flow-bench.js';
import { NOW, TestSink } from './flow-simulator.js';

const VISA = '4242424242424242';
const MASTERCARD = '5555555555554444';
const AMEX = '378282246310005';

test('a card completes at the longest number of its brand, or by terminator or inter-digit time-out', () => {
  assert.equal(new Bench(CARD).press(MASTERCARD).verdict, `ok ${MASTERCARD}`);
  assert.equal(new Bench(CARD).press(AMEX).verdict, `ok ${AMEX}`);
  assert.equal(new Bench(CARD).press(VISA).verdict, 'open');
  assert.equal(new Bench(CARD).press(`${VISA}#`).verdict, `ok ${VISA}`);
  const slow = new Bench(CARD).press(VISA);
  assert.equal(slow.wait(2999).verdict, 'open');
  assert.equal(slow.wait(1).verdict, `ok ${VISA}`);
  assert.equal(new Bench(CARD).press('4000000000000000006').verdict, 'ok 4000000000000000006');
});

test('fast keys, 100 ms apart from on to on, are all taken during the prompt', () => {
  const bench = new Bench(CARD).press(MASTERCARD, 100);
  assert.equal(bench.verdict, `ok ${MASTERCARD}`);
  assert.equal(bench.last.entered, 16);
});

test('progress counts keys and says what each one did', () => {
  const bench = new Bench(digits(1, 4));
  const seen: string[] = [];
  for (const key of '1A2*#34') {
    const { change, entered } = bench.press(key).last;
    seen.push(`${key} ${change} ${entered}`);
  }
  assert.deepEqual(seen, ['1 key 1', 'A null 1', '2 key 2', '* cleared 0', '# null 0', '3 key 1', '4 key 2']);
});

test('the first digit is waited for from the end of the prompt', () => {
  const bench = new Bench(digits(1, 4)).wait(60_000);
  assert.equal(bench.last.timerAt, null);
  assert.equal(bench.audioEnds().last.timerAt, 65_000);
  assert.equal(bench.wait(4999).verdict, 'open');
  assert.equal(bench.wait(1).verdict, 'timeout');
});

test('the end of the prompt after a key changes no timer', () => {
  const bench = new Bench(digits(1, 4)).press('1');
  assert.equal(bench.wait(500).audioEnds().last.timerAt, 3100);
});

test('too few digits and a pause are a timeout, a terminator after too few is a wrong input', () => {
  assert.equal(new Bench(digits(3, 6)).press('12').wait(3000).verdict, 'timeout');
  assert.equal(new Bench(digits(3, 6)).press('12#').verdict, 'invalid-input');
  assert.equal(new Bench(digits(3, 6)).press('123').wait(3000).verdict, 'ok 123');
  assert.equal(new Bench(CARD).press('424242').wait(3000).verdict, 'timeout');
});

test('a failed field leaves nothing in the sink', () => {
  for (const bench of [new Bench(CARD).press('4242#'), new Bench(CARD).press('4242').wait(3000)]) {
    assert.equal(bench.sink.length, 0);
    assert.equal(bench.last.entered === 0 || bench.last.entered === 4, true);
  }
});

test('a timer that fires early or late is harmless', () => {
  const bench = new Bench(digits(1, 4)).press('1');
  assert.equal(bench.collector.timer(3099).result, null);
  assert.deepEqual(bench.collector.timer(9000).result, { ok: true });
  assert.deepEqual(bench.collector.timer(9001).result, { ok: true });
});

test('the whole attempt is bounded, however busy the caller is', () => {
  const bench = new Bench(digits(1, 32, { totalTimeoutMs: 10_000 })).press('1*'.repeat(60));
  assert.equal(bench.verdict, 'timeout');
});

test('the clear key empties the field and waits for a first digit anew', () => {
  const bench = new Bench(digits(1, 4)).press('12*');
  assert.equal(bench.sink.length, 0);
  assert.equal(bench.last.timerAt, 300 + 5000);
  assert.equal(bench.press('34').press('#').verdict, 'ok 34');
});

test('without a clear key or a terminator those keys do nothing', () => {
  const bench = new Bench(digits(1, 4, { clearKey: null, terminator: null })).press('1*#2');
  assert.equal(bench.sink.text, '12');
  assert.equal(bench.press('34').verdict, 'ok 1234');
});

test('a terminator as the very first key completes nothing', () => {
  const bench = new Bench(digits(1, 4)).press('##');
  assert.equal(bench.verdict, 'open');
  assert.equal(bench.last.change, null);
  assert.equal(bench.press('7#').verdict, 'ok 7');
});

test('without barge-in the keys of the prompt are dropped', () => {
  const bench = new Bench(digits(1, 4, { bargeIn: false })).press('12#');
  assert.equal(bench.verdict, 'open');
  assert.equal(bench.audioEnds().press('34#').verdict, 'ok 34');
});

test('surplus keys of a full field are swallowed by the next one until 400 ms pass without a key', () => {
  const first = new Bench(digits(4, 4)).press('1227');
  assert.equal(first.collector.surplusSince, 400);
  const next = new Bench(digits(3, 3), { surplusSince: first.collector.surplusSince, at: first.at });
  next.press('999', 399);
  assert.equal(next.sink.length, 0);
  assert.equal(next.last.change, null);
  assert.equal(next.press('1', SURPLUS_GAP_MS).press('23').verdict, 'ok 123');
});

test('the terminator after a full field ends its surplus, and itself completes nothing', () => {
  const next = new Bench(digits(3, 3), { surplusSince: 0 }).press('99#123', 50);
  assert.equal(next.verdict, 'ok 123');
});

test('after a terminator the next keys are meant for the next field at once', () => {
  const first = new Bench(digits(1, 4)).press('12#');
  assert.equal(first.collector.surplusSince, null);
  const next = new Bench(digits(3, 3), { surplusSince: first.collector.surplusSince }).press('345', 40);
  assert.equal(next.verdict, 'ok 345');
});

test('surplus is passed on by a field that only ever saw surplus', () => {
  const next = new Bench(digits(3, 3), { surplusSince: 0 }).press('99', 300);
  assert.equal(next.collector.surplusSince, 600);
});

test('a finished collector takes no key, and keeps counting the surplus', () => {
  const bench = new Bench(digits(2, 2)).press('12');
  bench.press('345', 300);
  assert.equal(bench.sink.text, '12');
  assert.equal(bench.collector.surplusSince, 200 + 900);
});

test('a security code has the length of the card', () => {
  const field = { kind: 'securityCode', min: 3, max: 4, brands: [], cardVariable: 'card' } as const;
  const command = { ...CARD, field };
  assert.equal(new Bench(command, { cardBrand: 'visa' }).press('1234').verdict, 'ok 123');
  assert.equal(new Bench(command, { cardBrand: 'amex' }).press('1234').verdict, 'ok 1234');
  assert.equal(new Bench(command, { cardBrand: 'amex' }).press('123#').verdict, 'invalid-security-code');
  assert.equal(new Bench(command).press('123#').verdict, 'ok 123');
});

test('a field that is asked again begins empty', () => {
  const sink = new TestSink();
  for (const code of [49, 50]) sink.append(code);
  new Collector({ command: CARD, sink, look: sink.look, now: NOW, cardBrand: null });
  assert.equal(sink.length, 0);
});

/** A small generator with a seed, so that a failure can be seen again. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 4_294_967_296) * below);
  };
}

test('whatever is keyed whenever, a collector ends, keeps its bounds and says no digit', () => {
  const keys = '0123456789*#ABCD';
  for (let seed = 1; seed <= 2000; seed += 1) {
    const next = random(seed);
    const min = 1 + next(6);
    const max = min + next(8);
    const bench = new Bench(digits(min, max, { totalTimeoutMs: 20_000 }), {
      surplusSince: next(2) === 0 ? 0 : null,
    });
    for (let count = 0; count < 60 && bench.last.result === null; count += 1) {
      if (next(10) === 0) bench.audioEnds();
      bench.press(keys[next(keys.length)] ?? '0', next(900));
      const allowed = ['result', 'timerAt', 'change', 'entered'];
      assert.deepEqual(Object.keys(bench.last), allowed);
      assert.ok(bench.last.entered <= max);
    }
    bench.audioEnds().wait(20_000);
    assert.notEqual(bench.last.result, null, `seed ${seed}`);
    if (bench.last.result?.ok) assert.match(bench.sink.text, new RegExp(`^\\d{${min},${max}}$`));
    else assert.equal(bench.sink.length, 0);
  }
});

test('the cancel key ends the attempt as caller-interrupted-with-star and keeps nothing', () => {
  for (const cancelKey of ['*', '#'] as const) {
    const clearKey = cancelKey === '*' ? '#' : '*';
    const command = { ...CARD, terminator: null, clearKey, cancelKey } as const;
    for (const keys of ['', '4242']) {
      const bench = new Bench(command).press(`${keys}${cancelKey}`);
      assert.equal(bench.verdict, 'caller-interrupted-with-star');
      assert.equal(bench.sink.length, 0);
      assert.equal(bench.last.change, 'cleared');
    }
  }
  const silent = new Bench({ ...CARD, bargeIn: false, cancelKey: '*', clearKey: null }).press('*');
  assert.equal(silent.verdict, 'open');
  const surplus = new Bench({ ...CARD, cancelKey: '*', clearKey: null }, { surplusSince: 0 }).press('*');
  assert.equal(surplus.verdict, 'open');
});

test('typeAhead: flush drops keys until none came for 400 ms since the field was opened, its terminator too', () => {
  const ahead = digits(4, 4, { typeAhead: 'flush' });
  assert.equal(new Bench(ahead).press('1234').verdict, 'open');
  assert.equal(new Bench(ahead).press('1#').press('5678').verdict, 'open');
  assert.equal(new Bench(ahead).press('12#').wait(SURPLUS_GAP_MS).press('5678').verdict, 'ok 5678');
  assert.equal(new Bench(ahead).wait(SURPLUS_GAP_MS).press('5678').verdict, 'ok 5678');
  assert.equal(new Bench(digits(4, 4, { typeAhead: 'keep' })).press('1234').verdict, 'ok 1234');
});
