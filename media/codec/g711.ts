/**
 * ITU-T G.711 at 8,000 samples per second: 16-bit linear samples (the 14 or 13 bits of the standard,
 * left-aligned) to and from one byte per sample. Every conversion is one table look-up; the tables take
 * 160 KB once per process. Bytes carry the bits as sent on the wire (mu-law all inverted, A-law with its
 * even bits inverted).
 */

/** One sample, as ITU-T G.191 `ulaw_compress` rounds it: one's complement magnitude, 14 bits, bias 33. */
function compressMu(sample: number): number {
  const magnitude = Math.min(((sample < 0 ? ~sample : sample) >> 2) + 33, 0x1fff);
  const segment = 31 - Math.clz32(magnitude) - 5;
  const code = (segment << 4) | ((magnitude >> (segment + 1)) & 0x0f);
  return ~(sample < 0 ? code | 0x80 : code) & 0xff;
}

function expandMu(byte: number): number {
  const code = ~byte & 0xff;
  const segment = (code >> 4) & 0x07;
  const magnitude = ((((code & 0x0f) << 1) + 33) << segment) - 33;
  return (code & 0x80 ? -magnitude : magnitude) << 2;
}

/** One sample, as ITU-T G.191 `alaw_compress`: one's complement magnitude, 12 bits. */
function compressA(sample: number): number {
  const magnitude = (sample < 0 ? ~sample : sample) >> 4;
  const segment = Math.max(31 - Math.clz32(magnitude | 1) - 4, 0);
  const code = magnitude < 32 ? magnitude : ((segment + 1) << 4) | ((magnitude >> segment) & 0x0f);
  return (sample < 0 ? code : code | 0x80) ^ 0x55;
}

function expandA(byte: number): number {
  const code = (byte ^ 0x55) & 0x7f;
  const segment = code >> 4;
  const step = code & 0x0f;
  // The value in the middle of the step (G.711 Table 1a, column 6).
  const magnitude = segment === 0 ? (step << 4) + 8 : ((step << 4) + 0x108) << (segment - 1);
  return byte & 0x80 ? magnitude : -magnitude;
}

// Tables 3 and 4 of G.711 are not "decode, then encode": they allow for the two laws' different overload
// points (3.17 and 3.14 dBm0) and keep the most levels apart. Above the fine steps near zero, each table
// is a straight line that leaves out, or repeats, the levels listed here.
const A_LEVELS_LEFT_OUT_AT_MU = [33, 34, 35, 36, 48, 49, 64, 81];
const MU_LEVELS_REPEATED_AT_A = [25, 27, 29, 31, 45, 47, 63, 80];

const upTo = (levels: readonly number[], level: number): number =>
  levels.filter((listed) => listed <= level).length;

/** G.711 Table 3: magnitude 0 (quietest) to 127 of mu-law as a magnitude of A-law. */
function muToALevel(level: number): number {
  return level < 16 ? level >> 1 : level - 8 + upTo(A_LEVELS_LEFT_OUT_AT_MU, level);
}

/** G.711 Table 4: magnitude 0 (quietest) to 127 of A-law as a magnitude of mu-law. */
function aToMuLevel(level: number): number {
  return level < 8 ? level * 2 + 1 : level + 8 - upTo(MU_LEVELS_REPEATED_AT_A, level);
}

function byteTable(size: number, entry: (index: number) => number): Uint8Array {
  const table = new Uint8Array(size);
  for (let index = 0; index < size; index += 1) table[index] = entry(index);
  return table;
}

const toSigned = (index: number): number => (index << 16) >> 16;

const TO_MU = byteTable(0x10000, (index) => compressMu(toSigned(index)));
const TO_A = byteTable(0x10000, (index) => compressA(toSigned(index)));
const FROM_MU = Int16Array.from({ length: 256 }, (_, byte) => expandMu(byte));
const FROM_A = Int16Array.from({ length: 256 }, (_, byte) => expandA(byte));
const MU_TO_A = byteTable(256, (byte) => ((byte & 0x80) | muToALevel(~byte & 0x7f)) ^ 0x55);
const A_TO_MU = byteTable(256, (byte) => (byte & 0x80) | (~aToMuLevel((byte ^ 0x55) & 0x7f) & 0x7f));

function encode(pcm: Int16Array, table: Uint8Array, out: Uint8Array): Uint8Array {
  const length = Math.min(pcm.length, out.length);
  for (let i = 0; i < length; i += 1) out[i] = table[(pcm[i] as number) & 0xffff] as number;
  return out;
}

function decode(bytes: Uint8Array, table: Int16Array, out: Int16Array): Int16Array {
  const length = Math.min(bytes.length, out.length);
  for (let i = 0; i < length; i += 1) out[i] = table[bytes[i] as number] as number;
  return out;
}

function transcode(bytes: Uint8Array, table: Uint8Array, out: Uint8Array): Uint8Array {
  const length = Math.min(bytes.length, out.length);
  for (let i = 0; i < length; i += 1) out[i] = table[bytes[i] as number] as number;
  return out;
}

/** Linear samples to mu-law bytes. Writes into `out` (as much as both hold) and returns it. */
export function encodePcmu(pcm: Int16Array, out: Uint8Array = new Uint8Array(pcm.length)): Uint8Array {
  return encode(pcm, TO_MU, out);
}

/** Linear samples to A-law bytes. Writes into `out` (as much as both hold) and returns it. */
export function encodePcma(pcm: Int16Array, out: Uint8Array = new Uint8Array(pcm.length)): Uint8Array {
  return encode(pcm, TO_A, out);
}

/** Mu-law bytes to linear samples. Writes into `out` (as much as both hold) and returns it. */
export function decodePcmu(bytes: Uint8Array, out: Int16Array = new Int16Array(bytes.length)): Int16Array {
  return decode(bytes, FROM_MU, out);
}

/** A-law bytes to linear samples. Writes into `out` (as much as both hold) and returns it. */
export function decodePcma(bytes: Uint8Array, out: Int16Array = new Int16Array(bytes.length)): Int16Array {
  return decode(bytes, FROM_A, out);
}

/** Mu-law bytes to A-law bytes; `out` may be `bytes` itself. */
export function pcmuToPcma(bytes: Uint8Array, out: Uint8Array = new Uint8Array(bytes.length)): Uint8Array {
  return transcode(bytes, MU_TO_A, out);
}

/** A-law bytes to mu-law bytes; `out` may be `bytes` itself. */
export function pcmaToPcmu(bytes: Uint8Array, out: Uint8Array = new Uint8Array(bytes.length)): Uint8Array {
  return transcode(bytes, A_TO_MU, out);
}
