/** Zero crossings of the kernel on each side: about 60 dB against aliases. */
const LOBES = 16;

/** Blackman-windowed sinc at `x` zero crossings from its centre. */
function kernel(x: number): number {
  if (x === 0) return 1;
  if (Math.abs(x) >= LOBES) return 0;
  const phase = (Math.PI * x) / LOBES;
  const window = 0.42 + 0.5 * Math.cos(phase) + 0.08 * Math.cos(2 * phase);
  return (window * Math.sin(Math.PI * x)) / (Math.PI * x);
}

/** The kernel's weights for one position between two input samples, scaled to a sum of 1. */
function weights(fraction: number, cutoff: number, reach: number): Float64Array {
  const taps = Float64Array.from({ length: 2 * reach }, (_, i) =>
    kernel((i - reach + 1 - fraction) * cutoff),
  );
  const sum = taps.reduce((total, tap) => total + tap, 0);
  return taps.map((tap) => tap / sum);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/**
 * Mono samples from one rate to another (integers, in Hz), band-limited to the lower one's half; rounded
 * and clamped to 16 bits. The weights repeat every `to / gcd` samples and are computed once each.
 */
export function resample(pcm: ArrayLike<number>, from: number, to: number): Int16Array {
  const cutoff = Math.min(1, to / from) * 0.95;
  const reach = Math.ceil(LOBES / cutoff);
  const phases = to / greatestCommonDivisor(from, to);
  const taps = Array.from({ length: from === to ? 0 : phases }, (_, phase) =>
    weights(((phase * from) / to) % 1, cutoff, reach),
  );
  const out = new Int16Array(Math.round((pcm.length * to) / from));
  for (let i = 0; i < out.length; i += 1) {
    const first = Math.floor((i * from) / to) - reach + 1;
    const row = taps[i % phases];
    let sum = row ? 0 : (pcm[i] as number);
    if (row) {
      const end = Math.min(row.length, pcm.length - first);
      for (let k = Math.max(0, -first); k < end; k += 1)
        sum += (row[k] as number) * (pcm[first + k] as number);
    }
    out[i] = Math.max(-32768, Math.min(32767, Math.round(sum)));
  }
  return out;
}
