import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { LOST_END_MS, TelephoneEventReceiver } from '../../media/rtp/telephone-event.js';

const SSRC = 7;

describe('RFC 4733 keys in', () => {
  let log: string[];
  let receiver: TelephoneEventReceiver;
  let now: number;

  beforeEach(() => {
    log = [];
    now = 1000;
    receiver = new TelephoneEventReceiver({
      onKeyDown: (event) => log.push(`down ${event}`),
      onKeyUp: (event, duration) => log.push(`up ${event} ${duration}`),
    });
  });

  function packet(event: number, timestamp: number, duration: number, end = false, ssrc = SSRC): void {
    const bytes = Uint8Array.from([event, end ? 0x8a : 0x0a, duration >> 8, duration & 0xff]);
    receiver.push(bytes, 0, 4, ssrc, timestamp >>> 0, now);
  }

  /** 60 ms of a key as phones send it. */
  function key(event: number, timestamp: number): (() => void)[] {
    return [
      () => packet(event, timestamp, 160),
      () => packet(event, timestamp, 320),
      () => packet(event, timestamp, 480, true),
      () => packet(event, timestamp, 480, true),
      () => packet(event, timestamp, 480, true),
    ];
  }

  it('reports a key once, at its first end packet', () => {
    const steps = key(5, 800);
    for (const step of steps.slice(0, 2)) step();
    assert.deepEqual(log, ['down 5']);
    assert.equal(receiver.keyDown, true);
    steps[2]?.();
    assert.deepEqual(log, ['down 5', 'up 5 480']);
    for (const step of steps) step();
    assert.deepEqual(log, ['down 5', 'up 5 480']);
    assert.equal(receiver.keyDown, false);
  });

  it('keeps equal neighbours apart', () => {
    for (const timestamp of [0, 800, 1600]) for (const step of key(4, timestamp)) step();
    assert.deepEqual(log, ['down 4', 'up 4 480', 'down 4', 'up 4 480', 'down 4', 'up 4 480']);
  });

  it('reports one key for every way to lose or swap its packets', () => {
    const count = 5;
    for (let present = 1; present < 1 << count; present += 1) {
      for (let swap = 0; swap < count - 1; swap += 1) {
        log.length = 0;
        const steps = key(present % 10, 100_000 * present + 1000 * swap);
        [steps[swap], steps[swap + 1]] = [steps[swap + 1] ?? (() => {}), steps[swap] ?? (() => {})];
        for (const [index, step] of steps.entries()) if (present & (1 << index)) step();
        now += LOST_END_MS;
        receiver.tick(now);
        const what = `packets ${present.toString(2)} swap ${swap}`;
        assert.equal(log.filter((line) => line.startsWith('up')).length, 1, what);
        assert.equal(log.filter((line) => line.startsWith('down')).length, 1, what);
      }
    }
  });

  it('ends a key whose end packets were lost when the next begins, or 100 ms after its last packet', () => {
    packet(1, 0, 160);
    packet(2, 800, 160);
    assert.deepEqual(log, ['down 1', 'up 1 160', 'down 2']);
    now += LOST_END_MS - 1;
    receiver.tick(now);
    assert.equal(receiver.keyDown, true);
    now += 1;
    receiver.tick(now);
    assert.deepEqual(log.at(-1), 'up 2 160');
    packet(2, 800, 900, true);
    assert.equal(log.length, 4, 'a late end is no new key');
  });

  it('drops stragglers of a key that was overtaken', () => {
    for (const step of key(1, 800)) step();
    packet(9, 0, 160);
    assert.deepEqual(log, ['down 1', 'up 1 480']);
  });

  it('takes a clock that was restarted, and another source, for what they are', () => {
    for (const step of key(1, 0x9000_0000)) step();
    for (const step of key(2, 0x1000)) step();
    for (const step of key(3, 0x800).slice(0, 0)) step();
    packet(3, 0x800, 480, true, SSRC + 1);
    assert.deepEqual(
      log.filter((line) => line.startsWith('up')),
      ['up 1 480', 'up 2 480', 'up 3 480'],
    );
    packet(2, 0x1000, 480, true);
    assert.equal(log.length, 6, 'a late end of the old source is no new key');
  });

  it('follows a key over the segments of RFC 4733 section 2.5.1.3', () => {
    packet(5, 1000, 0xffff);
    packet(5, 1000 + 0xffff, 160);
    packet(5, 1000 + 0xffff, 800, true);
    assert.deepEqual(log, ['down 5', `up 5 ${0xffff + 800}`]);
  });

  it('counts across the wrap of the RTP clock', () => {
    for (const step of key(8, 0xffff_ff00)) step();
    for (const step of key(8, 0x200)) step();
    assert.equal(log.length, 4);
  });

  it('ignores events that are no key and payloads that are too short', () => {
    packet(16, 0, 160, true);
    packet(255, 800, 160, true);
    receiver.push(Uint8Array.of(5, 0x8a, 1), 0, 3, SSRC, 1600, now);
    assert.deepEqual(log, []);
  });
});
