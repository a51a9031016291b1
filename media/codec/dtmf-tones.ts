import { sinePeak } from './level.js';

/** Row frequencies in Hz (ITU-T Q.23, low group). */
export const DTMF_ROWS = [697, 770, 852, 941] as const;
/** Column frequencies in Hz (ITU-T Q.23, high group). */
export const DTMF_COLUMNS = [1209, 1336, 1477, 1633] as const;
/** Keys row by row, as on the telephone: the key at row r and column c has index 4 r + c. */
export const DTMF_PAD = '123A456B789C*0#D';

const RATE = 8000;
const RAMP_SAMPLES = 8;
// The high group is sent 2 dB louder: lines lose more at high frequencies.
const ROW_PEAK = sinePeak(-9);
const COLUMN_PEAK = sinePeak(-7);

/**
 * The two tones of a key, 8 kHz linear samples, `durationMs` long with edges of 1 ms; rows at -9 dBm0,
 * columns at -7 dBm0. `code` is the ASCII code of one of 0-9, *, #, A-D; throws RangeError for another.
 */
export function dtmfTone(code: number, durationMs: number): Int16Array {
  const key = DTMF_PAD.indexOf(String.fromCharCode(code));
  if (key < 0) throw new RangeError('not a DTMF key');
  const row = (2 * Math.PI * (DTMF_ROWS[key >> 2] as number)) / RATE;
  const column = (2 * Math.PI * (DTMF_COLUMNS[key & 3] as number)) / RATE;
  const tone = new Int16Array(Math.round((durationMs * RATE) / 1000));
  for (let i = 0; i < tone.length; i += 1) {
    const edge = Math.min(i + 1, tone.length - i, RAMP_SAMPLES) / RAMP_SAMPLES;
    tone[i] = Math.round(edge * (ROW_PEAK * Math.sin(row * i) + COLUMN_PEAK * Math.sin(column * i)));
  }
  return tone;
}
