import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { ConnectorConfig } from '../../config/schema.js';
import { createConnector } from '../../server/connectors/create-connector.js';
import { within } from '../kit/deadline.js';
import { Gateway } from '../kit/gateway.js';
import { chargeRequest } from '../kit/gateway-charge.js';

type HttpsConfig = Extract<ConnectorConfig, { type: 'https' }>;

const create = (changes: Partial<HttpsConfig>) =>
  createConnector('payment', {
    type: 'https',
    url: 'https://gateway.example/charges',
    timeoutMs: 1000,
    retries: 0,
    allowInsecureHttp: false,
    ...changes,
  });

const SECRET = 'Bearer s3cr3t-of-the-gateway';

describe('configuration of an https connector', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tacet-connector-'));
  after(() => rmSync(directory, { recursive: true }));

  const refused: readonly (readonly [string, Partial<HttpsConfig>, RegExp])[] = [
    ['http:', { url: 'http://127.0.0.1/' }, /must begin with https:/],
    ['http: beyond loopback', { url: 'http://10.0.0.1/', allowInsecureHttp: true }, /loopback only/],
    ['a name like loopback', { url: 'http://127.evil.example/', allowInsecureHttp: true }, /loopback only/],
    ['another scheme', { url: 'ftp://gateway.example/', allowInsecureHttp: true }, /must begin with https:/],
    ['a password in the URL', { url: 'https://u:p4ss@gateway.example/' }, /no user or password/],
    ['a header of its own', { headers: { 'idempotency-KEY': 'x' } }, /idempotency-KEY is written by/],
    ['a secret among the headers', { headers: { Authorization: SECRET } }, /Authorization is written by/],
    ['a line break in a header', { headers: { 'X-A': 'a\r\nb' } }, /X-A|header/],
    ['two secrets', { authorization: { env: 'A', file: '/b' } }, /either `env` or `file`/],
    ['no secret', { authorization: {} }, /either `env` or `file`/],
    ['a variable not set', { authorization: { env: 'TACET_TEST_NOT_SET' } }, /TACET_TEST_NOT_SET/],
    ['a file that is not there', { authorization: { file: '/nonexistent/secret' } }, /nonexistent/],
    ['authorities that are not there', { caFile: '/nonexistent/ca.pem' }, /nonexistent/],
  ];
  for (const [name, changes, message] of refused) {
    it(`refuses ${name}, naming the connector and no secret`, () => {
      assert.throws(
        () => create(changes),
        (error: Error) => {
          assert.match(error.message, /^connector payment: /);
          assert.match(error.message, message);
          assert.doesNotMatch(error.message, /s3cr3t|p4ss/);
          return true;
        },
      );
    });
  }

  it('refuses a secret of several lines without showing it', () => {
    process.env.TACET_TEST_SECRET = `${SECRET}\r\nX-Other: 1`;
    const show = () => create({ authorization: { env: 'TACET_TEST_SECRET' } });
    assert.throws(
      show,
      (error: Error) => !error.message.includes('s3cr3t') && /one line/.test(error.message),
    );
    delete process.env.TACET_TEST_SECRET;
  });

  it('takes http: to loopback when it is permitted', async () => {
    for (const host of ['127.0.0.1', '127.8.8.8', '[::1]', 'localhost']) {
      await create({ url: `http://${host}:1/`, allowInsecureHttp: true }).close();
    }
  });

  it('sends the secret that is referred to, by variable or by file', async () => {
    const file = join(directory, 'authorization');
    writeFileSync(file, `${SECRET}\n`);
    chmodSync(file, 0o600);
    process.env.TACET_TEST_SECRET = SECRET;
    const gateway = await Gateway.start();
    for (const authorization of [{ file }, { env: 'TACET_TEST_SECRET' }]) {
      const connector = create({ url: gateway.url, allowInsecureHttp: true, authorization });
      await within(connector.charge(chargeRequest()), 5000, 'the charge');
      assert.equal(gateway.requests.at(-1)?.headers.authorization, SECRET);
      await connector.close();
    }
    assert.equal(gateway.requests.length, 2);
    delete process.env.TACET_TEST_SECRET;
    await gateway.close();
  });
});
