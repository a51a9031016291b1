import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tells } from '../calls/leaks.js';

const CANARY = { card: '378282246310005', securityCode: '9731' };

test('seven digits of the card tell of it, however separated, and its security code as a value', () => {
  for (const text of ['3782822', 'x 7828-2246 y', '{"a":"2246310005"}', 'code=9731 ', '["9731"]']) {
    assert.equal(tells(text, CANARY), true, text);
  }
  for (const text of ['378282', '282246', '19731', '9731x']) assert.equal(tells(text, CANARY), false, text);
});

test('a time stamp that ends like a part of the card tells nothing; what stands beside it does', () => {
  const stamp = '2026-11-27 12:36:37.994631 0.00%';
  assert.equal(tells(`${stamp} [CONSOLE] Successfully Loaded`, CANARY), false);
  assert.equal(tells(`${stamp} [INFO] RECV DTMF 4631000`, CANARY), true);
  assert.equal(tells('2026-11-27 12:36:37.828224 info', CANARY), false);
  assert.equal(tells('37.828224', CANARY), true);
});
