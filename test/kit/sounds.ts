/** Samples per millisecond: everything a phone says and hears is 8 kHz. */
export const SAMPLES_PER_MS = 8;
/** Samples of one 20 ms packet. */
export const FRAME = 160;

/** An endless sound: fills the next `out.length` samples, in order, without a jump between calls. */
export type Sound = (out: Int16Array) => void;

/** Peak amplitude of a sine at `dbfs` decibels below full scale (0 = a full-scale sine). */
function amplitude(dbfs: number): number {
  return 32767 * 10 ** (dbfs / 20);
}

/** A sum of sines, each at `dbfs`. */
export function tones(frequencies: readonly number[], dbfs: number): Sound {
  let at = 0;
  const peak = amplitude(dbfs);
  return (out) => {
    for (let index = 0; index < out.length; index += 1) {
      let sample = 0;
      for (const hz of frequencies) sample += peak * Math.sin((2 * Math.PI * hz * at) / 8000);
      out[index] = Math.round(sample);
      at += 1;
    }
  };
}

/** PCM played over and over. An empty buffer is silence. */
export function loop(pcm: Int16Array): Sound {
  let at = 0;
  return (out) => {
    if (pcm.length === 0) return void out.fill(0);
    for (let index = 0; index < out.length; index += 1) {
      out[index] = pcm[at] ?? 0;
      at = (at + 1) % pcm.length;
    }
  };
}

const silence: Sound = (out) => void out.fill(0);

export { silence };

/** Keys in RFC 4733 event-code order (section 3.2); the position is the event code. */
export const KEYS = '0123456789*#ABCD';
/** Low and high DTMF frequencies in Hz, and the keys they make row by row (ITU-T Q.23). */
export const LOW_HZ = [697, 770, 852, 941] as const;
export const HIGH_HZ = [1209, 1336, 1477, 1633] as const;
export const KEYPAD = ['123A', '456B', '789C', '*0#D'] as const;

/** The two tones of a key, each at `dbfs` (default -9). Throws on something that is no key. */
export function dtmf(key: string, dbfs = -9): Sound {
  const row = KEYPAD.findIndex((keys) => keys.includes(key));
  const low = LOW_HZ[row];
  const high = HIGH_HZ[KEYPAD[row]?.indexOf(key) ?? -1];
  if (low === undefined || high === undefined || key.length !== 1) throw new Error(`not a DTMF key: ${key}`);
  return tones([low, high], dbfs);
}
