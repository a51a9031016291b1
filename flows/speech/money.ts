import type { PlainValue } from '../commands.js';
import { isCurrency, minorDigits } from '../currency.js';
import { type Amount, SpeechError } from './wording.js';

/**
 * An amount of money: a whole number is minor units (cents), a text has the currency's decimals (`19.50`). Everything
 * else could be taken for two amounts. Throws {@link SpeechError}.
 */
export function spokenAmount(value: PlainValue, currency: PlainValue): Amount {
  if (typeof currency !== 'string' || !isCurrency(currency)) {
    throw new SpeechError('the currency is not known', 'give a code of ISO 4217, as EUR');
  }
  const digits = minorDigits(currency);
  const minor = typeof value === 'string' ? fromText(value, digits) : value;
  if (typeof minor !== 'number' || !Number.isSafeInteger(minor)) {
    const example = (19.5).toFixed(digits);
    throw new SpeechError(
      'the value is no amount of money',
      `give a whole number of minor units, or a text with the decimals of the currency, as '"${example}"'`,
    );
  }
  const unit = 10 ** digits;
  const size = Math.abs(minor);
  return { isNegative: minor < 0, whole: Math.trunc(size / unit), rest: size % unit, digits, currency };
}

function fromText(text: string, digits: number): number | null {
  const [, sign = '', whole = '', decimals = ''] = /^(-?)(\d{1,15})(?:\.(\d+))?$/.exec(text) ?? [];
  return whole !== '' && decimals.length === digits ? Number(`${sign}${whole}${decimals}`) : null;
}
