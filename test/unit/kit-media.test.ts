import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DeadlineError } from '../kit/deadline.js';
import { decode, encode } from '../kit/g711.js';
import { isEventEnd, isEventStart, only, pattern, random } from '../kit/network-fault.js';
import { PhoneMedia } from '../kit/phone-media.js';
import { RtpSender } from '../kit/rtp-sender.js';
import { dtmf, FRAME, KEYS, tones } from '../kit/sounds.js';
import { hasTone, keyIn, level, toneLevel } from '../kit/spectrum.js';

const FORMAT = { codec: 'PCMU', eventPayloadType: 101 } as const;

/** Two phones' media joined back to back, closed afterwards. */
async function pair(run: (a: PhoneMedia, b: PhoneMedia) => Promise<void>): Promise<void> {
  const [a, b] = await Promise.all([PhoneMedia.open('127.0.0.1'), PhoneMedia.open('127.0.0.1')]);
  try {
    a.sendTo(b, FORMAT);
    b.sendTo(a, FORMAT);
    await run(a, b);
  } finally {
    await Promise.all([a.close(), b.close()]);
  }
}

function frame(sound: (out: Int16Array) => void, samples = FRAME): Int16Array {
  const pcm = new Int16Array(samples);
  sound(pcm);
  return pcm;
}

async function pressAll(
  media: PhoneMedia,
  keys: string,
  method: 'rfc4733' | 'in-band',
  onMs: number,
  offMs: number,
) {
  for (const key of keys) await media.press(key, method, { onMs, offMs, endCopies: 3 });
}

function keysOf(media: PhoneMedia): string {
  return media.heard
    .digits()
    .map(({ key }) => key)
    .join('');
}

describe('kit: sound', () => {
  test('G.711 gives every level back and stays within its step', () => {
    for (const codec of ['PCMU', 'PCMA'] as const) {
      const levels = decode(
        codec,
        Uint8Array.from({ length: 256 }, (_, byte) => byte),
      );
      assert.deepEqual(decode(codec, encode(codec, levels)), levels);
      const sine = frame(tones([1000], -3), 800);
      const back = decode(codec, encode(codec, sine));
      for (const [index, sample] of sine.entries()) {
        const error = Math.abs(sample - (back[index] ?? 0));
        assert.ok(error <= Math.max(8, Math.abs(sample) / 16), `${codec}: ${sample} became ${back[index]}`);
      }
    }
  });

  test('G.711 knows the silence and the extremes of ITU-T G.711', () => {
    assert.deepEqual([...encode('PCMU', Int16Array.of(0, 32767, -32768))], [0xff, 0x80, 0x00]);
    assert.deepEqual([...encode('PCMA', Int16Array.of(8, 32767, -32768))], [0xd5, 0xaa, 0x2a]);
  });

  test('every key is heard as itself, over both codecs, and nothing else is a key', () => {
    for (const key of KEYS) {
      for (const codec of ['PCMU', 'PCMA'] as const) {
        assert.equal(keyIn(decode(codec, encode(codec, frame(dtmf(key, -20))))), key);
      }
    }
    const others = [[697], [440, 480], [1000], [697, 770], [697, 1209, 2000]];
    for (const other of others.map((frequencies) => tones(frequencies, -12))) {
      assert.equal(keyIn(frame(other)), null);
    }
    assert.equal(keyIn(new Int16Array(FRAME)), null);
  });

  test('levels are decibels below a full-scale sine, and a tone is told from its neighbours', () => {
    assert.ok(Math.abs(level(frame(tones([1000], -12))) + 12) < 0.2);
    assert.ok(Math.abs(toneLevel(frame(tones([2000], -12)), 2000) + 12) < 0.2);
    assert.ok(hasTone(frame(tones([2000], -30)), 2000, -45));
    assert.ok(!hasTone(frame(tones([1600], -6)), 2000, -45));
    assert.ok(!hasTone(frame(tones([2000], -50)), 2000, -45));
    assert.ok(hasTone(frame(tones([440, 2000], -20)), 2000, -45), 'beside a comfort tone');
  });
});

describe('kit: RTP sender', () => {
  const timing = { onMs: 60, offMs: 40, endCopies: 3 };

  test('a telephone-event takes the place of the audio and the timestamps run on', () => {
    const sender = new RtpSender(() => 0);
    sender.format = FORMAT;
    let done = 0;
    sender.tick();
    sender.press('5', 'rfc4733', timing, () => done++);
    const sent = Array.from({ length: 6 }, () => sender.tick());
    assert.deepEqual(
      sent
        .slice(0, 3)
        .map((packets) => packets.map(({ event }) => [event?.code, event?.duration, event?.end])),
      [
        [[5, 160, false]],
        [[5, 320, false]],
        [
          [5, 480, true],
          [5, 480, true],
          [5, 480, true],
        ],
      ],
    );
    assert.deepEqual(
      sent
        .slice(0, 3)
        .flat()
        .map(({ bytes }) => bytes.readUInt32BE(4)),
      [160, 160, 160, 160, 160],
    );
    assert.deepEqual(
      sent
        .slice(0, 3)
        .flat()
        .map(({ marker }) => marker),
      [true, false, false, false, false],
    );
    assert.deepEqual(
      sent
        .slice(3)
        .flat()
        .map(({ event, bytes }) => [event, bytes.readUInt32BE(4)]),
      [
        [null, 640],
        [null, 800],
        [null, 960],
      ],
    );
    assert.equal(done, 1);
  });

  test('in-band keys keep their length to the sample', () => {
    const sender = new RtpSender(() => 0);
    for (const key of '11') sender.press(key, 'in-band', { onMs: 50, offMs: 45, endCopies: 3 }, () => {});
    const sent = Array.from({ length: 10 }, () => sender.tick()).flat();
    const pcm = sent.flatMap(({ bytes }) => [...decode('PCMU', bytes.subarray(12))]);
    const silent = (from: number, to: number) => pcm.slice(from, to).every((sample) => Math.abs(sample) < 16);
    assert.ok(silent(400, 760) && silent(1160, 1600));
    assert.ok(!silent(390, 400) && !silent(760, 770) && !silent(1150, 1160));
  });

  test('something that is no key is refused', () => {
    assert.throws(() => new RtpSender().press('E', 'rfc4733', timing, () => {}), /not a DTMF key/);
    assert.throws(() => new RtpSender().press('', 'in-band', timing, () => {}), /not a DTMF key/);
  });
});

