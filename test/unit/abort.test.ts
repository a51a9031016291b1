import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { firstOf, firstUntil } from '../../server/abort.js';

const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length;

test('aborts with the first, for its reason, and leaves nothing behind at the others', () => {
  const [early, late] = [new AbortController(), new AbortController()];
  const first = firstOf(late.signal, early.signal);
  assert.ok(!first.aborted);
  early.abort('early');
  assert.ok(first.aborted);
  assert.equal(first.reason, 'early');
  assert.equal(listeners(early.signal), 0);
  assert.equal(listeners(late.signal), 0);
  late.abort('late');
  assert.equal(first.reason, 'early');
});

test('lets go of signals that last once its end has come, and does not abort by it', () => {
  const [lasting, end] = [new AbortController(), new AbortController()];
  const first = firstUntil(end.signal, lasting.signal);
  end.abort();
  assert.equal(listeners(lasting.signal), 0);
  assert.equal(listeners(end.signal), 0);
  lasting.abort();
  assert.ok(!first.aborted);
});

test('with an end aborts like any, and lets go of the end too', () => {
  const [lasting, end] = [new AbortController(), new AbortController()];
  const first = firstUntil(end.signal, lasting.signal);
  lasting.abort('gone');
  assert.equal(first.reason, 'gone');
  assert.equal(listeners(end.signal), 0);
});

test('is aborted from the beginning when one of them is, without a listener', () => {
  const lasting = new AbortController();
  const first = firstOf(lasting.signal, AbortSignal.abort('before'));
  assert.equal(first.reason, 'before');
  assert.equal(listeners(lasting.signal), 0);
});
