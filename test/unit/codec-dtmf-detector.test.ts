import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DtmfDetector } from '../../media/codec/dtmf-detector.js';
import { DTMF_PAD, dtmfTone } from '../../media/codec/dtmf-tones.js';
import { sinePeak } from '../../media/codec/level.js';
import { hear, keySignal, type SignalOptions, throughA, throughMu } from './codec-dtmf-signal.js';

/** Every key, then equal neighbours. */
const KEYS = `${DTMF_PAD}1155##**0099DDAA1`;

const describeOptions = ({ background, ...rest }: SignalOptions): string =>
  `${JSON.stringify(rest)}${background ? ' over other sound' : ''}`;

function expectAll(options: SignalOptions): void {
  const { pcm } = keySignal(KEYS, options);
  for (const line of [throughMu, throughA]) {
    assert.equal(hear(line(pcm)).keys, KEYS, describeOptions(options));
  }
}

function expectNone(options: SignalOptions): void {
  const { pcm } = keySignal(KEYS, options);
  for (const line of [throughMu, throughA]) {
    const heard = hear(line(pcm));
    assert.equal(heard.keys + heard.downKeys, '', describeOptions(options));
  }
}

describe('DtmfDetector takes what ITU-T Q.24 wants taken', () => {
  it('fast keys, equal neighbours among them', () => {
    for (const [on, off] of [
      [60, 40],
      [50, 50],
      [40, 40],
      [60, 30],
      [100, 100],
    ] as const) {
      for (const lead of [400, 411, 423, 439]) expectAll({ on, off, lead });
    }
  });

  it('0 to -25 dBm0 per tone', () => {
    for (const level of [0, -3, -10, -20, -25]) expectAll({ row: level, column: level });
  });

  it('a column 4 dB louder or 8 dB softer than the row', () => {
    for (const row of [-8, -17]) {
      expectAll({ row, column: row + 4 });
      expectAll({ row, column: row - 8 });
    }
  });

  it('tones 1.5 % off', () => {
    for (const rowDeviation of [-0.015, 0.015]) {
      for (const columnDeviation of [-0.015, 0.015]) {
        expectAll({ rowDeviation, columnDeviation, on: 50, off: 50 });
        expectAll({ rowDeviation, columnDeviation, row: -22, column: -22 });
      }
    }
  });

  it('keys in noise 12 dB under one tone', () => {
    expectAll({ noise: -22, row: -10, column: -10 });
    expectAll({ noise: -40, row: -25, column: -25 });
  });
});

describe('DtmfDetector refuses what ITU-T Q.24 wants refused', () => {
  it('tones 3.5 % off, alone or both', () => {
    for (const off of [-0.05, -0.035, 0.035, 0.05]) {
      expectNone({ rowDeviation: off, on: 100 });
      expectNone({ columnDeviation: off, on: 100 });
      expectNone({ rowDeviation: off, columnDeviation: -off, on: 100 });
    }
  });

  it('tones shorter than 24 ms', () => {
    for (const on of [10, 20, 23]) expectNone({ on, off: 60 });
  });

  it('too soft, too much twist, one tone only', () => {
    expectNone({ row: -31, column: -31 });
    expectNone({ row: -20, column: -11 });
    expectNone({ row: -7, column: -20 });
    expectNone({ row: -7, column: -60 });
    expectNone({ row: -60, column: -7 });
  });
});

describe('DtmfDetector refuses what only holds the two tones', () => {
  const sine = (hertz: number, dbm0: number): Int16Array =>
    Int16Array.from({ length: 32_000 }, (_, i) =>
      Math.round(sinePeak(dbm0) * Math.sin((2 * Math.PI * hertz * i) / 8000)),
    );

  it('among louder sound outside the bands, as a voice is', () => {
    for (const hertz of [250, 420, 2200]) expectNone({ background: sine(hertz, -8), row: -15, column: -15 });
  });

  it('beside a louder tone of their group', () => {
    for (const hertz of [735, 810, 1270, 1400]) {
      expectNone({ background: sine(hertz, -9), row: -10, column: -10 });
    }
  });
});

