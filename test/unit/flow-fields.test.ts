import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkAccountNumber, checkRoutingNumber } from '../../flows/fields/bank-account.js';
import { brandOf, longestNumber } from '../../flows/fields/brands.js';
import { checkCardNumber } from '../../flows/fields/card-number.js';
import { calendarDay, checkDate, dayOfText } from '../../flows/fields/date.js';
import { checkDigits } from '../../flows/fields/digits.js';
import { checkExpiry } from '../../flows/fields/expiry.js';
import { checkPostalCode } from '../../flows/fields/postal-code.js';
import { checkSecurityCode } from '../../flows/fields/security-code.js';
import { transform } from '../../flows/fields/transforms.js';
import { NOW } from './flow-simulator.js';

const codes = (text: string) => Uint8Array.from(text, (key) => key.charCodeAt(0));

/** Numbers that gateways publish for tests, and their brands. */
const CARDS = [
  ['4111111111111111', 'visa'],
  ['4222222222222', 'visa'],
  ['4000000000000000006', 'visa'],
  ['5555555555554444', 'mastercard'],
  ['2223003122003222', 'mastercard'],
  ['2720999999999996', 'mastercard'],
  ['378282246310005', 'amex'],
  ['341111111111111', 'amex'],
  ['6011111111111117', 'discover'],
  ['6445644564456445', 'discover'],
  ['6500000000000002', 'discover'],
  ['30569309025904', 'diners'],
  ['36227206271667', 'diners'],
  ['3530111333300000', 'jcb'],
  ['6200000000000005', 'unionpay'],
  ['6221260000000000', 'unionpay'],
  ['6759649826438453', 'maestro'],
  ['5018000000000009', 'maestro'],
] as const;

for (const [number, brand] of CARDS) {
  test(`${brand} is known by ${number.slice(0, 6)}, and one wrong digit or two exchanged ones are found`, () => {
    assert.equal(brandOf(codes(number)), brand);
    assert.equal(checkCardNumber(codes(number), []), null);
    assert.equal(checkCardNumber(codes(number), [brand]), null);
    const other = brand === 'visa' ? 'amex' : 'visa';
    assert.equal(checkCardNumber(codes(number), [other]), 'invalid-card-type');
    const last = Number(number.at(-1));
    const wrong = number.slice(0, -1) + ((last + 1) % 10);
    assert.equal(checkCardNumber(codes(wrong), []), 'invalid-card-number');
  });
}

test('ranges end where they end', () => {
  for (const [start, brand] of [
    ['2220', null],
    ['2221', 'mastercard'],
    ['2720', 'mastercard'],
    ['2721', null],
    ['50', 'maestro'],
    ['51', 'mastercard'],
    ['55', 'mastercard'],
    ['56', 'maestro'],
    ['3527', null],
    ['3528', 'jcb'],
    ['3589', 'jcb'],
    ['3590', null],
    ['306', null],
    ['643', null],
    ['644', 'discover'],
    ['6', null],
    ['', null],
  ] as const) {
    assert.equal(brandOf(codes(start)), brand, start);
  }
});

test('the longest number follows the brand as soon as it shows', () => {
  assert.equal(longestNumber(codes('')), 19);
  assert.equal(longestNumber(codes('5')), 19);
  assert.equal(longestNumber(codes('51')), 16);
  assert.equal(longestNumber(codes('37')), 15);
  assert.equal(longestNumber(codes('4')), 19);
});

test('card numbers: lengths, unknown brands and other keys', () => {
  assert.equal(checkCardNumber(codes('41111111111111'), []), 'invalid-card-number');
  assert.equal(checkCardNumber(codes('42424242424242'), []), 'invalid-card-number');
  assert.equal(checkCardNumber(codes('9999999999999995'), []), 'invalid-card-type');
  assert.equal(checkCardNumber(codes('4111-1111-1111-1111'), []), 'invalid-card-number');
  assert.equal(checkCardNumber(codes(''), []), 'invalid-card-number');
});

test('expiry: the running month is good, the one before is not, nor are months that do not exist', () => {
  for (const [text, verdict] of [
    ['1126', null],
    ['1226', null],
    ['0127', null],
    ['1246', null],
    ['1026', 'invalid-date'],
    ['1225', 'invalid-date'],
    ['1247', 'invalid-date'],
    ['0027', 'invalid-date'],
    ['1327', 'invalid-date'],
    ['127', 'invalid-date'],
    ['12270', 'invalid-date'],
    ['1A27', 'invalid-date'],
  ] as const) {
    assert.equal(checkExpiry(codes(text), NOW), verdict, text);
  }
});

