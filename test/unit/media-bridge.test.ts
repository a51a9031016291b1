import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { dtmfTone } from '../../media/codec/dtmf-tones.js';
import { encodePcma, encodePcmu } from '../../media/codec/g711.js';
import type { EmbeddedMediaServer } from '../../media/embedded/embedded-media-server.js';
import type { DigitEvent, MediaEndpoint } from '../../media/endpoint.js';
import type { EndpointOptions } from '../../media/media-server.js';
import { within } from '../kit/deadline.js';
import { FarEnd, type Packet, PCMU_SILENCE, type SdpOptions, startEngine } from './media-far-end.js';

interface Leg {
  readonly endpoint: MediaEndpoint;
  readonly far: FarEnd;
  readonly digits: DigitEvent[];
}

/** Bytes that are no silence and in no loop. */
const VOICE = 0x11;
const OLD_VOICE = 0x22;
const FIVE = 0x35;

describe('embedded engine: bridge and isolation', { timeout: 60_000 }, () => {
  let server: EmbeddedMediaServer;
  const open: FarEnd[] = [];

  before(async () => {
    server = await startEngine({ from: 31_200, to: 31_399 });
  });
  after(async () => {
    for (const far of open) far.close();
    await server.close();
  });

  async function call(options?: SdpOptions, endpointOptions?: EndpointOptions): Promise<Leg> {
    const leg = {
      endpoint: await server.createEndpoint(endpointOptions),
      far: await FarEnd.open(),
      digits: [] as DigitEvent[],
    };
    open.push(leg.far);
    leg.endpoint.onDigit((digit) => leg.digits.push(digit));
    leg.far.aim(await leg.endpoint.answer(leg.far.sdp(options)));
    // The source locks with the first packet, and the answer to state() tells that it was read.
    leg.far.audio(options?.formats === '8' ? 0xd5 : PCMU_SILENCE, options?.formats === '8' ? 8 : 0);
    await leg.far.listen(1);
    return leg;
  }

  const has =
    (byte: number) =>
    (packet: Packet): boolean =>
      packet.payloadType < 96 && packet.payload.includes(byte);
  const isEvent = (packet: Packet): boolean => packet.payloadType >= 96;
  const isQuiet = (packet: Packet): boolean =>
    packet.payloadType < 96 && packet.payload.every((byte) => byte === PCMU_SILENCE || byte === 0xd5);
  const nextDigit = (leg: Leg): Promise<DigitEvent> =>
    within(
      new Promise((resolve) => {
        const stop = leg.endpoint.onDigit((digit) => {
          stop();
          resolve(digit);
        });
      }),
      3000,
      'a digit',
    );

  /** Tones of a key, 20 ms a packet. */
  function toneFrames(code: number, ms: number, encode = encodePcmu): Uint8Array[] {
    const bytes = encode(dtmfTone(code, ms));
    return Array.from({ length: ms / 20 }, (_, i) => bytes.subarray(i * 160, (i + 1) * 160));
  }

  async function talkThenSilence(
    leg: Leg,
    frames: Uint8Array[],
    during?: () => Promise<void>,
  ): Promise<void> {
    const queue = [...frames];
    const over = new Promise<void>((resolve) => {
      leg.far.talk(() => {
        const frame = queue.shift();
        if (!frame) resolve();
        return frame ?? PCMU_SILENCE;
      });
    });
    await during?.();
    await within(over, 5000, 'tones sent');
  }

  it('carries audio both ways, in order and whole', async () => {
    const [a, b] = [await call(), await call()];
    await server.bridge(a.endpoint, b.endpoint);
    assert.equal((await a.endpoint.state()).peer, b.endpoint.id);
    assert.equal((await b.endpoint.state()).peer, a.endpoint.id);
    let n = 0;
    a.far.talk(() => (n++ % 100) + 1);
    b.far.talk(() => VOICE);
    await Promise.all([b.far.next(has(30), 'frame 30'), a.far.next(has(VOICE), 'voice of b')]);
    const seen = b.far.heard.map(({ payload }) => payload[80] ?? 0).filter((byte) => byte !== PCMU_SILENCE);
    for (const [index, byte] of seen.slice(1).entries()) assert.ok(byte > (seen[index] ?? 0));
    assert.ok(seen.length >= 28);
    a.far.hush();
    b.far.hush();
  });

  it('translates between PCMU and PCMA, and keeps 10, 30, 40 and 60 ms packets whole', async () => {
    const [a, b] = [await call(), await call({ formats: '8' })];
    await server.bridge(a.endpoint, b.endpoint);
    a.far.talk(() => VOICE);
    const translated = encodePcma(Int16Array.of(0))[0];
    const packet = await b.far.next(
      (one) => one.payload[0] !== 0xd5 && one.payload[0] !== translated,
      'voice',
    );
    assert.equal(packet.payloadType, 8);
    assert.ok(packet.payload.every((byte) => byte === packet.payload[0]));
    a.far.hush();
    for (const samples of [80, 240, 320, 480]) await carriesWhole(samples);
  });

  async function carriesWhole(samples: number): Promise<void> {
    const [a, b] = [await call(), await call()];
    await server.bridge(a.endpoint, b.endpoint);
    const started = performance.now();
    let sent = 0;
    const total = 24;
    await within(
      new Promise<void>((resolve) => {
        const step = (): void => {
          a.far.audio(Buffer.alloc(samples, VOICE));
          sent += 1;
          if (sent < total) setTimeout(step, Math.max(0, started + (sent * samples) / 8 - performance.now()));
          else resolve();
        };
        step();
      }),
      5000,
      'packets sent',
    );
    await b.far.next(isQuiet, 'the end');
    const count = b.far.heard.reduce(
      (sum, one) => sum + one.payload.filter((byte) => byte === VOICE).length,
      0,
    );
    // A stalled test machine may cost a packet or two; whole means no part of each packet is lost by design.
    assert.ok(count > 0.9 * samples * total, `${samples}: ${count} of ${samples * total}`);
    assert.ok(count <= samples * total);
  }

  it('puts reordered packets back and bears loss', async () => {
    const [a, b] = [await call(), await call()];
    await server.bridge(a.endpoint, b.endpoint);
    let n = 0;
    let held: Buffer | null = null;
    const timer = setInterval(() => {
      n += 1;
      const packet = a.far.packet(0, Buffer.alloc(160, n));
      a.far.timestamp += 160;
      if (n === 10) held = packet;
      else if (n !== 15) a.far.send(packet);
      if (n === 11 && held) a.far.send(held);
    }, 20);
    await b.far.next(has(20), 'frame 20').finally(() => clearInterval(timer));
    const seen = b.far.heard.map(({ payload }) => payload[80] ?? 0).filter((byte) => byte !== PCMU_SILENCE);
    assert.deepEqual(seen.slice(seen.indexOf(8), seen.indexOf(18)), [8, 9, 10, 11, 12, 13, 14, 16, 17]);
  });

  it('passes telephone-events on as events, in the payload type of the peer', async () => {
    const [a, b] = [await call({ events: 101 }), await call({ events: 96 })];
    await server.bridge(a.endpoint, b.endpoint);
    const digit = nextDigit(a);
    const last = b.far.next((packet) => isEvent(packet) && (packet.payload[1] ?? 0) > 127, 'event end');
    a.far.press(5);
    assert.deepEqual(await digit, { code: FIVE, method: 'rfc4733', durationMs: 80 });
    const end = await last;
    assert.equal(end.payloadType, 96);
    assert.equal(end.payload[0], 5);
    await b.far.listen(4);
    const events = b.far.heard.filter(isEvent);
    assert.equal(new Set(events.map((packet) => packet.timestamp)).size, 1);
    assert.equal(events.filter((packet) => (packet.payload[1] ?? 0) > 127).length, 3);
  });

  it('keeps the keys of a leg that does not relay them, and passes on those of its peer', async () => {
    const [a, b] = [await call({ events: 101 }, { relaysKeys: false }), await call({ events: 101 })];
    await server.bridge(a.endpoint, b.endpoint);
    const heard = nextDigit(a);
    a.far.press(5);
    assert.equal((await heard).code, FIVE, 'its own listeners are told');
    const passedOn = a.far.next(isEvent, 'an event of the peer');
    b.far.press(6);
    assert.equal((await passedOn).payload[0], 6);
    assert.equal(b.far.heard.some(isEvent), false);
  });

  it('lets nothing cross once unbridge has resolved: audio', async () => {
    const [a, b] = [await call(), await call()];
    await server.bridge(a.endpoint, b.endpoint);
    a.far.talk(() => VOICE);
    await b.far.next(has(VOICE), 'voice');
    await b.endpoint.setLoop('comfort-tone');
    await server.unbridge(b.endpoint);
    assert.equal((await a.endpoint.state()).peer, null);
    assert.equal((await b.endpoint.state()).peer, null);
    // What the engine sent before it resolved is in the socket already: one packet at most, read first.
    const mark = await b.far.next(() => true, 'a packet');
    await b.far.next(has(0x70), 'loop');
    await b.far.listen(20);
    const later = b.far.heard.slice(b.far.heard.indexOf(mark) + 1);
    assert.equal(later.filter(has(VOICE)).length, 0);
    a.far.hush();
  });

  it('lets no key cross once unbridge has resolved: all three methods', async () => {
    const [a, b] = [await call(), await call()];
    await server.bridge(a.endpoint, b.endpoint);
    const mark = b.far.heard.length;
    a.far.event(7, 160, false, 101, true);
    await b.far.next(isEvent, 'event begins to cross');
    await server.unbridge(a.endpoint);
    const after = b.far.heard.length;
    assert.ok(b.far.heard.slice(mark).some(isEvent));
    for (const duration of [320, 480]) a.far.event(7, duration, false);
    a.far.event(7, 640, true);
    a.far.timestamp += 1600;
    const eight = nextDigit(a).then(() => nextDigit(a));
    a.far.press(8);
    await eight;
    assert.equal(a.endpoint.sipInfo('application/dtmf-relay', 'Signal=9\r\nDuration=100'), true);
    await b.far.listen(20);
    // One event packet may have been on its way when unbridge resolved.
    assert.ok(b.far.heard.slice(after + 1).every(isQuiet));
    assert.deepEqual(
      a.digits.map((digit) => digit.code),
      [0x37, 0x38, 0x39],
    );
    assert.equal(b.digits.length, 0);

    const c = await call({ events: null });
    await server.bridge(c.endpoint, b.endpoint);
    await server.unbridge(c.endpoint);
    const before = b.far.heard.length;
    const digit = nextDigit(c);
    await talkThenSilence(c, toneFrames(FIVE, 100));
    assert.equal((await digit).method, 'in-band');
    c.far.hush();
    assert.ok(b.far.heard.slice(before).every(isQuiet));
  });

  it('starts a bridge empty: no audio and no held telephone-event from before', async () => {
    const [a, b] = [await call(), await call()];
    for (let i = 0; i < 5; i += 1) a.far.audio(OLD_VOICE);
    a.far.event(4, 160, false, 101, true);
    const state = await untilKeyDown(a);
    assert.equal(state, true);
    await server.bridge(a.endpoint, b.endpoint);
    a.far.event(4, 320, false);
    const digit = nextDigit(a);
    for (let i = 0; i < 3; i += 1) a.far.event(4, 480, true);
    assert.equal((await digit).code, 0x34);
    a.far.timestamp += 1600;
    await b.far.listen(10);
    assert.ok(b.far.heard.every(isQuiet));
    a.far.press(6);
    const event = await b.far.next(isEvent, 'the next key');
    assert.equal(event.payload[0], 6);
    assert.ok(b.far.heard.filter(isEvent).every((packet) => packet.payload[0] === 6));
  });

  it('swallows a tone held across the bridge till its end, and only that one', async () => {
    const [a, b] = [await call({ events: null }), await call()];
    const digit = nextDigit(a);
    await talkThenSilence(a, toneFrames(FIVE, 400), async () => {
      assert.ok(await untilKeyDown(a));
      await server.bridge(a.endpoint, b.endpoint);
    });
    assert.equal((await digit).code, FIVE);
    assert.ok(b.far.heard.every(isQuiet), 'the tone must not be heard');
    a.far.talk(() => VOICE);
    await b.far.next(has(VOICE), 'what comes after it');
    a.far.hush();
  });

  it('swallows a tone that began too shortly before the bridge to be known as a key', async () => {
    const [a, b] = [await call({ events: null }), await call()];
    const digit = nextDigit(a);
    let bridged: Promise<void> = Promise.resolve();
    await talkThenSilence(a, toneFrames(FIVE, 200), async () => {
      bridged = server.bridge(a.endpoint, b.endpoint);
    });
    await bridged;
    assert.equal((await digit).code, FIVE);
    assert.ok(b.far.heard.every(isQuiet), 'the tone must not be heard');
    a.far.hush();
  });

  it('lets no audio cross beside a telephone-event held since before the bridge', async () => {
    const [a, b] = [await call(), await call()];
    const { timestamp } = a.far;
    a.far.event(4, 160, false, 101, true);
    assert.ok(await untilKeyDown(a));
    await server.bridge(a.endpoint, b.endpoint);
    let sent = 0;
    const digit = nextDigit(a);
    a.far.talk(() => {
      sent += 1;
      const flags = sent < 15 ? 0x0a : 0x8a;
      a.far.send(
        a.far.packet(101, Buffer.from([4, flags, (160 * sent) >> 8, (160 * sent) & 0xff]), false, timestamp),
      );
      return sent < 15 ? OLD_VOICE : VOICE;
    });
    assert.equal((await digit).code, 0x34);
    await b.far.next(has(VOICE), 'what comes after the key');
    assert.equal(b.far.heard.filter(has(OLD_VOICE)).length, 0);
    a.far.hush();
  });

  async function untilKeyDown(leg: Leg): Promise<boolean> {
    const end = performance.now() + 2000;
    while (performance.now() < end) {
      if ((await leg.endpoint.state()).keyDown) return true;
    }
    return false;
  }

  it('takes the place of an earlier bridge at once', async () => {
    const [a, b, c] = [await call(), await call(), await call()];
    await server.bridge(a.endpoint, b.endpoint);
    await server.bridge(a.endpoint, c.endpoint);
    assert.equal((await b.endpoint.state()).peer, null);
    assert.equal((await server.stats()).bridges >= 1, true);
    a.far.talk(() => VOICE);
    const from = b.far.heard.length;
    await c.far.next(has(VOICE), 'voice at c');
    assert.ok(b.far.heard.slice(from).every(isQuiet));
    await c.endpoint.close();
    assert.equal((await a.endpoint.state()).peer, null);
    a.far.hush();
  });
});
