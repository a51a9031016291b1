import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { ConnectorConfig } from '../../config/schema.js';
import type { Connector } from '../../server/connectors/connector.js';
import { createConnector } from '../../server/connectors/create-connector.js';
import { within } from '../kit/deadline.js';
import { type Certificate, Gateway, selfSigned } from '../kit/gateway.js';
import { chargeRequest, KEYED } from '../kit/gateway-charge.js';
import { GatewayClock } from '../kit/gateway-clock.js';

type HttpsConfig = Extract<ConnectorConfig, { type: 'https' }>;

const TIMEOUT = 10_000;
const BACKOFF = 200;

const soon = <T>(promise: Promise<T>) => within(promise, 5000, 'the charge');

let clock: GatewayClock;
let reasons: string[];
let connector: Connector;

const connect = (url: string, changes: Partial<HttpsConfig> = {}): Connector =>
  createConnector(
    'payment',
    { type: 'https', url, timeoutMs: TIMEOUT, retries: 2, allowInsecureHttp: false, ...changes },
    { clock, onNotice: ({ reason }) => reasons.push(reason) },
  );

beforeEach(() => {
  clock = new GatewayClock();
  reasons = [];
});

afterEach(async () => {
  await connector.close();
  assert.equal(clock.pending, 0, 'no timer is left');
});

describe('https connector: TLS', () => {
  let certificate: Certificate;
  let secureGateway: Gateway;
  before(async () => {
    certificate = selfSigned();
    secureGateway = await Gateway.start(certificate);
  });
  after(async () => {
    await secureGateway.close();
    certificate.remove();
  });

  it('charges over a certificate that caFile vouches for', async () => {
    connector = connect(secureGateway.url, { caFile: certificate.caFile });
    assert.equal((await soon(connector.charge(chargeRequest()))).status, 'approved');
    assert.equal(secureGateway.requests[0]?.body.card.number, KEYED.cardNumber);
  });

  it('tries again when the connection ends before the handshake', async () => {
    connector = connect(secureGateway.url, { caFile: certificate.caFile });
    secureGateway.dropConnections(1);
    const charge = connector.charge(chargeRequest({ idempotencyKey: 'dropped' }));
    await clock.armed(BACKOFF);
    clock.advance(BACKOFF);
    assert.equal((await soon(charge)).status, 'approved');
    assert.deepEqual(reasons, ['gateway-unreachable']);
  });

  it('sends nothing to a gateway that is not trusted, whatever the environment says', async () => {
    const before = secureGateway.requests.length;
    const { NODE_TLS_REJECT_UNAUTHORIZED: kept } = process.env;
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    try {
      connector = connect(secureGateway.url, { retries: 0 });
      const result = await soon(connector.charge(chargeRequest({ idempotencyKey: 'untrusted' })));
      assert.deepEqual(result, { status: 'error', reason: 'gateway-unreachable', outputs: {} });
    } finally {
      if (kept === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = kept;
    }
    assert.equal(secureGateway.requests.length, before);
    assert.equal(secureGateway.charged('untrusted'), 0);
  });
});

describe('https connector: a peer that accepts and says nothing', () => {
  let silent: Server;
  let sockets: Socket[];
  let connected: Promise<unknown>;
  beforeEach(async () => {
    sockets = [];
    silent = createServer((socket) => sockets.push(socket.on('error', () => {})));
    connected = once(silent, 'connection');
    silent.listen(0, '127.0.0.1');
    await within(once(silent, 'listening'), 5000, 'listening');
    const url = `https://127.0.0.1:${(silent.address() as AddressInfo).port}/`;
    connector = connect(url, { retries: 0 });
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    silent.close();
    await within(once(silent, 'close'), 5000, 'closed');
  });

  it('gets no card, and after the time nothing was charged', async () => {
    const charge = connector.charge(chargeRequest());
    await within(connected, 5000, 'a connection');
    clock.advance(TIMEOUT);
    assert.deepEqual(await soon(charge), { status: 'error', reason: 'gateway-unreachable', outputs: {} });
  });

  it('leaves nothing charged when the call ends', async () => {
    const abort = new AbortController();
    const charge = connector.charge(chargeRequest({ signal: abort.signal }));
    await within(connected, 5000, 'a connection');
    abort.abort();
    assert.deepEqual(await soon(charge), { status: 'error', reason: 'cancelled', outputs: {} });
  });
});
