import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { HttpsConfig } from '../../config/connector.js';
import type { Connector, ConnectorResult } from '../../server/connectors/connector.js';
import { createConnector } from '../../server/connectors/create-connector.js';
import { lookedUp } from '../../server/connectors/looked-up.js';
import type { ConnectorNotice } from '../../server/connectors/notice.js';
import { Reconciliations } from '../../server/connectors/reconciliations.js';
import { within } from '../kit/deadline.js';
import { Gateway } from '../kit/gateway.js';
import { chargeRequest } from '../kit/gateway-charge.js';
import { GatewayClock } from '../kit/gateway-clock.js';

const EVERY = 10_000;
const KEY = 's-1:tasks.main[4]#2';

const soon = <T>(promise: Promise<T> | undefined) => {
  assert.ok(promise, 'the gateway is asked afterwards');
  return within(promise, 5000, 'the verdict');
};

describe('https connector: charges in doubt, asked for afterwards', () => {
  let gateway: Gateway;
  let clock: GatewayClock;
  let notices: ConnectorNotice[];
  let connector: Connector;

  const connect = (changes: Partial<HttpsConfig> = {}) =>
    createConnector(
      'payment',
      {
        type: 'https',
        url: gateway.url,
        timeoutMs: 5000,
        retries: 0,
        allowInsecureHttp: true,
        reconcile: { path: '/status/', everyMs: EVERY, forMs: 3 * EVERY },
        ...changes,
      },
      { clock, onNotice: (notice) => notices.push(notice) },
    );

  beforeEach(async () => {
    gateway = await Gateway.start();
    clock = new GatewayClock();
    notices = [];
    connector = connect();
  });
  afterEach(async () => {
    await connector.close();
    await gateway.close();
    assert.equal(clock.pending, 0, 'no timer is left');
  });

  /** A charge whose answer is lost, and whose card is wiped then, as the session does. */
  async function doubt(charges: boolean): Promise<ConnectorResult> {
    gateway.script({ do: 'reset', charges });
    const request = chargeRequest({ idempotencyKey: KEY });
    const result = await within(connector.charge(request), 5000, 'the charge');
    for (const value of request.secure.values()) value.wipe();
    assert.equal(result.status, 'in-doubt');
    return result;
  }

  const left = () => notices.filter(({ kind }) => kind === 'charge-left-open');

  it('says what became of the charge, without a second one', async () => {
    const { later } = await doubt(true);
    assert.equal(gateway.lookups.length, 0, 'not before its time');
    clock.advance(EVERY);
    assert.equal(await soon(later), 'approved');
    assert.deepEqual(
      gateway.lookups.map(({ path }) => path),
      [`/status/${encodeURIComponent(KEY)}`],
    );
    assert.equal(gateway.charges, 1);
    assert.equal(gateway.requests.length, 1, 'the charge was posted once');
    assert.deepEqual(left(), []);
  });

  it('asks again until there is a verdict', async () => {
    const { later } = await doubt(false);
    clock.advance(EVERY);
    await gateway.askedAfter(1);
    await clock.armed(EVERY);
    gateway.answerLookups({ http: 200, body: '{"status":"declined"}' });
    clock.advance(EVERY);
    assert.equal(await soon(later), 'declined');
    assert.equal(gateway.lookups.length, 2);
  });

  it('gives up after its time and says that the charge is open', async () => {
    const { later } = await doubt(false);
    for (let asked = 1; asked <= 3; asked += 1) {
      await clock.armed(EVERY);
      clock.advance(EVERY);
      await gateway.askedAfter(asked);
    }
    assert.equal(await soon(later), 'unknown');
    assert.equal(gateway.lookups.length, 3);
    const notice = {
      kind: 'charge-left-open',
      connector: 'payment',
      idempotencyKey: KEY,
      reason: 'no-verdict',
    };
    assert.deepEqual(left(), [notice]);
  });

  it('ends with the connector, which says what is open', async () => {
    const { later } = await doubt(true);
    await connector.close();
    assert.equal(await soon(later), 'unknown');
    assert.equal(gateway.lookups.length, 0);
    assert.deepEqual(
      left().map(({ reason }) => reason),
      ['closed'],
    );
  });

  it('is signed as a GET with an empty body, and sends no card and no content type', async () => {
    process.env.TACET_TEST_HMAC = 'k'.repeat(40);
    const signature = { algorithm: 'sha256', header: 'S', key: { env: 'TACET_TEST_HMAC' } } as const;
    connector = connect({ signature });
    delete process.env.TACET_TEST_HMAC;
    const { later } = await doubt(true);
    clock.advance(EVERY);
    await soon(later);
    const [lookup] = gateway.lookups;
    const seconds = Math.floor(clock.now() / 1000);
    const form = `v1\n${seconds}\n${KEY}\nGET\n${lookup?.path}\n`;
    const hex = createHmac('sha256', 'k'.repeat(40)).update(form).digest('hex');
    assert.equal(lookup?.headers.s, `t=${seconds},v1=${hex}`);
    assert.equal(lookup.headers['content-type'], undefined);
  });

  it('asks for nothing that is decided, and nothing at all without `reconcile`', async () => {
    const approved = await within(connector.charge(chargeRequest()), 5000, 'the charge');
    assert.equal(approved.later, undefined);
    const config = {
      type: 'https' as const,
      url: gateway.url,
      timeoutMs: 5000,
      retries: 0,
      allowInsecureHttp: true,
    };
    connector = createConnector('payment', config, { clock });
    assert.equal((await doubt(true)).later, undefined);
  });
});

