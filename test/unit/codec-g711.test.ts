import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  decodePcma,
  decodePcmu,
  encodePcma,
  encodePcmu,
  pcmaToPcmu,
  pcmuToPcma,
} from '../../media/codec/g711.js';

const BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte);

test('G.711 mu-law: known values', () => {
  assert.deepEqual(
    [...encodePcmu(Int16Array.of(0, 4, -4, 1000, -1000, 32767, -32768))],
    [0xff, 0xfe, 0x7f, 0xce, 0x4e, 0x80, 0x00],
  );
  assert.deepEqual(
    [...decodePcmu(Uint8Array.of(0xff, 0x7f, 0x80, 0x00, 0xce, 0x4e, 0xf0))],
    [0, 0, 32124, -32124, 988, -988, 120],
  );
});

test('G.711 A-law: known values', () => {
  assert.deepEqual(
    [...encodePcma(Int16Array.of(0, -1, 1000, -1000, 32767, -32768))],
    [0xd5, 0x55, 0xfa, 0x7a, 0xaa, 0x2a],
  );
  assert.deepEqual(
    [...decodePcma(Uint8Array.of(0xd5, 0x55, 0xaa, 0x2a, 0xfa, 0x7a))],
    [8, -8, 32256, -32256, 1008, -1008],
  );
});

test('the 1 kHz sine of G.711 tables 5 and 6 has 0 dBm0 in both laws', () => {
  const mu = decodePcmu(Uint8Array.of(0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e));
  const a = decodePcma(Uint8Array.of(0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4));
  const rms = (pcm: Int16Array): number => Math.sqrt(pcm.reduce((sum, x) => sum + x * x, 0) / pcm.length);
  assert.ok(Math.abs(20 * Math.log10(rms(mu) / rms(a))) < 0.1);
  assert.ok(Math.abs(20 * Math.log10((rms(mu) * Math.SQRT2) / (8159 * 4)) + 3.17) < 0.1);
});

test('every byte survives decoding and encoding; mu-law has two zeros', () => {
  assert.deepEqual([...encodePcma(decodePcma(BYTES))], [...BYTES]);
  const negativeZero = 0x7f;
  assert.deepEqual(
    [...encodePcmu(decodePcmu(BYTES))],
    [...BYTES].map((byte) => (byte === negativeZero ? 0xff : byte)),
  );
});

test('encoding is monotonic and never more than half a step off', () => {
  const all = Int16Array.from({ length: 65536 }, (_, i) => i - 32768);
  for (const decoded of [decodePcmu(encodePcmu(all)), decodePcma(encodePcma(all))]) {
    for (let i = 1; i < all.length; i += 1) {
      const wanted = all[i] as number;
      const got = decoded[i] as number;
      assert.ok(got >= (decoded[i - 1] as number), `not monotonic at ${wanted}`);
      const overload = Math.abs(wanted) > 32256 ? 644 : 0;
      assert.ok(
        Math.abs(got - wanted) <= Math.abs(wanted) / 32 + 8 + overload,
        `${wanted} came out as ${got}`,
      );
    }
  }
});

test('transcoding follows tables 3 and 4 of G.711', () => {
  // Magnitudes counted from silence, as the tables print them less one.
  const toA = (level: number): number =>
    ((pcmuToPcma(Uint8Array.of(0xff - level))[0] as number) ^ 0xd5) & 0x7f;
  const toMu = (level: number): number =>
    0xff - (pcmaToPcmu(Uint8Array.of((level | 0x80) ^ 0x55))[0] as number);
  assert.deepEqual(
    [0, 1, 15, 16, 32, 33, 36, 37, 47, 48, 49, 63, 64, 80, 81, 127].map(toA),
    [0, 0, 7, 8, 24, 26, 32, 33, 43, 45, 47, 61, 63, 79, 81, 127],
  );
  assert.deepEqual(
    [0, 7, 8, 24, 25, 26, 31, 32, 44, 45, 47, 62, 63, 79, 80, 127].map(toMu),
    [1, 15, 16, 32, 32, 33, 35, 36, 48, 48, 49, 64, 64, 80, 80, 127],
  );
});

test('transcoding keeps the sign and the level within a step, and may be done in place', () => {
  for (const [from, to, table] of [
    [decodePcmu, decodePcma, pcmuToPcma],
    [decodePcma, decodePcmu, pcmaToPcmu],
  ] as const) {
    const before = from(BYTES);
    const after = to(table(BYTES));
    before.forEach((value, i) => {
      const off = Math.abs((after[i] as number) - value);
      assert.ok(off <= Math.abs(value) / 16 + 16, `${value} became ${after[i]}`);
    });
  }
  const bytes = Uint8Array.from(BYTES);
  assert.equal(pcmuToPcma(bytes, bytes), bytes);
  assert.deepEqual([...bytes], [...pcmuToPcma(BYTES)]);
});

test('given arrays are filled as far as both reach', () => {
  const out = new Uint8Array(2);
  assert.equal(encodePcmu(Int16Array.of(0, 0, 0), out), out);
  assert.deepEqual([...out], [0xff, 0xff]);
  assert.deepEqual([...decodePcma(Uint8Array.of(0xd5), new Int16Array(2))], [8, 0]);
});
