/**
 * G.711 for the phone, written a second time on purpose: the phone shares no audio code with the
 * server it listens to, so a fault in one cannot hide behind the same fault in the other. Decoding
 * follows the formulas of ITU-T G.711; encoding looks up the nearest decoded level.
 */

export type PhoneCodec = 'PCMU' | 'PCMA';

/** Static RTP payload types (RFC 3551 section 6). */
export const PAYLOAD_TYPES: Readonly<Record<PhoneCodec, number>> = { PCMU: 0, PCMA: 8 };

function muLawLevel(byte: number): number {
  const code = ~byte & 0xff;
  const magnitude = (((code & 0x0f) * 2 + 33) << ((code >> 4) & 7)) - 33;
  return (code & 0x80 ? -magnitude : magnitude) * 4;
}

function aLawLevel(byte: number): number {
  const code = byte ^ 0x55;
  const segment = (code >> 4) & 7;
  const step = (code & 0x0f) * 2 + 1;
  const magnitude = segment === 0 ? step : (step + 32) << (segment - 1);
  return (code & 0x80 ? magnitude : -magnitude) * 8;
}

interface Table {
  readonly decode: Int16Array;
  /** Byte of the nearest level, by (sample + 32768) >> 3: finer than the smallest step of either law. */
  readonly encode: Uint8Array;
}

function buildTable(level: (byte: number) => number): Table {
  const decode = Int16Array.from({ length: 256 }, (_, byte) => level(byte));
  // Of the two zeros of mu-law only the positive one, 0xff, is sent.
  const byLevel = Array.from(decode, (value, byte) => ({ value, byte }))
    .filter(({ value, byte }) => value !== 0 || byte === 0xff)
    .sort((a, b) => a.value - b.value);
  const distance = (at: number, sample: number) => Math.abs((byLevel[at]?.value ?? Infinity) - sample);
  const encode = new Uint8Array(8192);
  let nearest = 0;
  for (let index = 0; index < encode.length; index += 1) {
    const middle = index * 8 - 32768 + 4;
    while (distance(nearest + 1, middle) < distance(nearest, middle)) nearest += 1;
    encode[index] = byLevel[nearest]?.byte ?? 0;
  }
  return { decode, encode };
}

const TABLES: Readonly<Record<PhoneCodec, Table>> = {
  PCMU: buildTable(muLawLevel),
  PCMA: buildTable(aLawLevel),
};

/** 16-bit PCM to one byte per sample. */
export function encode(codec: PhoneCodec, pcm: Int16Array): Uint8Array {
  const table = TABLES[codec].encode;
  const bytes = new Uint8Array(pcm.length);
  for (let at = 0; at < pcm.length; at += 1) bytes[at] = table[((pcm[at] ?? 0) + 32768) >> 3] ?? 0;
  return bytes;
}

/** One byte per sample to 16-bit PCM. */
export function decode(codec: PhoneCodec, bytes: Uint8Array): Int16Array {
  const table = TABLES[codec].decode;
  const pcm = new Int16Array(bytes.length);
  for (let at = 0; at < bytes.length; at += 1) pcm[at] = table[bytes[at] ?? 0] ?? 0;
  return pcm;
}
