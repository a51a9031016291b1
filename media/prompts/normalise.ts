import { levelRms } from '../codec/level.js';

const TARGET = levelRms(-19);
const HIGHEST_PEAK = 30000;
const FRAME = 160;
/** Frames this far below the loudest one (25 dB in power) are pauses, not speech. */
const PAUSE_RATIO = 10 ** -2.5;
const LEAD_FRAMES = 1;
const TAIL_FRAMES = 4;

function framePowers(pcm: Int16Array): Float64Array {
  const powers = new Float64Array(Math.ceil(pcm.length / FRAME));
  pcm.forEach((sample, i) => {
    const frame = Math.floor(i / FRAME);
    powers[frame] = (powers[frame] as number) + (sample * sample) / FRAME;
  });
  return powers;
}

/**
 * Speech at an active level of -19 dBm0 (pauses not counted), never clipped, with 20 ms of what came
 * before it and 80 ms of what came after; silence stays as it is. 8 kHz mono samples in and out.
 */
export function normaliseSpeech(pcm: Int16Array): Int16Array {
  const powers = framePowers(pcm);
  const floor = Math.max(...powers) * PAUSE_RATIO;
  const active = powers.filter((power) => power > floor);
  if (active.length === 0) return pcm;
  const rms = Math.sqrt(active.reduce((sum, power) => sum + power, 0) / active.length);
  const first = Math.max(powers.findIndex((power) => power > floor) - LEAD_FRAMES, 0) * FRAME;
  const last = (powers.findLastIndex((power) => power > floor) + 1 + TAIL_FRAMES) * FRAME;
  const spoken = pcm.slice(first, last);
  const peak = spoken.reduce((highest, sample) => Math.max(highest, Math.abs(sample)), 1);
  const gain = Math.min(TARGET / rms, HIGHEST_PEAK / peak);
  return spoken.map((sample) => Math.round(sample * gain));
}
