import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createConnector } from '../../server/connectors/create-connector.js';
import { SandboxConnector } from '../../server/connectors/sandbox-connector.js';
import { TEST_CARDS } from '../../server/connectors/test-cards.js';
import { chargeRequest, KEYED, secureInputs } from '../kit/gateway-charge.js';

const pay = (cardNumber: string, changes: Parameters<typeof chargeRequest>[0] = {}) =>
  chargeRequest({ secure: secureInputs({ ...KEYED, cardNumber }), ...changes });

const VISA = '4242424242424242';

describe('sandbox connector', () => {
  it('is what the configuration names', () => {
    const connector = createConnector('payment', { type: 'sandbox' });
    assert.ok(connector instanceof SandboxConnector);
    assert.equal(connector.name, 'payment');
  });

  it('approves with a confirmation of six digits', async () => {
    const connector = new SandboxConnector('payment');
    for (let i = 0; i < 200; i += 1) {
      const { status, reason, outputs } = await connector.charge(pay(VISA, { idempotencyKey: `key-${i}` }));
      assert.deepEqual([status, reason, Object.keys(outputs)], ['approved', '', ['confirmation']]);
      assert.match(String(outputs.confirmation), /^[1-9]\d{5}$/);
    }
  });

  it('refuses every other card and keeps nothing of it', async () => {
    const connector = new SandboxConnector('payment');
    for (const number of [KEYED.cardNumber, '4242424242424241', `${VISA}000`, '424242424242424']) {
      const result = await connector.charge(pay(number));
      assert.deepEqual(result, { status: 'error', reason: 'sandbox-accepts-only-test-cards', outputs: {} });
    }
    assert.deepEqual(connector.charges(), []);
  });

  it('takes a card or a whole bank account, never half of one nor both', async () => {
    const reasonFor = async (digits: Readonly<Record<string, string>>) => {
      const result = await new SandboxConnector('payment').charge(
        chargeRequest({ secure: secureInputs(digits) }),
      );
      return `${result.status} ${result.reason}`;
    };
    const bank = { routingNumber: '110000000', accountNumber: '000123456789' };
    assert.equal(await reasonFor(bank), 'approved ');
    assert.equal(await reasonFor({ accountNumber: bank.accountNumber }), 'error bank-account-incomplete');
    assert.equal(await reasonFor({ routingNumber: bank.routingNumber }), 'error bank-account-incomplete');
    assert.equal(await reasonFor({ ...bank, cardNumber: VISA }), 'error card-and-bank-account');
    assert.equal(await reasonFor({ expiry: '0831' }), 'error card-number-missing');
    assert.equal(await reasonFor({ ...bank, pin: '1234' }), 'error unknown-secure-input');
    assert.equal(await reasonFor({ ...bank, accountNumber: '123' }), 'error bad-card-data');
    const other = { ...bank, accountNumber: '000123456780' };
    assert.equal(await reasonFor(other), 'error sandbox-accepts-only-test-cards');
  });

  it('answers the same key the same and charges once', async () => {
    let drawn = 0;
    const connector = new SandboxConnector('payment', (min) => min + drawn++);
    const first = await connector.charge(pay(VISA));
    assert.deepEqual(first, { status: 'approved', reason: '', outputs: { confirmation: '100000' } });
    assert.deepEqual(await connector.charge(pay(VISA)), first);
    assert.deepEqual(await connector.charge(pay(VISA, { signal: AbortSignal.abort() })), first);
    await connector.close();
    assert.deepEqual(await connector.charge(pay(VISA)), first);
    assert.equal(drawn, 1);
    const key = chargeRequest().idempotencyKey;
    assert.deepEqual(connector.charges(), [{ idempotencyKey: key, brand: 'visa', result: first, tries: 4 }]);
  });

  it('shows its charges without a digit of the card', async () => {
    const connector = new SandboxConnector('payment', () => 777_777);
    await connector.charge(pay(VISA, { idempotencyKey: 'a' }));
    await connector.charge(pay('4000000000009995', { idempotencyKey: 'b' }));
    const shown = JSON.stringify(connector.charges());
    assert.doesNotMatch(shown, /4242|9995|739|90210/);
    assert.match(shown, /insufficient-funds/);
  });

  it('forgets the oldest of more than 10,000 keys', async () => {
    const connector = new SandboxConnector('payment');
    for (let i = 0; i <= 10_000; i += 1) await connector.charge(pay(VISA, { idempotencyKey: `key-${i}` }));
    assert.equal(connector.charges().length, 10_000);
    assert.equal(connector.charges()[0]?.idempotencyKey, 'key-1');
  });

  it('charges nothing for a call that ended, without a card, or when closed', async () => {
    const connector = new SandboxConnector('payment');
    const ended = await connector.charge(pay(VISA, { signal: AbortSignal.abort() }));
    assert.deepEqual(ended, { status: 'error', reason: 'cancelled', outputs: {} });
    const without = await connector.charge(chargeRequest({ secure: new Map() }));
    assert.deepEqual(without, { status: 'error', reason: 'card-number-missing', outputs: {} });
    await connector.close();
    const closed = await connector.charge(pay(VISA));
    assert.deepEqual(closed, { status: 'error', reason: 'connector-closed', outputs: {} });
    assert.deepEqual(connector.charges(), []);
  });

  it('has a card for every answer and every brand, none of them twice', () => {
    const of = (key: 'status' | 'brand') => [...new Set(TEST_CARDS.map((card) => card[key]))].sort();
    assert.deepEqual(of('status'), ['approved', 'declined', 'error', 'in-doubt']);
    assert.deepEqual(of('brand'), [
      'amex',
      'diners',
      'discover',
      'jcb',
      'maestro',
      'mastercard',
      'unionpay',
      'visa',
    ]);
    assert.equal(new Set(TEST_CARDS.map(({ ninesComplement }) => ninesComplement)).size, TEST_CARDS.length);
  });
});
