import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { liveSecureValues, SecureValue } from '../../server/secure/secure-value.js';
import { SecureValues } from '../../server/secure/secure-values.js';

function keyed(digits: string, value = new SecureValue()): SecureValue {
  for (const digit of digits) value.append(digit.charCodeAt(0));
  return value;
}

describe('SecureValue', () => {
  it('refuses to print, in every way there is', () => {
    const value = keyed('4242424242424242');
    const shown = [
      String(value),
      value.toString(),
      [value].join(),
      `${value}`,
      `a${value}`,
      JSON.stringify({ value }),
      inspect(value),
      inspect({ deep: { value } }, { depth: 9, showHidden: true }),
      Object.values(value).join(),
      JSON.stringify(structuredCloneOrNothing(value)),
    ];
    for (const text of shown) assert.ok(!text.includes('4242'), text);
    assert.equal(inspect(value), '[secure]');
    value.wipe();
  });

  it('shows its digits to a sink and zeroes them when wiped', () => {
    const value = keyed('123');
    let memory = new Uint8Array();
    value.use('field-check', (digits) => {
      memory = digits as Uint8Array<ArrayBuffer>;
    });
    assert.deepEqual([...memory], [49, 50, 51]);
    value.wipe();
    assert.deepEqual([...memory], [0, 0, 0]);
    assert.throws(() => value.use('extract', () => 1), /wiped/);
    assert.equal(value.append(49), false);
  });

  it('takes no more than its capacity', () => {
    const value = new SecureValue(2);
    assert.deepEqual([value.append(49), value.append(50), value.append(51)], [true, true, false]);
    assert.equal(value.length, 2);
    value.wipe();
  });

  it('is counted while it lives', () => {
    const before = liveSecureValues();
    const value = new SecureValue();
    assert.equal(liveSecureValues(), before + 1);
    value.wipe();
    value.wipe();
    assert.equal(liveSecureValues(), before);
  });
});

describe('SecureValues', () => {
  it('wipes all, and a replaced one at once', () => {
    const before = liveSecureValues();
    const values = new SecureValues();
    const first = values.create('card', 'cardNumber');
    const second = values.create('card', 'cardNumber');
    assert.ok(first.wiped);
    values.wipe();
    assert.ok(second.wiped);
    assert.equal(liveSecureValues(), before);
    assert.throws(() => values.create('card', 'cardNumber'), /ended/);
  });

  it('drops security codes alone', () => {
    const values = new SecureValues();
    const card = values.create('card', 'cardNumber');
    const code = values.create('code', 'securityCode');
    values.dropSecurityCodes();
    assert.equal(code.wiped, true);
    assert.equal(card.wiped, false);
    assert.equal(values.get('code'), undefined);
    values.wipe();
  });

  it('takes text that holds a keyed number out of data', () => {
    const values = new SecureValues();
    keyed('4242424242424242', values.create('card', 'cardNumber'));
    const data = values.redact({
      leak: 'paid with 4242 4242-4242 4242',
      asNumber: 4242424242424242,
      last4: '4242',
      confirmation: '123456',
      none: null,
    });
    assert.deepEqual(data, {
      leak: '[redacted]',
      asNumber: '[redacted]',
      last4: '4242',
      confirmation: '123456',
      none: null,
    });
    values.wipe();
  });
});

function structuredCloneOrNothing(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    return null;
  }
}
