import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpentTransactions } from '../../server/sip/embedded/spent-transactions.js';
import { VirtualClock } from './sip-peer.js';

const LONG = 32_000;
const SHORT = 5_000;

function keeper() {
  const clock = new VirtualClock();
  return { clock, spent: new SpentTransactions(clock) };
}

const of = (key: string, mergeKey?: string) => ({ key, mergeKey, answer: `answer to ${key}` });

test('each is kept as long as was asked, and at most half a second longer, with one timer for all', () => {
  const { clock, spent } = keeper();
  const until = new Map<string, number>();
  for (let at = 0; at < 4000; at += 1) {
    const lifetime = at % 3 === 0 ? SHORT : LONG;
    spent.add(of(`key ${at}`), lifetime);
    until.set(`key ${at}`, clock.now() + lifetime);
    assert.equal(clock.pending, 1);
    clock.advance(at % 7);
  }
  while (spent.size > 0) {
    clock.advance(97);
    for (const [key, end] of until) {
      const kept = spent.get(key) !== undefined;
      if (end > clock.now()) assert.ok(kept, `${key} went early`);
      else if (end + 500 <= clock.now()) assert.ok(!kept, `${key} stayed`);
    }
  }
  assert.equal(clock.pending, 0);
});

test('one that is kept for less than those before it does not wait for them', () => {
  const { clock, spent } = keeper();
  spent.add(of('long'), LONG);
  spent.add(of('short'), SHORT);
  clock.advance(SHORT);
  assert.equal(spent.get('short'), undefined);
  assert.equal(spent.get('long')?.answer, 'answer to long');
  clock.advance(LONG - SHORT - 1);
  assert.equal(spent.size, 1);
  clock.advance(1);
  assert.equal(spent.size, 0);
});

test('merged requests are known as long as the transaction', () => {
  const { clock, spent } = keeper();
  spent.add(of('key', 'merge'), SHORT);
  assert.ok(spent.merged('merge'));
  clock.advance(SHORT);
  assert.ok(!spent.merged('merge'));
});

test('after clear nothing is known and no timer is left; it can be used again', () => {
  const { clock, spent } = keeper();
  spent.add(of('key', 'merge'), LONG);
  spent.clear();
  assert.equal(spent.size, 0);
  assert.ok(!spent.merged('merge'));
  assert.equal(clock.pending, 0);
  spent.add(of('key'), SHORT);
  clock.advance(SHORT);
  assert.equal(spent.size, 0);
});
