import { MediaError } from '../media-server.js';
import { decodePcma, decodePcmu } from './g711.js';
import { resample } from './resample.js';

/** Samples per second of everything Tacet plays. */
export const SAMPLE_RATE = 8000;

const HEADER_BYTES = 44;
const MIN_RATE = 4000;
const MAX_RATE = 192000;

const FORMAT_PCM = 1;
const FORMAT_ALAW = 6;
const FORMAT_MULAW = 7;
const FORMAT_EXTENSIBLE = 0xfffe;

interface Format {
  readonly tag: number;
  readonly channels: number;
  readonly rate: number;
  readonly bits: number;
}

interface Chunks {
  readonly format: Format;
  readonly data: Uint8Array;
}

/**
 * Reads a RIFF WAVE file (PCM of 8 or 16 bits, A-law or mu-law; mono or stereo, which is mixed down; 4 to
 * 192 kHz) as 8 kHz mono samples. Throws MediaError `bad-audio` with `name` and what is wrong.
 */
export function readWav(bytes: Uint8Array, name: string): Int16Array {
  const { format, data } = chunks(bytes, name);
  check(format, name);
  const frame = (format.channels * format.bits) / 8;
  if (data.length === 0) throw bad(name, 'it holds no samples');
  if (data.length % frame !== 0) throw bad(name, 'its last sample is cut off');
  return resample(mixDown(samples(data, format), format.channels), format.rate, SAMPLE_RATE);
}

/** A WAV file, 16-bit PCM, of 8 kHz mono samples. */
export function writeWav(pcm: Int16Array): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + pcm.length * 2);
  const view = new DataView(bytes.buffer);
  const text = (offset: number, value: string): void => {
    bytes.set(new TextEncoder().encode(value), offset);
  };
  text(0, 'RIFF');
  view.setUint32(4, bytes.length - 8, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, FORMAT_PCM, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, SAMPLE_RATE, true);
  view.setUint32(28, SAMPLE_RATE * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, 'data');
  view.setUint32(40, pcm.length * 2, true);
  for (let i = 0; i < pcm.length; i += 1) view.setInt16(HEADER_BYTES + i * 2, pcm[i] as number, true);
  return bytes;
}

function bad(name: string, what: string): MediaError {
  return new MediaError('bad-audio', `${name}: ${what}`);
}

function fourLetters(view: DataView, offset: number): string {
  return String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(offset + i)));
}

/** Walks the chunks up to `data`; others (LIST, fact, ...) are passed over. */
function chunks(bytes: Uint8Array, name: string): Chunks {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || fourLetters(view, 0) !== 'RIFF' || fourLetters(view, 8) !== 'WAVE') {
    throw bad(name, 'not a WAV file (no RIFF WAVE header)');
  }
  let format: Format | null = null;
  let offset = 12;
  while (offset + 8 <= bytes.length) {
    const id = fourLetters(view, offset);
    const length = view.getUint32(offset + 4, true);
    const start = offset + 8;
    if (start + length > bytes.length) {
      throw bad(name, `cut off: its ${id.trim()} chunk should have ${length} bytes`);
    }
    if (id === 'fmt ') format = readFormat(view, start, length, name);
    if (id === 'data') {
      if (!format) throw bad(name, 'its data chunk comes before a fmt chunk');
      return { format, data: bytes.subarray(start, start + length) };
    }
    // Chunks are padded to an even length.
    offset = start + length + (length & 1);
  }
  throw bad(name, `cut off: no ${format ? 'data' : 'fmt'} chunk`);
}

function readFormat(view: DataView, start: number, length: number, name: string): Format {
  if (length < 16) throw bad(name, 'its fmt chunk is too short');
  const outer = view.getUint16(start, true);
  if (outer === FORMAT_EXTENSIBLE && length < 40) throw bad(name, 'its fmt chunk is too short');
  return {
    // WAVE_FORMAT_EXTENSIBLE: the sub-format begins with the tag.
    tag: outer === FORMAT_EXTENSIBLE ? view.getUint16(start + 24, true) : outer,
    channels: view.getUint16(start + 2, true),
    rate: view.getUint32(start + 4, true),
    bits: view.getUint16(start + 14, true),
  };
}

function check(format: Format, name: string): void {
  const { tag, channels, rate, bits } = format;
  const isLaw = tag === FORMAT_ALAW || tag === FORMAT_MULAW;
  if (tag !== FORMAT_PCM && !isLaw) {
    throw bad(name, `format ${tag} is not supported: PCM, A-law and mu-law are`);
  }
  if (isLaw ? bits !== 8 : bits !== 8 && bits !== 16) {
    throw bad(name, `${bits} bits per sample are not supported: ${isLaw ? '8' : '8 and 16'} are`);
  }
  if (channels !== 1 && channels !== 2) {
    throw bad(name, `${channels} channels are not supported: mono and stereo are`);
  }
  if (rate < MIN_RATE || rate > MAX_RATE) {
    throw bad(name, `${rate} samples per second are not supported: ${MIN_RATE} to ${MAX_RATE} are`);
  }
}

function samples(data: Uint8Array, format: Format): Int16Array {
  if (format.tag === FORMAT_ALAW) return decodePcma(data);
  if (format.tag === FORMAT_MULAW) return decodePcmu(data);
  // PCM of 8 bits is unsigned, of 16 bits signed.
  if (format.bits === 8) return Int16Array.from(data, (byte) => (byte - 128) << 8);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return Int16Array.from({ length: data.length / 2 }, (_, i) => view.getInt16(i * 2, true));
}

function mixDown(interleaved: Int16Array, channels: number): Int16Array {
  if (channels === 1) return interleaved;
  const mono = new Int16Array(interleaved.length / 2);
  for (let i = 0; i < mono.length; i += 1) {
    mono[i] = ((interleaved[2 * i] as number) + (interleaved[2 * i + 1] as number)) >> 1;
  }
  return mono;
}
