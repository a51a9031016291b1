import { FRAME, HIGH_HZ, KEYPAD, LOW_HZ } from './sounds.js';

/** Power of `hz` in the samples, relative to a full-scale sine: 1 is one, 0 is nothing (Goertzel). */
function tonePower(pcm: Int16Array, hz: number, windowed: boolean): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * hz) / 8000);
  let previous = 0;
  let beforeThat = 0;
  for (let index = 0; index < pcm.length; index += 1) {
    const weight = windowed ? 1 - Math.cos((2 * Math.PI * (index + 0.5)) / pcm.length) : 1;
    const next = ((pcm[index] ?? 0) / 32768) * weight + coefficient * previous - beforeThat;
    beforeThat = previous;
    previous = next;
  }
  const power = previous ** 2 + beforeThat ** 2 - coefficient * previous * beforeThat;
  return (4 * power) / pcm.length ** 2;
}

function decibels(power: number): number {
  return 10 * Math.log10(power + 1e-12);
}

/**
 * Level of one frequency in dBFS (0 = a full-scale sine). A Hann window keeps louder tones 300 Hz away
 * more than 40 dB down over 20 ms.
 */
export function toneLevel(pcm: Int16Array, hz: number): number {
  return decibels(tonePower(pcm, hz, true));
}

/** Level of everything, in dBFS against a full-scale sine. */
export function level(pcm: Int16Array): number {
  let sum = 0;
  for (const sample of pcm) sum += (sample / 32768) ** 2;
  return decibels((2 * sum) / Math.max(1, pcm.length));
}

/** True when `hz` stands out: at least `threshold` dBFS and 6 dB above its surroundings, 2 bins either side. */
export function hasTone(pcm: Int16Array, hz: number, threshold: number): boolean {
  const here = toneLevel(pcm, hz);
  if (here < threshold) return false;
  const away = (2 * 8000) / pcm.length;
  return here > toneLevel(pcm, hz - away) + 6 && here > toneLevel(pcm, hz + away) + 6;
}

/** How long `hz` stands out in a recording, ms, looked at in pieces of 20 ms. */
export function toneMs(pcm: Int16Array, hz: number, threshold: number): number {
  let pieces = 0;
  for (let at = 0; at + FRAME <= pcm.length; at += FRAME) {
    if (hasTone(pcm.subarray(at, at + FRAME), hz, threshold)) pieces += 1;
  }
  return pieces * 20;
}

function strongest(powers: readonly number[]): { index: number; power: number; clear: boolean } {
  const power = Math.max(...powers);
  const index = powers.indexOf(power);
  return { index, power, clear: powers.every((other, at) => at === index || other < power / 4) };
}

/**
 * The DTMF key sounding in these samples (best 10 to 30 ms of them), or null. Wants one clear low and
 * one clear high tone that together are at least 70 % of all energy, above -45 dBFS, twist within 10 dB.
 */
export function keyIn(pcm: Int16Array): string | null {
  if (level(pcm) < -45) return null;
  const low = strongest(LOW_HZ.map((hz) => tonePower(pcm, hz, false)));
  const high = strongest(HIGH_HZ.map((hz) => tonePower(pcm, hz, false)));
  const twist = Math.abs(decibels(low.power) - decibels(high.power));
  if (!low.clear || !high.clear || twist > 10) return null;
  if (low.power + high.power < 0.7 * 10 ** (level(pcm) / 10)) return null;
  return KEYPAD[low.index]?.[high.index] ?? null;
}
