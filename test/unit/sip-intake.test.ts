import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Flow, Received } from '../../server/sip/embedded/flow.js';
import { Intake } from '../../server/sip/embedded/intake.js';
import { VirtualClock } from './sip-peer.js';

const MS = 20;

function intake(coalesceMs = MS) {
  const clock = new VirtualClock();
  const handled: string[] = [];
  const it = new Intake(clock, coalesceMs, ({ data }) => handled.push(data.toString('latin1')));
  const take = (text: string, broken = false): Buffer => {
    const message: Received = { flow: {} as Flow, data: Buffer.from(text, 'latin1'), broken };
    it.take(message);
    return message.data;
  };
  return { clock, handled, take, close: () => it.close() };
}

describe('what comes from the network', () => {
  it('is handled at once after a pause, and then together, in its order, 20 ms after the last', () => {
    const { clock, handled, take } = intake();
    take('1');
    assert.deepEqual(handled, ['1']);
    for (const text of ['2', '3', '4']) {
      clock.advance(5);
      take(text);
      assert.deepEqual(handled, ['1']);
      assert.equal(clock.pending, 1);
    }
    clock.advance(4);
    assert.deepEqual(handled, ['1']);
    clock.advance(1);
    assert.deepEqual(handled, ['1', '2', '3', '4']);
    take('5');
    clock.advance(MS - 1);
    assert.equal(handled.length, 4);
    clock.advance(1);
    assert.equal(handled.length, 5);
    clock.advance(MS);
    take('6');
    assert.equal(handled.length, 6);
    assert.equal(clock.pending, 0);
  });

  it('does not wait when it may be a key or is an answer, and nothing that came before is overtaken', () => {
    const { clock, handled, take } = intake();
    take('BYE a');
    take('INVITE b');
    take('INFO c');
    assert.deepEqual(handled, ['BYE a', 'INVITE b', 'INFO c']);
    take('SIP/2.0 200 OK');
    assert.equal(handled.length, 4);
    for (const text of ['INFORM', 'INF', 'INFO', 'SIP']) take(text);
    assert.equal(handled.length, 4);
    clock.advance(MS);
    assert.equal(handled.length, 8);
    assert.equal(clock.pending, 0);
  });

  it('does not wait when the stream broke there', () => {
    const { handled, take } = intake();
    take('1');
    take('2', true);
    assert.deepEqual(handled, ['1', '2']);
  });

  it('does not wait when there is much of it', () => {
    const { clock, handled, take } = intake();
    take('first');
    for (let at = 0; at < 31; at += 1) take(`${at}`);
    assert.equal(handled.length, 1);
    take('last');
    assert.equal(handled.length, 33);
    assert.equal(clock.pending, 0);
  });

  it('waits never when it is told so', () => {
    const { clock, handled, take } = intake(0);
    for (const text of ['1', '2', '3']) take(text);
    assert.deepEqual(handled, ['1', '2', '3']);
    assert.equal(clock.pending, 0);
  });

  it('is forgotten at the end, no byte of it is kept', () => {
    const { clock, handled, take, close } = intake();
    take('1');
    const waiting = take('MESSAGE with 4242');
    close();
    assert.ok(waiting.every((byte) => byte === 0));
    take('INFO late');
    clock.advance(MS);
    take('later');
    assert.equal(clock.pending, 0);
    assert.deepEqual(handled, ['1']);
  });
});
