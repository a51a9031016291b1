import type { PlainValue } from '../commands.js';
import { SpeechError } from './wording.js';

/** A caller writes down no more than that. */
const LONGEST = 100;

/**
 * Groups of digits and capital letters that are said one by one: `ab1-23` is `AB1`, `23`. An empty text has none.
 * Throws {@link SpeechError}.
 */
export function spokenCharacters(value: PlainValue): readonly string[] {
  const isCount = typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
  const text = isCount ? String(value) : value;
  if (typeof text !== 'string' || text.length > LONGEST || !/^[0-9A-Za-z\s._/-]*$/.test(text)) {
    throw new SpeechError(
      'the value cannot be spelled',
      `give a text of letters and digits, ${LONGEST} at most, or a whole number`,
    );
  }
  return text
    .toUpperCase()
    .split(/[^0-9A-Z]+/)
    .filter((group) => group !== '');
}
