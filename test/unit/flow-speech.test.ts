import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlainValue } from '../../flows/commands.js';
import { spokenCharacters } from '../../flows/speech/digits.js';
import { wordingOf } from '../../flows/speech/languages.js';
import { spokenDate, spokenTime } from '../../flows/speech/moment.js';
import { spokenAmount } from '../../flows/speech/money.js';
import { spokenNumber } from '../../flows/speech/number.js';
import { SpeechError, type Wording } from '../../flows/speech/wording.js';

function wording(tag: string): Wording {
  const found = wordingOf(tag);
  assert.ok(found, tag);
  return found;
}

const us = wording('en-US');
const gb = wording('en-GB');

const number = (value: PlainValue, words = us) => words.number(spokenNumber(value));
const money = (value: PlainValue, currency: PlainValue, words = us) =>
  words.money(spokenAmount(value, currency));
const date = (value: PlainValue, words = us) => words.date(spokenDate(value));
const time = (value: PlainValue) => us.time(spokenTime(value));
const spell = (value: PlainValue) => us.spell(spokenCharacters(value));

test('numbers: zero, negative ones, decimals one by one, large ones', () => {
  assert.equal(number(0), 'zero');
  assert.equal(number(-0), 'zero');
  assert.equal(number(-21), 'minus twenty-one');
  assert.equal(number(105), 'one hundred five');
  assert.equal(number(105, gb), 'one hundred and five');
  assert.equal(number(3.14), 'three point one four');
  assert.equal(number(-0.05), 'minus zero point zero five');
  assert.equal(number(0.1 + 0.2), 'zero point three');
  assert.equal(number(0.0000001), 'zero');
  assert.equal(number(-0.0000001), 'zero');
  assert.equal(number(2_000_000_017), 'two billion seventeen');
  assert.equal(
    number(999_999_999_999_999),
    'nine hundred ninety-nine trillion nine hundred ninety-nine billion nine hundred ninety-nine million ' +
      'nine hundred ninety-nine thousand nine hundred ninety-nine',
  );
});

test('money: minor units or decimals, one and several, negative, zero, large', () => {
  assert.equal(money(1950, 'EUR'), 'nineteen euros and fifty cents');
  assert.equal(money('19.50', 'EUR'), 'nineteen euros and fifty cents');
  assert.equal(money(101, 'EUR'), 'one euro and one cent');
  assert.equal(money(201, 'GBP', gb), 'two British pounds and one penny');
  assert.equal(money(-1950, 'EUR'), 'minus nineteen euros and fifty cents');
  assert.equal(money('-0.05', 'GBP'), 'minus five pence');
  assert.equal(money(0, 'EUR'), 'zero euros');
  assert.equal(money(-0, 'EUR'), 'zero euros');
  assert.equal(money(100, 'USD'), 'one U S dollar');
  assert.equal(money(10_500_000_000, 'EUR', gb), 'one hundred and five million euros');
});

test('money: decimals by ISO 4217, said as decimals where the part has no name', () => {
  assert.equal(money(500, 'JPY'), 'five hundred Japanese yen');
  assert.equal(money('500', 'JPY'), 'five hundred Japanese yen');
  assert.equal(money(12_345, 'KWD'), 'twelve point three four five Kuwaiti dinars');
  assert.equal(money('1.500', 'KWD'), 'one point five Kuwaiti dinars');
  assert.equal(money(1999, 'SEK'), 'nineteen point nine nine Swedish kronor');
  assert.equal(money(190_000, 'HUF'), 'one thousand nine hundred Hungarian forints');
});

