import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { JitterBuffer } from '../../media/rtp/jitter-buffer.js';
import { KeyPresses } from '../../media/rtp/key-presses.js';
import { KeySender } from '../../media/rtp/key-sender.js';
import { asciiToEvent, eventToAscii } from '../../media/rtp/keys.js';
import { PortPool } from '../../media/rtp/port-pool.js';
import { Resequencer } from '../../media/rtp/resequencer.js';
import { HEAD_START_MS, SourceLock } from '../../media/rtp/source-lock.js';

describe('source lock', () => {
  const [SDP, NAT, EVIL] = ['10.0.0.1', '192.0.2.7', '203.0.113.9'];

  let now = 0;

  /** At the end of the head start. */
  function expecting(): SourceLock {
    const lock = new SourceLock(() => now);
    lock.expect(SDP, 4000);
    now += HEAD_START_MS;
    return lock;
  }

  it('locks to the address of the SDP with its first packet and then refuses all others', () => {
    const lock = expecting();
    assert.equal(lock.admit(SDP, 4000, 1, 10), true);
    for (let i = 0; i < 100; i += 1) {
      assert.equal(lock.admit(EVIL, 4000, 1, 11 + i), false);
      assert.equal(lock.admit(SDP, 4002, 1, 11 + i), false);
    }
    assert.deepEqual([lock.address, lock.port, lock.settled], [SDP, 4000, true]);
  });

  it('learns a source behind NAT from five packets in a row, then sends there', () => {
    const lock = expecting();
    assert.deepEqual(
      [1, 2, 3, 4, 5].map((n) => lock.admit(NAT, 999, 77, n)),
      [false, false, false, false, true],
    );
    assert.deepEqual([lock.address, lock.port], [NAT, 999]);
    assert.equal(lock.admit(EVIL, 4000, 1, 1), false);
  });

  it('gives the address of the SDP a head start, and the last word', () => {
    const lock = expecting();
    now -= 1;
    for (let n = 0; n < 100; n += 1) assert.equal(lock.admit(EVIL, 999, 77, n), false);
    now += 1;
    assert.equal(lock.admit(EVIL, 999, 77, 100), true);
    assert.equal(lock.admit(SDP, 4000, 1, 1), true);
    assert.deepEqual([lock.address, lock.port], [SDP, 4000]);
    for (let n = 101; n < 200; n += 1) assert.equal(lock.admit(EVIL, 999, 77, n), false);
  });

  it('is not convinced by packets of two sources, two streams or scattered numbers', () => {
    const lock = expecting();
    for (let i = 0; i < 40; i += 1) {
      assert.equal(lock.admit(i % 2 ? NAT : EVIL, 999, 77, i), false);
      assert.equal(lock.admit(NAT, 999, i, i), false);
      assert.equal(lock.admit(NAT, 999, 77, i * 1000), false);
    }
    assert.equal(lock.admit(SDP, 4000, 1, 1), true);
  });

  it('unlocks only for a new address, and takes nothing before the first SDP', () => {
    assert.equal(new SourceLock(() => now).admit(SDP, 4000, 1, 1), false);
    const lock = expecting();
    assert.equal(lock.settled, false);
    for (let n = 0; n < 5; n += 1) lock.admit(NAT, 999, 77, n);
    assert.deepEqual([lock.locked, lock.settled], [true, false]);
    lock.expect(SDP, 4000);
    lock.expect(null, 4000);
    assert.equal(lock.admit(NAT, 999, 77, 6), true);
    lock.expect(SDP, 4010);
    assert.equal(lock.locked, false);
    for (let n = 7; n < 20; n += 1) assert.equal(lock.admit(NAT, 999, 77, n), false);
    assert.equal(lock.admit(SDP, 4010, 1, 1), true);
  });
});

