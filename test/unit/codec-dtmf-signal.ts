import { DtmfDetector } from '../../media/codec/dtmf-detector.js';
import { DTMF_COLUMNS, DTMF_PAD, DTMF_ROWS } from '../../media/codec/dtmf-tones.js';
import { decodePcma, decodePcmu, encodePcma, encodePcmu } from '../../media/codec/g711.js';
import { levelRms, sinePeak } from '../../media/codec/level.js';

const RATE = 8000;

/** Times in ms, levels in dBm0, deviations as fractions of the frequency. */
export interface SignalOptions {
  readonly on?: number;
  readonly off?: number;
  readonly row?: number;
  readonly column?: number;
  readonly rowDeviation?: number;
  readonly columnDeviation?: number;
  readonly noise?: number;
  /** Added to the tones from the first sample on. */
  readonly background?: Int16Array;
  /** Samples before the first key. */
  readonly lead?: number;
}

export interface Signal {
  readonly pcm: Int16Array;
  /** Sample at which each key starts. */
  readonly starts: readonly number[];
}

/** The same sequence of numbers from 0 to 1 in every run. */
export function random(seed = 1): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export function whiteNoise(samples: number, dbm0: number, seed = 7): Float64Array {
  const next = random(seed);
  const peak = levelRms(dbm0) * Math.sqrt(3);
  return Float64Array.from({ length: samples }, () => (2 * next() - 1) * peak);
}

export function clamp(signal: Float64Array): Int16Array {
  return Int16Array.from(signal, (value) => Math.max(-32768, Math.min(32767, Math.round(value))));
}

/** Keys one after the other, made here and not by dtmfTone, with hard edges and arbitrary phases. */
export function keySignal(keys: string, options: SignalOptions = {}): Signal {
  const { on = 60, off = 40, row = -9, column = -7, lead = 403 } = options;
  const period = Math.round(((on + off) * RATE) / 1000);
  const length = lead + keys.length * period + 800;
  const signal = options.noise === undefined ? new Float64Array(length) : whiteNoise(length, options.noise);
  options.background?.subarray(0, length).forEach((sample, i) => {
    signal[i] = (signal[i] as number) + sample;
  });
  const starts = [...keys].map((_, i) => lead + i * period);
  [...keys].forEach((key, i) => {
    const index = DTMF_PAD.indexOf(key);
    const low = (DTMF_ROWS[index >> 2] as number) * (1 + (options.rowDeviation ?? 0));
    const high = (DTMF_COLUMNS[index & 3] as number) * (1 + (options.columnDeviation ?? 0));
    addSine(signal, starts[i] as number, (on * RATE) / 1000, low, sinePeak(row), i);
    addSine(signal, starts[i] as number, (on * RATE) / 1000, high, sinePeak(column), 2 * i);
  });
  return { pcm: clamp(signal), starts };
}

function addSine(
  signal: Float64Array,
  start: number,
  length: number,
  hertz: number,
  peak: number,
  phase: number,
): void {
  for (let i = 0; i < length; i += 1) {
    const wave = Math.sin((2 * Math.PI * hertz * i) / RATE + phase);
    signal[start + i] = (signal[start + i] as number) + peak * wave;
  }
}

export const throughMu = (pcm: Int16Array): Int16Array => decodePcmu(encodePcmu(pcm));
export const throughA = (pcm: Int16Array): Int16Array => decodePcma(encodePcma(pcm));

export interface Heard {
  readonly keys: string;
  readonly durations: readonly number[];
  /** Sample count pushed when each key was reported as down. */
  readonly downs: readonly number[];
  readonly downKeys: string;
}

/** Runs the detector over `pcm` in pieces of `piece` samples. */
export function hear(pcm: Int16Array, piece = 160): Heard {
  let position = 0;
  let keys = '';
  let downKeys = '';
  const durations: number[] = [];
  const downs: number[] = [];
  const detector = new DtmfDetector(
    (code, durationMs) => {
      keys += String.fromCharCode(code);
      durations.push(durationMs);
    },
    (code) => {
      downKeys += String.fromCharCode(code);
      downs.push(position);
    },
  );
  while (position < pcm.length) {
    const part = pcm.subarray(position, position + piece);
    position += part.length;
    detector.push(part);
  }
  return { keys, durations, downs, downKeys };
}