describe('kit: two phones on loopback', () => {
  test('sound crosses, is measured and rendered; silence is awaited', () =>
    pair(async (a, b) => {
      a.sound = tones([1850], -10);
      const since = await b.waits.audio(200, 2000, -45, 1850);
      a.sound = (out) => void out.fill(0);
      await b.waits.silence(100, 2000, -45);
      assert.ok(b.heard.toneMs(1850) >= 200);
      assert.equal(b.heard.toneMs(1000), 0);
      assert.equal(a.heard.audibleMs(), 0);
      assert.ok(b.heard.toneMs(1850, -Infinity, since) <= b.heard.toneMs(1850));
      const audible = b.heard.pcm().filter((sample) => Math.abs(sample) > 1000).length;
      assert.ok(audible > 1200, `${audible} samples rendered`);
      assert.deepEqual(
        { ...b.heard.facts(), packets: 0, ssrcs: 1 },
        {
          packets: 0,
          lost: 0,
          reordered: 0,
          duplicates: 0,
          ssrcs: 1,
          payloadTypes: [0],
          sources: [`127.0.0.1:${a.port}`],
        },
      );
    }));

  for (const method of ['rfc4733', 'in-band'] as const) {
    test(`fast keys by ${method}, equal neighbours included`, () =>
      pair(async (a, b) => {
        await pressAll(a, '4422*#', method, 60, 40);
        await b.waits.until(() => keysOf(b) === '4422*#', 1000, 'six keys');
        assert.deepEqual(new Set(b.heard.digits().map((digit) => digit.method)), new Set([method]));
      }));
  }

  test('faults do to the packets what they say', () =>
    pair(async (a, b) => {
      await b.waits.until(() => b.heard.packets.length >= 3, 1000, 'three packets');
      a.network = pattern('x..>.2.');
      await b.waits.until(() => b.heard.packets.length >= 40, 2000, 'forty packets');
      a.network = null;
      await b.waits.until(() => b.heard.packets.length >= 45, 1000, 'the rest');
      const facts = b.heard.facts();
      for (const name of ['lost', 'reordered', 'duplicates'] as const) {
        assert.ok(facts[name] >= 4 && facts[name] <= 7, `${name}: ${facts[name]}`);
      }
    }));

  test('starts and ends of events can be lost by themselves', () =>
    pair(async (a, b) => {
      const fault = only(isEventStart, pattern('x'));
      const ends = only(isEventEnd, pattern('xx.'));
      a.network = (packet) => (isEventStart(packet) ? fault(packet) : ends(packet));
      await pressAll(a, '12', 'rfc4733', 60, 40);
      const events = b.heard.packets.flatMap(({ event }) => (event ? [event] : []));
      assert.deepEqual(
        events.map(({ end }) => end),
        [false, true, false, true],
      );
      assert.equal(keysOf(b), '12');
    }));

  test('chance repeats with its seed and keeps to its shares', () => {
    const packet = { bytes: Buffer.alloc(12), marker: false, event: null };
    const draw = (seed: number) => {
      const fault = random(seed, { lost: 0.1, twice: 0.1, overtaken: 0.1 });
      return Array.from({ length: 1000 }, () => fault(packet).join());
    };
    assert.deepEqual(draw(7), draw(7));
    assert.notDeepEqual(draw(7), draw(8));
    for (const kind of ['', '0,0', '1']) {
      const share = draw(7).filter((copies) => copies === kind).length;
      assert.ok(share > 60 && share < 150, `${kind || 'lost'}: ${share} of 1000`);
    }
  });

  test('waits end by their deadline and when the phone closes', () =>
    pair(async (a, b) => {
      await assert.rejects(a.waits.audio(20, 30, -45), DeadlineError);
      a.sound = tones([1850], -10);
      await b.waits.audio(20, 1000, -45);
      await assert.rejects(b.waits.silence(100, 150, -45), DeadlineError);
      const pressing = a.press('1', 'rfc4733', { onMs: 5000, offMs: 0, endCopies: 3 });
      const listening = b.waits.until(() => false, 5000, 'nothing');
      await Promise.all([
        a.close(),
        b.close(),
        assert.rejects(pressing, /the phone has closed/),
        assert.rejects(listening, /the phone has closed/),
      ]);
      await assert.rejects(a.press('1', 'rfc4733', { onMs: 50, offMs: 0, endCopies: 3 }), /has closed/);
    }));
});
