import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { StripeConfig } from '../../config/connector.js';
import type { Connector } from '../../server/connectors/connector.js';
import { createConnector } from '../../server/connectors/create-connector.js';
import { within } from '../kit/deadline.js';
import { chargeRequest, secureInputs, secureValue } from '../kit/gateway-charge.js';
import { GatewayClock } from '../kit/gateway-clock.js';
import { FakeStripe } from '../kit/stripe.js';

const EVERY = 10_000;
const VISA = '4242424242424242';

describe('stripe connector', () => {
  let stripe: FakeStripe;
  let clock: GatewayClock;
  let connector: Connector;

  const connect = (changes: Partial<StripeConfig> = {}) =>
    createConnector(
      'payment',
      {
        type: 'stripe',
        secretKey: { env: 'TACET_TEST_STRIPE' },
        apiBase: stripe.url,
        timeoutMs: 5000,
        allowInsecureHttp: true,
        reconcile: { everyMs: EVERY, forMs: 2 * EVERY },
        ...changes,
      },
      { clock },
    );

  beforeEach(async () => {
    process.env.TACET_TEST_STRIPE = 'sk_test_fake';
    stripe = await FakeStripe.start();
    clock = new GatewayClock();
    connector = connect();
  });
  afterEach(async () => {
    delete process.env.TACET_TEST_STRIPE;
    await connector.close();
    await stripe.close();
    assert.equal(clock.pending, 0, 'no timer is left');
  });

  const card = (cardNumber = VISA) =>
    secureInputs({ cardNumber, expiry: '0831', securityCode: '739', postalCode: '90210' });

  const charge = (changes: Parameters<typeof chargeRequest>[0] = {}) =>
    within(connector.charge(chargeRequest({ secure: card(), ...changes })), 10_000, 'the charge');

  it('charges by payment method, intent and confirmation, each with a key of its own', async () => {
    const result = await charge({ parameters: { invoice: 'A 17' } });
    assert.deepEqual(result, { status: 'approved', reason: '', outputs: { confirmation: 'pi_1' } });
    const [method, intent, confirm] = stripe.requests;
    assert.deepEqual(
      stripe.requests.map(({ path }) => path),
      ['/v1/payment_methods', '/v1/payment_intents', '/v1/payment_intents/pi_1/confirm'],
    );
    assert.deepEqual(method?.form, {
      type: 'card',
      'card[number]': VISA,
      'card[exp_month]': '08',
      'card[exp_year]': '2031',
      'card[cvc]': '739',
      'billing_details[address][postal_code]': '90210',
    });
    assert.equal(intent?.form.amount, '1250');
    assert.equal(intent.form.currency, 'eur');
    assert.equal(intent.form['metadata[invoice]'], 'A 17');
    assert.equal(confirm?.form.error_on_requires_action, 'true');
    const keys = stripe.requests.map(({ headers }) => headers['idempotency-key']);
    assert.deepEqual(
      keys,
      ['method', 'intent', 'confirm'].map((one) => `conversation-1/charge-1:${one}`),
    );
    for (const { headers } of stripe.requests) {
      assert.equal(headers['x-stripe-client-user-agent'], undefined);
      assert.equal(headers['x-stripe-client-telemetry'], undefined);
    }
  });

  for (const [number, reason] of [
    ['4000000000000002', 'card-declined'],
    ['4000000000009995', 'insufficient-funds'],
  ] as const) {
    it(`is declined: ${reason}`, async () => {
      assert.deepEqual(await charge({ secure: card(number) }), { status: 'declined', reason, outputs: {} });
    });
  }

  it('tokenises without a charge, and charges with the token', async () => {
    const kept = await charge({ operation: 'tokenise', secureOutputs: ['token'] });
    assert.deepEqual([kept.status, kept.outputs], ['approved', { brand: 'visa' }]);
    assert.equal(stripe.charges, 0);
    const token = kept.secureOutputs?.get('token');
    assert.ok(token);
    const paid = await charge({ idempotencyKey: 'later', secure: new Map([['token', token]]) });
    assert.equal(paid.status, 'approved');
    assert.equal(stripe.requests[1]?.form.payment_method, 'pm_1');
  });

  it('has certainly charged nothing when a request before the confirmation fails, and sends none again', async () => {
    for (const path of [/payment_methods$/, /payment_intents$/]) {
      for (const http of [500, 409]) {
        stripe.fault(path, { do: 'answer', http, body: { error: { type: 'api_error' } } });
        assert.equal((await charge({ idempotencyKey: `${path}${http}`.replace(/\W/g, '') })).status, 'error');
      }
      stripe.fault(path, { do: 'reset', first: true });
      const { length } = stripe.requests;
      const { status, reason } = await charge({ idempotencyKey: `reset${String(path).replace(/\W/g, '')}` });
      assert.deepEqual([status, reason], ['error', 'connection-lost']);
      assert.equal(stripe.requests.length - length, path.test('payment_methods') ? 1 : 2, 'not sent again');
    }
    assert.equal(stripe.charges, 0);
  });

  it('is in doubt when the confirmation is lost, and finds the charge without a second one', async () => {
    stripe.fault(/confirm$/, { do: 'reset', first: true });
    const { status, reason, later } = await charge();
    assert.deepEqual([status, reason], ['in-doubt', 'connection-lost']);
    assert.equal(stripe.requests.length, 3, 'the confirmation was sent once');
    clock.advance(EVERY);
    assert.equal(await within(later ?? assert.fail('asked'), 5000, 'the verdict'), 'approved');
    assert.equal(stripe.charges, 1);
  });

  it('calls off a charge whose confirmation never arrived, so that it cannot happen later', async () => {
    stripe.fault(/confirm$/, { do: 'reset', first: false });
    const { later } = await charge();
    clock.advance(EVERY);
    assert.equal(await within(later ?? assert.fail('asked'), 5000, 'the verdict'), 'declined');
    assert.deepEqual(stripe.statuses, ['canceled']);
    assert.equal(stripe.charges, 0);
  });

  it('is in doubt after a fault of the server, and after an answer that cannot be read', async () => {
    stripe.fault(/confirm$/, { do: 'answer', http: 500, body: { error: { type: 'api_error' } } });
    assert.deepEqual([(await charge()).status], ['in-doubt']);
    stripe.fault(/confirm$/, { do: 'answer', http: 200, body: { id: 'pi_2', status: 'processing' } });
    const result = await charge({ idempotencyKey: 'second' });
    assert.deepEqual([result.status, result.reason], ['in-doubt', 'processing']);
  });

  it('is an error, certainly, when Stripe refuses the key', async () => {
    process.env.TACET_TEST_STRIPE = 'sk_test_other';
    connector = connect();
    assert.deepEqual(await charge(), { status: 'error', reason: 'http-401', outputs: {} });
  });

  it('sends nothing that it cannot charge', async () => {
    const bank = secureInputs({ routingNumber: '110000000', accountNumber: '000123456789' });
    const { inputs } = chargeRequest();
    for (const [reason, changes] of [
      ['cards-only', { secure: bank }],
      ['expiry-missing', { secure: secureInputs({ cardNumber: VISA }) }],
      ['bad-amount', { inputs: { ...inputs, amount: '12.50' } }],
      ['bad-currency', { inputs: { amount: 1 } }],
      ['card-number-missing', { secure: new Map([['expiry', secureValue('0831')]]) }],
    ] as const) {
      assert.equal((await charge(changes)).reason, reason);
    }
    assert.equal(stripe.requests.length, 0);
  });

  it('refuses a key that is none of Stripe, without showing it', () => {
    process.env.TACET_TEST_STRIPE = 'pk_live_s3cr3t';
    assert.throws(
      () => connect(),
      ({ message }: Error) => /no secret key of Stripe/.test(message) && !message.includes('s3cr3t'),
    );
  });
});