describe('jitter buffer', () => {
  const SILENCE = 0xff;
  const push = (buffer: JitterBuffer, timestamp: number, byte: number, length = 160): void =>
    buffer.push(new Uint8Array(length).fill(byte), 0, length, timestamp >>> 0, null, SILENCE);
  /** First byte of the next frame, or null when nothing waits. */
  function read(buffer: JitterBuffer): number | null {
    const frame = new Uint8Array(160);
    return buffer.read(frame, 0, 160, SILENCE) ? (frame[0] ?? null) : null;
  }

  it('gives a cushion of 20 ms, then each frame', () => {
    const buffer = new JitterBuffer();
    push(buffer, 0xffffff80, 1);
    push(buffer, 0x20, 2);
    assert.deepEqual([read(buffer), read(buffer), read(buffer), read(buffer)], [SILENCE, 1, 2, null]);
  });

  it('sorts by timestamp, fills loss with silence, drops what is too late or doubled', () => {
    const buffer = new JitterBuffer();
    push(buffer, 0, 1);
    assert.equal(read(buffer), SILENCE);
    push(buffer, 320, 3);
    push(buffer, 160, 2);
    assert.deepEqual([read(buffer), read(buffer), read(buffer)], [1, 2, 3]);
    push(buffer, 480, 4);
    push(buffer, 800, 6);
    push(buffer, 320, 9);
    assert.deepEqual([read(buffer), read(buffer), read(buffer)], [4, SILENCE, 6]);
  });

  it('keeps 60 ms at most and lets the oldest go', () => {
    const buffer = new JitterBuffer();
    for (let n = 0; n < 20; n += 1) push(buffer, n * 160, n + 1);
    assert.equal(buffer.depth, 480);
    assert.deepEqual([read(buffer), read(buffer), read(buffer), read(buffer)], [18, 19, 20, null]);
  });

  it('starts anew after a jump of the clock and after running dry', () => {
    const buffer = new JitterBuffer();
    push(buffer, 0, 1);
    push(buffer, 1_000_000, 2);
    assert.deepEqual([read(buffer), read(buffer), read(buffer)], [SILENCE, 2, null]);
    push(buffer, 1_000_480, 3);
    assert.deepEqual([read(buffer), read(buffer)], [SILENCE, 3]);
  });

  it('forgets everything when flushed and translates what waits', () => {
    const buffer = new JitterBuffer();
    push(buffer, 0, 1);
    buffer.translate(Uint8Array.from({ length: 256 }, (_, byte) => 255 - byte));
    assert.deepEqual([read(buffer), read(buffer)], [0, 254]);
    push(buffer, 160, 1);
    buffer.flush();
    assert.equal(read(buffer), null);
  });
});

describe('resequencer', () => {
  function setUp(): { log: string[]; push: (sequence: number, length?: number) => void } {
    const log: string[] = [];
    const order = new Resequencer({
      onPayload: (bytes, start) => log.push(String(bytes[start])),
      onLost: (samples) => log.push(`lost ${samples}`),
    });
    const push = (sequence: number, length = 160): void =>
      order.push(new Uint8Array(length).fill(sequence), 0, length, sequence & 0xffff, sequence * 160);
    return { log, push };
  }

  it('puts packets in order and drops doubles', () => {
    const { log, push } = setUp();
    for (const sequence of [1, 3, 3, 2, 2, 4, 6, 7, 5]) push(sequence);
    assert.deepEqual(log, ['1', '2', '3', '4', '5', '6', '7']);
  });

  it('gives a packet up after three others', () => {
    const { log, push } = setUp();
    for (const sequence of [1, 3, 4, 5, 2, 6]) push(sequence);
    assert.deepEqual(log, ['1', 'lost 160', '3', '4', '5', '6']);
  });

  it('goes on after a jump', () => {
    const { log, push } = setUp();
    for (const sequence of [1, 3, 200, 201]) push(sequence);
    assert.deepEqual(log, ['1', 'lost 160', '3', `lost ${196 * 160}`, '200', '201']);
  });
});

describe('ports', () => {
  function pool(from: number, to: number): { pool: PortPool; clock: { now: number } } {
    const clock = { now: 0 };
    return {
      pool: new PortPool({ from, to, drainMs: 2000, random: () => 0.5, now: () => clock.now }),
      clock,
    };
  }

  it('hands out each even port of the range once', () => {
    const { pool: ports } = pool(40_001, 40_010);
    const taken = Array.from({ length: 5 }, () => ports.take());
    assert.deepEqual([...taken].sort(), [40_002, 40_004, 40_006, 40_008, 40_010]);
    assert.equal(taken[0], 40_006);
    assert.equal(ports.take(), null);
    assert.equal(ports.taken, 5);
  });

  it('drains a port before it is used again', () => {
    const { pool: ports, clock } = pool(40_000, 40_001);
    const port = ports.take() ?? 0;
    ports.release(port);
    ports.release(port);
    assert.deepEqual([ports.take(), ports.taken, ports.draining], [null, 0, 1]);
    clock.now = 1999;
    assert.equal(ports.take(), null);
    clock.now = 2000;
    assert.deepEqual([ports.draining, ports.take()], [0, port]);
  });
});