describe('reconciliations', () => {
  it('are bounded in number', async () => {
    const clock = new GatewayClock();
    const open: string[] = [];
    const many = new Reconciliations({
      everyMs: EVERY,
      forMs: EVERY,
      clock,
      lookUp: async () => null,
      onOpen: (_key, reason) => open.push(reason),
    });
    const all = Array.from({ length: 1000 }, (_, index) => many.begin(`k${index}`));
    assert.equal(await many.begin('one more'), 'unknown');
    assert.deepEqual(open, ['too-many']);
    await many.close();
    assert.ok((await Promise.all(all)).every((status) => status === 'unknown'));
    assert.equal(clock.pending, 0);
  });
});

describe('what a gateway says of an earlier charge', () => {
  const read = (http: number, text: string) => {
    const body = Buffer.from(text);
    const said = lookedUp({ http, body, retryAfter: undefined, cardSent: false }, KEY);
    assert.ok(
      body.every((octet) => octet === 0),
      'zeroed',
    );
    return said;
  };

  for (const [http, text, expected] of [
    [200, '{"status":"approved"}', 'approved'],
    [200, '{"status":"declined","reason":"x"}', 'declined'],
    [200, `{"status":"approved","idempotencyKey":"${KEY}"}`, 'approved'],
    [200, '{"status":"approved","idempotencyKey":"another"}', null],
    [200, '{"status":"approved","number":4539578763621486}', 'approved'],
    [200, '{"status":"pending"}', null],
    [201, '{"status":"approved"}', null],
    [404, '{"status":"declined"}', null],
    [500, '', null],
    [200, 'null', null],
    [200, '[', null],
  ] as const) {
    it(`${http} ${text}: ${expected}`, () => assert.equal(read(http, text), expected));
  }

  it('is of our key, though its identifier has as many digits as a card', () => {
    const key = '0f9d6c1e-0000-4000-8000-123456789012:tasks.main[4]#2';
    const body = Buffer.from(JSON.stringify({ status: 'approved', idempotencyKey: key }));
    assert.equal(lookedUp({ http: 200, body, retryAfter: undefined, cardSent: false }, key), 'approved');
  });
});
