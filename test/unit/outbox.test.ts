import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Outbox } from '../../media/embedded/outbox.js';
import { within } from '../kit/deadline.js';

function begin(): { outbox: Outbox<number>; posted: number[][]; clock: { now: number } } {
  const posted: number[][] = [];
  const clock = { now: 100 };
  const outbox = new Outbox<number>(
    (messages) => posted.push(messages),
    () => clock.now,
  );
  return { outbox, posted, clock };
}

test('messages of one turn go over together, in their order', async () => {
  const { outbox, posted } = begin();
  for (const message of [1, 2, 3]) outbox.put(message);
  assert.deepEqual(posted, []);
  await turn();
  assert.deepEqual(posted, [[1, 2, 3]]);
  outbox.put(4);
  await turn();
  assert.deepEqual(posted, [[1, 2, 3], [4]]);
});

test('in a turn that takes long the first message does not wait for its end', async () => {
  const { outbox, posted, clock } = begin();
  outbox.put(1);
  clock.now += 5;
  outbox.put(2);
  assert.deepEqual(posted, []);
  clock.now += 0.1;
  outbox.put(3);
  assert.deepEqual(posted, [[1, 2, 3]]);
  outbox.put(4);
  await turn();
  assert.deepEqual(posted, [[1, 2, 3], [4]]);
});

test('a flush hands over what there is, once', async () => {
  const { outbox, posted } = begin();
  outbox.flush();
  outbox.put(1);
  outbox.flush();
  assert.deepEqual(posted, [[1]]);
  await turn();
  assert.deepEqual(posted, [[1]]);
});

test('what can wait goes over with the next message that cannot, in its order', async () => {
  const { outbox, posted } = begin();
  outbox.putLater(1);
  await turn();
  assert.deepEqual(posted, []);
  outbox.put(2);
  outbox.putLater(3);
  await turn();
  assert.deepEqual(posted, [[1, 2, 3]]);
});

test('what can wait goes over by itself when nothing else comes', async () => {
  const posted = new Promise<number[]>((resolve) => {
    const outbox = new Outbox<number>(resolve);
    outbox.putLater(1);
    outbox.putLater(2);
  });
  assert.deepEqual(await within(posted, 2000, 'the messages to go over'), [1, 2]);
});

test('time spent waiting is not held against the message that comes next', async () => {
  const { outbox, posted, clock } = begin();
  outbox.putLater(1);
  clock.now += 10;
  outbox.put(2);
  assert.deepEqual(posted, []);
  await turn();
  assert.deepEqual(posted, [[1, 2]]);
});