describe('DtmfDetector reports', () => {
  it('the key within 40 ms of its start, whatever the line does', () => {
    for (const lead of [400, 411, 423, 439]) {
      const { pcm, starts } = keySignal(KEYS, { lead, noise: -45 });
      const { downs, downKeys } = hear(throughMu(pcm), 8);
      assert.equal(downKeys, KEYS);
      for (const [i, down] of downs.entries()) {
        const ms = (down - (starts[i] as number)) / 8;
        assert.ok(ms > 0 && ms <= 40, `${KEYS[i]} after ${ms} ms`);
      }
    }
  });

  it('how long it lasted, to 10 ms', () => {
    for (const on of [45, 60, 100, 250, 1000]) {
      for (const duration of hear(keySignal('5*0', { on, off: 60 }).pcm).durations) {
        assert.ok(Math.abs(duration - on) <= 10, `${on} ms reported as ${duration} ms`);
      }
    }
  });

  it('the same, in whatever pieces the audio comes', () => {
    const pcm = throughMu(keySignal(KEYS, { noise: -40 }).pcm);
    const whole = hear(pcm, pcm.length);
    for (const piece of [1, 7, 80, 160, 333, 480]) {
      assert.deepEqual(hear(pcm, piece).durations, whole.durations);
      assert.equal(hear(pcm, piece).keys, KEYS);
    }
  });

  it('one key for a tone with an interruption of 10 ms', () => {
    const { pcm, starts } = keySignal('7', { on: 120 });
    pcm.fill(0, (starts[0] as number) + 400, (starts[0] as number) + 480);
    assert.equal(hear(pcm).keys, '7');
  });

  it('two keys for a change of tone without a pause', () => {
    assert.equal(hear(keySignal('1290', { on: 80, off: 0 }).pcm).keys, '1290');
  });

  it('the tones that dtmfTone makes', () => {
    for (const key of DTMF_PAD) {
      const pcm = new Int16Array(1600);
      pcm.set(dtmfTone(key.charCodeAt(0), 60), 300);
      assert.equal(hear(pcm).keys, key);
      assert.equal(dtmfTone(key.charCodeAt(0), 60).length, 480);
    }
    assert.throws(() => dtmfTone(0x45, 60), RangeError);
  });
});

describe('DtmfDetector and lost audio', () => {
  function withLoss(pcm: Int16Array, from: number, samples: number): string {
    let keys = '';
    const detector = new DtmfDetector((code) => {
      keys += String.fromCharCode(code);
    });
    detector.push(pcm.subarray(0, from));
    detector.skip(samples);
    detector.push(pcm.subarray(from + samples));
    assert.equal(detector.keyDown, false);
    return keys;
  }

  it('does not make one key two, wherever up to 100 ms are lost', () => {
    const { pcm, starts } = keySignal('6', { on: 240, off: 100 });
    const start = starts[0] as number;
    for (const lost of [80, 160, 320, 800]) {
      for (let at = start + 400; at < start + 1900; at += 37) {
        assert.equal(withLoss(pcm, at, lost), '6', `${lost} samples lost at ${at - start}`);
      }
    }
  });

  it('hears both of two equal keys when a packet of the pause between them is lost', () => {
    const { pcm, starts } = keySignal('66', { on: 80, off: 50 });
    const pause = (starts[0] as number) + 640;
    for (let at = pause; at <= pause + 240; at += 40) assert.equal(withLoss(pcm, at, 160), '66');
  });

  it('ends a key that cannot be followed any longer', () => {
    const { pcm, starts } = keySignal('3', { on: 100 });
    let keys = '';
    const detector = new DtmfDetector((code) => {
      keys += String.fromCharCode(code);
    });
    detector.push(pcm.subarray(0, (starts[0] as number) + 500));
    assert.equal(detector.keyDown, true);
    for (let packet = 0; packet < 10; packet += 1) detector.skip(160);
    assert.equal(keys, '');
    detector.skip(160);
    assert.deepEqual([keys, detector.keyDown], ['3', false]);
  });

  it('forgets the key that is down when reset', () => {
    const { pcm, starts } = keySignal('3', { on: 100 });
    const heard: number[] = [];
    const detector = new DtmfDetector((code) => heard.push(code));
    detector.push(pcm.subarray(0, (starts[0] as number) + 500));
    detector.reset();
    assert.equal(detector.keyDown, false);
    detector.push(new Int16Array(1600));
    assert.deepEqual(heard, []);
    detector.push(pcm);
    assert.deepEqual(heard, [0x33]);
  });
});