test('dates: the ordinal of the day, the year as years are said, the order of the region', () => {
  assert.equal(date('2026-11-27'), 'November twenty-seventh, twenty twenty-six');
  assert.equal(date('2026-11-27', gb), 'the twenty-seventh of November, twenty twenty-six');
  assert.equal(date('2006-01-01'), 'January first, two thousand six');
  assert.equal(date('2006-01-02', gb), 'the second of January, two thousand and six');
  assert.equal(date('1905-03-22'), 'March twenty-second, nineteen oh five');
  assert.equal(date('1900-05-03'), 'May third, nineteen hundred');
  assert.equal(date('2000-02-29'), 'February twenty-ninth, two thousand');
  assert.equal(date('2026-12-31T23:59:00-05:00'), 'December thirty-first, twenty twenty-six');
});

test('times of day', () => {
  assert.equal(time('00:00'), 'midnight');
  assert.equal(time('12:00'), 'twelve noon');
  assert.equal(time('09:00'), "nine o'clock in the morning");
  assert.equal(time('00:05'), 'twelve oh five at night');
  assert.equal(time('15:30:59Z'), 'three thirty in the afternoon');
  assert.equal(time('2026-11-27T18:45'), 'six forty-five in the evening');
});

test('digits and letters one by one, groups apart', () => {
  assert.equal(spell('4242'), '4 2 4 2');
  assert.equal(spell('0042'), '0 0 4 2');
  assert.equal(spell(4242), '4 2 4 2');
  assert.equal(spell('ab1-23 4'), 'A B 1, 2 3, 4');
  assert.equal(spell('#pi_3+x'), 'P I, 3, X');
  assert.equal(spell(''), '');
});

const REFUSED: readonly (readonly [string, () => unknown, RegExp])[] = [
  ['a text for a number', () => number('12'), /no number/],
  ['nothing for a number', () => number(null), /no number/],
  ['a truth for a number', () => number(true), /no number/],
  ['no finite number', () => number(Number.NaN), /no number/],
  ['a number beyond all speech', () => number(1e15), /too large/],
  ['a fraction of a cent', () => money(19.5, 'EUR'), /no amount/],
  ['an amount that could be euros or cents', () => money('1950', 'EUR'), /no amount/],
  ['too few decimals', () => money('19.5', 'EUR'), /no amount/],
  ['decimals that a currency has not', () => money('5.00', 'JPY'), /no amount/],
  ['an amount beyond exact numbers', () => money('999999999999999.99', 'EUR'), /no amount/],
  ['no amount', () => money('', 'EUR'), /no amount/],
  ['an unknown currency', () => money(1950, 'XYZ'), /currency is not known/],
  ['a currency in small letters', () => money(1950, 'eur'), /currency is not known/],
  ['no currency', () => money(1950, null), /currency is not known/],
  ['a day that its month has not', () => date('2026-02-29'), /no date/],
  ['a thirteenth month', () => date('2026-13-01'), /no date/],
  ['a date by custom', () => date('27/11/2026'), /no date/],
  ['a time for a date', () => date('15:30'), /no date/],
  ['more than a date', () => date('2026-11-27 or so'), /no date/],
  ['a date for a time', () => time('2026-11-27'), /no time/],
  ['an hour past the day', () => time('24:00'), /no time/],
  ['a time on no day', () => time('2026-02-30T10:00'), /no time/],
  ['a sign that has no name', () => spell('4242\u20ac'), /cannot be spelled/],
  ['a negative number', () => spell(-4), /cannot be spelled/],
  ['a fraction', () => spell(4.2), /cannot be spelled/],
  ['nothing', () => spell(null), /cannot be spelled/],
  ['more than a caller can follow', () => spell('1'.repeat(101)), /cannot be spelled/],
];

for (const [name, speak, message] of REFUSED) {
  test(`not spoken: ${name}`, () => {
    assert.throws(speak, (error) => {
      assert.ok(error instanceof SpeechError, String(error));
      assert.match(error.message, message);
      assert.ok(error.remedy.length > 0);
      assert.doesNotMatch(error.message, /1950|4242|XYZ/);
      return true;
    });
  });
}

test('languages without a pack cannot be spoken; every region of a pack can', () => {
  assert.equal(wordingOf('de-DE'), null);
  assert.ok(wordingOf('en-AU'));
});
