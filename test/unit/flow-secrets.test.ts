import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { luhn } from '../../flows/fields/ascii.js';
import type { Flow } from '../../flows/flow.js';
import { loadLibrary } from '../../flows/loader.js';
import { replay } from './flow-simulator.js';

const library = await loadLibrary([fileURLToPath(new URL('../../../flows/library/', import.meta.url))]);
const payment = library.get('card-payment');
assert.ok(payment);

const LAST4 = '1881';

/** A Visa of 16 digits that ends in {@link LAST4}: ten random digits, and one that makes the Luhn sum right. */
function visa(below: (limit: number) => number): string {
  const middle = Array.from({ length: 10 }, () => below(10)).join('');
  for (let fill = 0; fill < 10; fill += 1) {
    const number = `4${middle}${fill}${LAST4}`;
    if (luhn(Uint8Array.from(number, (digit) => digit.charCodeAt(0)))) return number;
  }
  throw new Error('no digit makes the sum right');
}

function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 4_294_967_296) * below);
  };
}

function shown(flow: Flow, card: readonly string[]): string {
  const { shown: all, trace } = replay({
    flow,
    keys: card,
    invocationData: '{"amount":1950,"currency":"EUR"}',
    charge: { status: 'approved', reason: '', outputs: { confirmation: 'c' } },
  });
  assert.match(trace.at(-1) ?? '', /"status":"approved"/);
  return all;
}

test('nothing a flow shows depends on a secure digit: other digits, same states, notes and commands', () => {
  const reference = shown(payment, [`${visa(random(7))}#`, '1227', '123', '10115#']);
  for (let seed = 1; seed <= 300; seed += 1) {
    const below = random(seed * 7919);
    const expiry = `${String(1 + below(12)).padStart(2, '0')}${27 + below(15)}`;
    const code = String(100 + below(900));
    const postal = String(10_000 + below(90_000));
    const number = visa(below);
    const all = shown(payment, [`${number}#`, expiry, code, `${postal}#`]);
    assert.equal(all, reference, `seed ${seed}`);
    assert.ok(!all.includes(number.slice(0, 12)));
  }
});

test('the comparison finds a leak: a flow that collects its card in the open shows other states', () => {
  const leaky: Flow = JSON.parse(
    JSON.stringify(payment).replaceAll('"into":"secure.postal"', '"into":"flow.reference"'),
  );
  const first = shownOrError(leaky, '10115#');
  const second = shownOrError(leaky, '20095#');
  assert.notEqual(first, second);
});

function shownOrError(flow: Flow, postal: string): string {
  return replay({
    flow,
    keys: ['4242424242424242#', '1227', '123', postal],
    invocationData: '{"amount":1950,"currency":"EUR"}',
  }).shown;
}
