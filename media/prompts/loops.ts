import { levelOf, levelRms, sinePeak } from '../codec/level.js';
import type { AudioLoop } from '../endpoint.js';

const RATE = 8000;
const PACKET = 160;

/** One round of an endless source: 8 kHz mono samples, whole 20 ms packets, joining itself without a click. */
export function renderLoop(name: AudioLoop): Int16Array {
  return LOOPS[name]();
}

const LOOPS: Readonly<Record<AudioLoop, () => Int16Array>> = {
  ringback: () => {
    // ITU-T E.180: 425 Hz, one second on and four seconds off.
    const round = new Float64Array(5 * RATE);
    addTone(round, 0, RATE, 425, sinePeak(-16));
    return Int16Array.from(round, Math.round);
  },
  'comfort-tone': () => {
    // One soft tone each three seconds tells the agent that the line is alive; the noise between, that it is not cut.
    const round = noise(3 * RATE, levelRms(-64));
    addTone(round, RATE, 0.15 * RATE, 440, sinePeak(-30));
    return Int16Array.from(round, Math.round);
  },
  'hold-music': holdMusic,
};

/** Adds a sine with edges of 10 ms. Times in samples, `peak` in 16-bit samples. */
function addTone(round: Float64Array, start: number, length: number, hertz: number, peak: number): void {
  const edge = 80;
  for (let i = 0; i < length; i += 1) {
    const gain = Math.min(i / edge, (length - i) / edge, 1);
    round[start + i] = (round[start + i] ?? 0) + gain * peak * Math.sin((2 * Math.PI * hertz * i) / RATE);
  }
}

/** White noise of the given root mean square, the same in every process. */
function noise(length: number, rms: number): Float64Array {
  let state = 1;
  return Float64Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 31 - 1) * rms * Math.sqrt(3);
  });
}

/** Semitones above A3 (220 Hz) of each bar's broken chord: C, A minor, F, G, twice with another top voice. */
const BARS: readonly (readonly number[])[] = [
  [3, 7, 10, 15, 10, 7],
  [0, 3, 7, 12, 7, 3],
  [-4, 0, 3, 8, 3, 0],
  [-2, 2, 5, 10, 5, 2],
  [3, 7, 10, 14, 10, 7],
  [0, 3, 7, 10, 7, 3],
  [-4, 0, 3, 7, 3, 0],
  [-2, 2, 5, 8, 5, 2],
];
const NOTE_PACKETS = 16;
const LEVEL = -22;

function holdMusic(): Int16Array {
  const step = NOTE_PACKETS * PACKET;
  const notes = BARS.flat();
  const round = new Float64Array(notes.length * step);
  notes.forEach((semitone, i) => {
    pluck(round, i * step, semitone, 1);
  });
  BARS.forEach((bar, i) => {
    pluck(round, i * bar.length * step, (bar[0] ?? 0) - 12, 1.3);
  });
  const raw = Int16Array.from(round, (sample) => Math.round(sample * 4000));
  const gain = 10 ** ((LEVEL - levelOf(raw)) / 20);
  return raw.map((sample) => Math.round(sample * gain));
}

/** Adds a plucked string that dies away over about a second; what is left at the end sounds on at the start. */
function pluck(round: Float64Array, start: number, semitone: number, peak: number): void {
  const omega = (2 * Math.PI * 220 * 2 ** (semitone / 12)) / RATE;
  for (let i = 0; i < 2.5 * RATE; i += 1) {
    const gain = peak * Math.min(i / 40, 1) * Math.exp((-i / RATE) * 3.2);
    const wave = Math.sin(omega * i) + 0.3 * Math.sin(2 * omega * i) * Math.exp((-i / RATE) * 4);
    const at = (start + i) % round.length;
    round[at] = (round[at] ?? 0) + gain * wave;
  }
}
