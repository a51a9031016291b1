/**
 * Levels in dBm0 (ITU-T G.711): a sine that just reaches the overload point of mu-law, 8,159 of 14 bits,
 * has 3.17 dBm0.
 */
const OVERLOAD_PEAK = 8159 * 4;

/** Peak amplitude, in 16-bit samples, of a sine of the given level. */
export function sinePeak(dbm0: number): number {
  return OVERLOAD_PEAK * 10 ** ((dbm0 - 3.17) / 20);
}

/** Root mean square, in 16-bit samples, of any signal of the given level. */
export function levelRms(dbm0: number): number {
  return sinePeak(dbm0) / Math.SQRT2;
}

/** Level of the whole of `pcm` in dBm0; -Infinity when it is empty or all zero. */
export function levelOf(pcm: Int16Array): number {
  let power = 0;
  for (const sample of pcm) power += sample * sample;
  return 20 * Math.log10(Math.sqrt(power / Math.max(pcm.length, 1)) / levelRms(0));
}
