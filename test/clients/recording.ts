import { AUDIBLE } from '../kit/heard.js';
import { FRAME } from '../kit/sounds.js';
import { hasTone, keyIn, level } from '../kit/spectrum.js';

/** Speech holds weak traces of any frequency; the voices of these tests are at -10 dBFS. */
export const VOICE_DBFS = -20;

/** A recording of a phone, 8 kHz PCM, in pieces of 20 ms. */
function pieces(pcm: Int16Array): Int16Array[] {
  return Array.from({ length: Math.floor(pcm.length / FRAME) }, (_, at) =>
    pcm.subarray(at * FRAME, (at + 1) * FRAME),
  );
}

export function audibleMs(pcm: Int16Array): number {
  return pieces(pcm).filter((piece) => level(piece) >= AUDIBLE).length * 20;
}

/** The longest stretch that does not hold the voice, ms. */
export function longestWithout(pcm: Int16Array, hz: number): number {
  let longest = 0;
  let now = 0;
  for (const piece of pieces(pcm)) {
    now = hasTone(piece, hz, VOICE_DBFS) ? 0 : now + 20;
    longest = Math.max(longest, now);
  }
  return longest;
}

/** Keys that sound for two pieces or longer. */
export function keysIn(pcm: Int16Array): string[] {
  const keys = pieces(pcm).map(keyIn);
  return keys.flatMap((key, at) =>
    key !== null && keys[at - 1] === key && keys[at - 2] !== key ? [key] : [],
  );
}
