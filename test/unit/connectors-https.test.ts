import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { ConnectorConfig } from '../../config/schema.js';
import type { Connector } from '../../server/connectors/connector.js';
import { createConnector } from '../../server/connectors/create-connector.js';
import type { ConnectorNotice } from '../../server/connectors/notice.js';
import { within } from '../kit/deadline.js';
import { Gateway } from '../kit/gateway.js';
import { chargeRequest, KEYED, secureInputs, secureValue } from '../kit/gateway-charge.js';
import { GatewayClock } from '../kit/gateway-clock.js';

type HttpsConfig = Extract<ConnectorConfig, { type: 'https' }>;

const KEY = 'conversation-1/charge-1';
const TIMEOUT = 10_000;
const BACKOFF = 200;

const config = (url: string, changes: Partial<HttpsConfig> = {}): HttpsConfig => ({
  type: 'https',
  url,
  timeoutMs: TIMEOUT,
  retries: 2,
  allowInsecureHttp: true,
  ...changes,
});

const soon = <T>(promise: Promise<T>) => within(promise, 5000, 'the charge');

let gateway: Gateway;
let clock: GatewayClock;
let notices: ConnectorNotice[];
let connector: Connector;

const connect = (changes: Partial<HttpsConfig> = {}): Connector =>
  createConnector('payment', config(gateway.url, changes), {
    clock,
    onNotice: (notice) => notices.push(notice),
  });

const reasons = () => notices.map(({ reason }) => reason);

beforeEach(async () => {
  gateway = await Gateway.start();
  clock = new GatewayClock();
  notices = [];
  connector = connect();
});

afterEach(async () => {
  await connector.close();
  assert.equal(clock.pending, 0, 'no timer is left');
  await gateway.idle();
  await gateway.close();
});

describe('https connector: one request', () => {
  it('posts the charge as documented', async () => {
    connector = connect({ headers: { 'X-Merchant': 'm-1' } });
    const result = await soon(connector.charge(chargeRequest()));
    assert.deepEqual(result, { status: 'approved', reason: '', outputs: { confirmation: '481517' } });
    const [request] = gateway.requests;
    assert.equal(`${request?.method} ${request?.path}`, 'POST /charges');
    assert.deepEqual(request?.body, {
      operation: 'charge',
      idempotencyKey: KEY,
      amount: 1250,
      currency: 'EUR',
      reference: 'A-17',
      card: {
        number: KEYED.cardNumber,
        expiry: { month: '08', year: '2031' },
        securityCode: KEYED.securityCode,
        postalCode: KEYED.postalCode,
      },
    });
    assert.equal(request?.headers['idempotency-key'], KEY);
    assert.equal(request?.headers['content-type'], 'application/json');
    assert.equal(request?.headers['x-merchant'], 'm-1');
    assert.equal(request?.headers['transfer-encoding'], undefined);
    assert.deepEqual(notices, []);
  });

  it('leaves out what was not collected', async () => {
    const secure = secureInputs({ cardNumber: KEYED.cardNumber });
    await soon(connector.charge(chargeRequest({ secure, inputs: {} })));
    const body = { operation: 'charge', idempotencyKey: KEY, card: { number: KEYED.cardNumber } };
    assert.deepEqual(gateway.requests[0]?.body, body);
  });

  it('leaves no listener on the signal of the call', async () => {
    const { signal } = new AbortController();
    await soon(connector.charge(chargeRequest({ signal })));
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });

  it('drops an echo of the card and says so without it', async () => {
    gateway.script({ do: 'approve', outputs: ({ number }) => ({ note: number, [`c${number}`]: 1 }) });
    const result = await soon(connector.charge(chargeRequest()));
    assert.deepEqual(result.outputs, { confirmation: '481517' });
    assert.deepEqual(notices, [
      { kind: 'output-dropped', connector: 'payment', output: 'note', reason: 'contains-card-number' },
      { kind: 'output-dropped', connector: 'payment', output: '(unnamed)', reason: 'bad-name' },
    ]);
  });

  it('reports a decline, and does not try again', async () => {
    gateway.script({ do: 'decline', http: 402, reason: 'Insufficient funds' });
    const result = await soon(connector.charge(chargeRequest()));
    assert.deepEqual(result, { status: 'declined', reason: 'insufficient-funds', outputs: {} });
    assert.equal(gateway.requests.length, 1);
  });

  it('refuses what it cannot send, without a connection', async () => {
    const wiped = secureInputs();
    wiped.get('securityCode')?.wipe();
    const cases: readonly (readonly [string, Parameters<typeof chargeRequest>[0]])[] = [
      ['card-number-missing', { secure: secureInputs({ expiry: '0831' }) }],
      ['unknown-secure-input', { secure: secureInputs({ ...KEYED, pin: '1234' }) }],
      ['bad-card-data', { secure: secureInputs({ cardNumber: '453957876362148*' }) }],
      ['bad-card-data', { secure: secureInputs({ ...KEYED, expiry: '831' }) }],
      ['card-data-gone', { secure: wiped }],
      ['reserved-input-name', { inputs: { card: 'x' } }],
      ['bad-idempotency-key', { idempotencyKey: 'a\r\nb' }],
      ['cancelled', { signal: AbortSignal.abort() }],
    ];
    for (const [reason, changes] of cases) {
      const result = await soon(connector.charge(chargeRequest(changes)));
      assert.deepEqual(result, { status: 'error', reason, outputs: {} });
    }
    assert.equal(gateway.connections, 0);
  });

  it('does not follow a redirect, nor asks again', async () => {
    gateway.script({ do: 'answer', http: 307, headers: { Location: gateway.url } });
    const result = await soon(connector.charge(chargeRequest()));
    assert.deepEqual(result, { status: 'in-doubt', reason: 'http-307', outputs: {} });
    assert.equal(gateway.connections, 1);
  });

  it('reports a refusal as an error: nothing was charged', async () => {
    gateway.script({ do: 'answer', http: 422, body: '{"reason":"amount too small"}' });
    const result = await soon(connector.charge(chargeRequest()));
    assert.deepEqual(result, { status: 'error', reason: 'amount-too-small', outputs: {} });
  });
});

