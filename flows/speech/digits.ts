import type { PlainValue } from '../commands.js';
import { SpeechError } from './wording.js';

/** A caller writes down no more than that. */
const LONGEST = 100;

/**
 * Groups of digits and capital letters that are said one by one: `ab1-23` is `AB1`, `23`. An empty text has none.
 * Other signs only part them: references of gateways have all of ASCII, and a charge that was made must not fail on one.
 * Throws {@link SpeechError}.
 */
export function spokenCharacters(value: PlainValue): readonly string[] {
  const isCount = typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
  const text = isCount ? String(value) : value;
  if (typeof text !== 'string' || text.length > LONGEST || !/^[\x20-\x7e]*$/.test(text)) {
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