test('security code, postal code and digits: lengths', () => {
  assert.equal(checkSecurityCode(codes('123'), 'visa'), null);
  assert.equal(checkSecurityCode(codes('1234'), 'visa'), 'invalid-security-code');
  assert.equal(checkSecurityCode(codes('1234'), 'amex'), null);
  assert.equal(checkSecurityCode(codes('123'), 'amex'), 'invalid-security-code');
  assert.equal(checkSecurityCode(codes('12'), null), 'invalid-security-code');
  assert.equal(checkPostalCode(codes('10115'), 3, 10), null);
  assert.equal(checkPostalCode(codes('10'), 3, 10), 'invalid-postal-code');
  assert.equal(checkDigits(codes('12'), 1, 2), null);
  assert.equal(checkDigits(codes('123'), 1, 2), 'invalid-input');
  assert.equal(checkDigits(codes('1*'), 1, 2), 'invalid-input');
});

test('transforms give the last four, the first six, the brand and the length, and no more', () => {
  const card = codes('4111111111111234');
  assert.equal(transform('last4', card), '1234');
  assert.equal(transform('bin', card), '411111');
  assert.equal(transform('brand', card), 'visa');
  assert.equal(transform('length', card), 16);
  for (const short of ['', '123', '1227', '12345678901']) {
    assert.equal(transform('last4', codes(short)), '');
    assert.equal(transform('bin', codes(short)), '');
  }
  assert.equal(transform('brand', codes('99')), '');
  assert.equal(transform('accountEnd', codes('12345678')), '5678');
  for (const short of ['', '837', '1227', '1234567']) assert.equal(transform('accountEnd', codes(short)), '');
});

test('a routing number has a prefix that exists and its check digit', () => {
  for (const number of ['110000000', '021000021', '122105155', '322271627', '061000052', '800000006']) {
    assert.equal(checkRoutingNumber(codes(number)), null, number);
  }
  const wrong = [
    '110000001',
    '101000000',
    '000000000',
    '130000006',
    '400000008',
    '990000000',
    '11000000',
    '1100000000',
  ];
  for (const number of wrong) {
    assert.equal(checkRoutingNumber(codes(number)), 'invalid-bank-routing-number', number);
  }
});

test('an account number is as long as its field says', () => {
  for (const number of ['1234', '000123456789', '12345678901234567']) {
    assert.equal(checkAccountNumber(codes(number), 4, 17), null);
  }
  for (const number of ['123', '123456789012345678', '12*4']) {
    assert.equal(checkAccountNumber(codes(number), 4, 17), 'invalid-bank-account-number');
  }
});

const date = (text: string, format: 'DDMMYY' | 'MMDDYYYY' | 'YYYYMMDD' | 'YYMMDD', bounds = {}) =>
  checkDate(codes(text), { format, notBefore: null, notAfter: null, ...bounds }, NOW);

test('a date is a day that there is, in the order of its format', () => {
  assert.equal(date('290224', 'DDMMYY'), null);
  assert.equal(date('290223', 'DDMMYY'), 'invalid-date');
  assert.equal(date('290200', 'DDMMYY'), null);
  assert.equal(date('29021900', 'YYYYMMDD'), 'invalid-date');
  assert.equal(date('19000229', 'YYYYMMDD'), 'invalid-date');
  assert.equal(date('20000229', 'YYYYMMDD'), null);
  assert.equal(date('12312026', 'MMDDYYYY'), null);
  assert.equal(date('31122026', 'MMDDYYYY'), 'invalid-date');
  assert.equal(date('261131', 'YYMMDD'), 'invalid-date');
  for (const wrong of ['010026', '000126', '320126', '01012', '0101266', '01*126', '']) {
    assert.equal(date(wrong, 'DDMMYY'), 'invalid-date', wrong);
  }
});

test('a date lies between its bounds, the bounds among it, and today is one', () => {
  const born = { notAfter: 'today' };
  assert.equal(date('11272026', 'MMDDYYYY', born), null);
  assert.equal(date('11282026', 'MMDDYYYY', born), 'invalid-date');
  const booked = { notBefore: 'today', notAfter: '2027-01-31' };
  assert.equal(date('20261126', 'YYYYMMDD', booked), 'invalid-date');
  assert.equal(date('20261127', 'YYYYMMDD', booked), null);
  assert.equal(date('20270131', 'YYYYMMDD', booked), null);
  assert.equal(date('20270201', 'YYYYMMDD', booked), 'invalid-date');
});

test('a year of two digits is of this century, or of the one before where that alone fits', () => {
  assert.equal(date('010285', 'DDMMYY', { notAfter: 'today' }), null);
  assert.equal(date('010285', 'DDMMYY', { notBefore: '2020-01-01' }), null);
  assert.equal(date('010285', 'DDMMYY', { notAfter: '1980-01-01' }), 'invalid-date');
});

test('a day is read from a text and from a clock as people count it', () => {
  assert.deepEqual(dayOfText('2026-02-28'), { year: 2026, month: 2, day: 28 });
  assert.equal(dayOfText('2026-02-29'), null);
  assert.equal(dayOfText('2026-2-9'), null);
  assert.deepEqual(calendarDay(new Date(2026, 0, 5)), { year: 2026, month: 1, day: 5 });
});