describe('https connector: tries', () => {
  it('tries again after a reset, with the same key, and charges once', async () => {
    gateway.script({ do: 'reset', charges: true });
    const charge = connector.charge(chargeRequest());
    await clock.armed(BACKOFF);
    clock.advance(BACKOFF);
    assert.equal((await soon(charge)).status, 'approved');
    assert.deepEqual(
      gateway.requests.map(({ headers }) => headers['idempotency-key']),
      [KEY, KEY],
    );
    assert.equal(gateway.charges, 1);
    assert.deepEqual(reasons(), ['connection-lost']);
  });

  it('is in doubt when every try is lost, and waits longer each time', async () => {
    gateway.script({ do: 'reset' }, { do: 'half' }, { do: 'answer', http: 500 });
    const charge = connector.charge(chargeRequest());
    for (const wait of [BACKOFF, 2 * BACKOFF]) {
      await clock.armed(wait);
      clock.advance(wait);
    }
    assert.deepEqual(await soon(charge), { status: 'in-doubt', reason: 'http-500', outputs: {} });
    assert.deepEqual(reasons(), ['connection-lost', 'connection-lost', 'http-500']);
    assert.equal(gateway.requests.length, 3);
  });

  it('is in doubt when no answer comes in time', async () => {
    connector = connect({ retries: 0 });
    gateway.script({ do: 'never' });
    const charge = connector.charge(chargeRequest());
    await gateway.received(1);
    clock.advance(TIMEOUT - 1);
    assert.deepEqual(reasons(), []);
    clock.advance(1);
    assert.deepEqual(await soon(charge), { status: 'in-doubt', reason: 'no-answer', outputs: {} });
    await gateway.idle();
  });

  it('takes the verdict of the second try after a slow first one', async () => {
    gateway.script({ do: 'never', charges: true });
    const charge = connector.charge(chargeRequest());
    await gateway.received(1);
    clock.advance(TIMEOUT);
    await clock.armed(BACKOFF);
    clock.advance(BACKOFF);
    assert.equal((await soon(charge)).status, 'approved');
    assert.equal(gateway.charges, 1);
  });

  it('waits for a slow gateway within its time', async () => {
    gateway.script({ do: 'hold' });
    const charge = connector.charge(chargeRequest());
    await gateway.received(1);
    clock.advance(TIMEOUT - 1);
    gateway.release();
    assert.equal((await soon(charge)).status, 'approved');
    assert.equal(gateway.requests.length, 1);
  });

  it('stays in doubt when a later try is refused or finds nobody', async () => {
    gateway.script({ do: 'reset' }, { do: 'answer', http: 403 });
    const charge = connector.charge(chargeRequest());
    await clock.armed(BACKOFF);
    clock.advance(BACKOFF);
    assert.deepEqual(await soon(charge), { status: 'in-doubt', reason: 'connection-lost', outputs: {} });
    assert.deepEqual(reasons(), ['connection-lost', 'http-403']);
  });

  it('is settled by a decline after a lost try', async () => {
    gateway.script({ do: 'reset' }, { do: 'decline' });
    const charge = connector.charge(chargeRequest());
    await clock.armed(BACKOFF);
    clock.advance(BACKOFF);
    assert.deepEqual(await soon(charge), { status: 'declined', reason: 'do-not-honour', outputs: {} });
  });

  it('reads an oversized answer no further', async () => {
    connector = connect({ retries: 0 });
    const body = `{"status":"approved","note":"${'x'.repeat(70_000)}"}`;
    gateway.script({ do: 'answer', http: 200, body });
    const result = await soon(connector.charge(chargeRequest()));
    assert.deepEqual(result, { status: 'in-doubt', reason: 'oversized-answer', outputs: {} });
  });

  it('tries again after garbage', async () => {
    gateway.script({ do: 'answer', http: 200, body: '<html>welcome</html>', charges: true });
    const charge = connector.charge(chargeRequest());
    await clock.armed(BACKOFF);
    clock.advance(BACKOFF);
    assert.equal((await soon(charge)).status, 'approved');
    assert.deepEqual(reasons(), ['unreadable-answer']);
    assert.equal(gateway.charges, 1);
  });

  it('answers error when nothing can be reached: nothing was charged', async () => {
    const nobody = await Gateway.start();
    const { url } = nobody;
    await nobody.close();
    connector = createConnector('payment', config(url), {
      clock,
      onNotice: (notice) => notices.push(notice),
    });
    const charge = connector.charge(chargeRequest());
    for (const wait of [BACKOFF, 2 * BACKOFF]) {
      await clock.armed(wait);
      clock.advance(wait);
    }
    assert.deepEqual(await soon(charge), { status: 'error', reason: 'gateway-unreachable', outputs: {} });
    assert.equal(notices.length, 3);
  });
});