describe('keys by several methods', () => {
  const [EVENT, INFO] = [1, 2];

  it('counts the same key by two methods within 300 ms once', () => {
    const presses = new KeyPresses();
    assert.equal(presses.admit(53, EVENT, 0, 100), true);
    assert.equal(presses.admit(53, INFO, 400, 400), false);
    assert.equal(presses.admit(53, INFO, 450, 450), true, 'one press has one echo a method');
  });

  it('lets an INFO sent at the start of a long press be its echo', () => {
    const presses = new KeyPresses();
    assert.equal(presses.admit(53, INFO, 0, 0), true);
    assert.equal(presses.isEcho(53, EVENT, 20, 20), true);
    assert.equal(presses.admit(53, EVENT, 10, 2000), false);
  });

  it('keeps fast equal keys apart although each comes twice', () => {
    const presses = new KeyPresses();
    const admitted = [0, 100, 200, 300].flatMap((at) => [
      presses.admit(53, EVENT, at, at + 60),
      presses.admit(53, INFO, at + 80, at + 80),
    ]);
    assert.deepEqual(admitted, [true, false, true, false, true, false, true, false]);
  });

  it('takes other keys, later keys and the same method for keys of their own', () => {
    const presses = new KeyPresses();
    assert.equal(presses.admit(53, EVENT, 0, 60), true);
    assert.equal(presses.admit(54, INFO, 50, 50), true);
    assert.equal(presses.admit(53, EVENT, 100, 160), true);
    assert.equal(presses.admit(53, INFO, 600, 600), true);
    presses.expire(601);
    assert.equal(presses.isEcho(53, EVENT, 610, 610), true);
    presses.expire(901);
    assert.equal(presses.isEcho(53, EVENT, 650, 650), false, 'nothing is remembered');
  });

  it('knows all sixteen keys', () => {
    for (const [event, key] of [...'0123456789*#ABCD'].entries()) {
      assert.equal(eventToAscii(event), key.charCodeAt(0));
      assert.equal(asciiToEvent(key.charCodeAt(0)), event);
    }
    assert.equal(asciiToEvent('b'.charCodeAt(0)), 13);
    assert.equal(asciiToEvent('x'.charCodeAt(0)), -1);
    assert.equal(eventToAscii(16), 0);
  });
});

describe('keys out', () => {
  function setUp(): { log: string[]; keys: KeySender; tick: (events?: boolean) => boolean } {
    const log: string[] = [];
    let timestamp = 0;
    const keys = new KeySender({
      sendEvent: (event, end, duration, startedAt, marker) =>
        log.push(`${marker ? 'M' : ' '}${event} ${duration} @${startedAt}${end ? ' end' : ''}`),
      startTone: (event, duration) => log.push(`tone ${event} ${duration}`),
    });
    const tick = (events = true): boolean => {
      const taken = keys.tick(timestamp, events);
      timestamp += 160;
      return taken;
    };
    return { log, keys, tick };
  }

  it('relays a key while it is held and ends it three times', () => {
    const { log, keys, tick } = setUp();
    keys.relayDown(5);
    tick();
    tick();
    keys.relayUp(400);
    for (let i = 0; i < 5; i += 1) tick();
    assert.deepEqual(log, ['M5 160 @0', ' 5 320 @0', ' 5 400 @0 end', ' 5 400 @0 end', ' 5 400 @0 end']);
    assert.equal(keys.idle, true);
  });

  it('keeps up with fast keys: the ends of one go out before the next begins', () => {
    const { log, keys, tick } = setUp();
    for (const event of [1, 1, 2]) {
      keys.relayDown(event);
      keys.relayUp(480);
    }
    for (let i = 0; i < 16; i += 1) tick();
    const order = log.map((line) => line.trim());
    assert.equal(order.filter((line) => line.endsWith('end')).length, 9);
    assert.equal(new Set(order.map((line) => /@\d+/.exec(line)?.[0])).size, 3);
    assert.deepEqual(
      order.filter((line) => line.startsWith('M')).map((line) => line[1]),
      ['1', '1', '2'],
    );
  });

  it('drops a relayed key in the middle, and not one of ours', () => {
    const { log, keys, tick } = setUp();
    keys.relayDown(5);
    tick();
    let sent = false;
    keys.press(6, 160, 0, () => {
      sent = true;
    });
    keys.relayDown(7);
    keys.dropRelayed();
    for (let i = 0; i < 6; i += 1) tick();
    assert.deepEqual(log.slice(1), ['M6 160 @160 end', ' 6 160 @160 end', ' 6 160 @160 end']);
    assert.equal(sent, true);
  });

  it('plays tones where events are not taken, a relayed key once it is released', () => {
    const { log, keys, tick } = setUp();
    keys.relayDown(5);
    assert.equal(tick(false), false);
    assert.deepEqual(log, []);
    keys.relayUp(160);
    tick(false);
    assert.deepEqual(log, ['tone 5 480']);
  });

  it('sends nothing more once it is closed, and no key is done', () => {
    const { log, keys, tick } = setUp();
    const done: number[] = [];
    keys.press(1, 800, 160, () => done.push(1));
    keys.press(2, 800, 160, () => done.push(2));
    tick();
    keys.close();
    assert.equal(keys.idle, true);
    for (let ticks = 0; ticks < 20; ticks += 1) tick();
    assert.deepEqual([log, done], [['M1 160 @0'], []]);
  });
});