describe('https connector: Retry-After', () => {
  for (const http of [409, 425, 429, 503]) {
    it(`is waited for after ${http}`, async () => {
      gateway.script({ do: 'answer', http, headers: { 'Retry-After': '3' } });
      const charge = connector.charge(chargeRequest());
      await clock.armed(3000);
      clock.advance(3000);
      assert.equal((await soon(charge)).status, 'approved');
      assert.equal(gateway.requests.length, 2);
    });
  }

  it('beyond the deadline ends the charge at once', async () => {
    gateway.script({ do: 'answer', http: 429, headers: { 'Retry-After': '30' } });
    const result = await soon(connector.charge(chargeRequest()));
    assert.deepEqual(result, { status: 'error', reason: 'http-429', outputs: {} });
    gateway.script({ do: 'answer', http: 503, headers: { 'Retry-After': '30' } });
    const doubtful = await soon(connector.charge(chargeRequest({ idempotencyKey: 'other' })));
    assert.deepEqual(doubtful, { status: 'in-doubt', reason: 'http-503', outputs: {} });
  });

  it('shortens the last try to what is left of the deadline', async () => {
    connector = connect({ retries: 1 });
    gateway.script({ do: 'answer', http: 429, headers: { 'Retry-After': '15' } }, { do: 'never' });
    const charge = connector.charge(chargeRequest());
    await clock.armed(15_000);
    clock.advance(15_000);
    await gateway.received(2);
    clock.advance(4999);
    assert.equal(notices.length, 1);
    clock.advance(1);
    assert.deepEqual(await soon(charge), { status: 'in-doubt', reason: 'no-answer', outputs: {} });
  });
});

describe('https connector: cancelling', () => {
  it('after the card was sent leaves the charge in doubt', async () => {
    gateway.script({ do: 'never' });
    const abort = new AbortController();
    const charge = connector.charge(chargeRequest({ signal: abort.signal }));
    await gateway.received(1);
    abort.abort();
    assert.deepEqual(await soon(charge), { status: 'in-doubt', reason: 'cancelled', outputs: {} });
  });

  it('between tries tells a refused try from a lost one', async () => {
    for (const [reply, status] of [
      [{ do: 'answer', http: 429 }, 'error'],
      [{ do: 'reset' }, 'in-doubt'],
    ] as const) {
      gateway.script(reply);
      const abort = new AbortController();
      const charge = connector.charge(chargeRequest({ signal: abort.signal }));
      await clock.armed(BACKOFF);
      abort.abort();
      assert.deepEqual(await soon(charge), { status, reason: 'cancelled', outputs: {} });
    }
  });

  it('happens to what is under way when the connector closes', async () => {
    gateway.script({ do: 'never' });
    const charge = connector.charge(chargeRequest());
    await gateway.received(1);
    await soon(connector.close());
    assert.equal((await soon(charge)).status, 'in-doubt');
    const late = await soon(connector.charge(chargeRequest()));
    assert.deepEqual(late, { status: 'error', reason: 'connector-closed', outputs: {} });
  });

  it('does not trust an answer that comes after the card was wiped', async () => {
    gateway.script({ do: 'hold' });
    const secure = new Map([['cardNumber', secureValue(KEYED.cardNumber)]]);
    const charge = connector.charge(chargeRequest({ secure }));
    await gateway.received(1);
    secure.get('cardNumber')?.wipe();
    gateway.release();
    assert.deepEqual(await soon(charge), { status: 'in-doubt', reason: 'card-data-gone', outputs: {} });
  });
});
