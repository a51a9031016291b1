import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { DataActionConfig } from '../../config/data-action.js';
import type { CallDataResult } from '../../flows/commands.js';
import { DataActions } from '../../server/data-actions/data-actions.js';
import { type DataReply, DataServer } from '../kit/data-server.js';
import { within } from '../kit/deadline.js';
import { GatewayClock } from '../kit/gateway-clock.js';

const OUTPUTS: DataActionConfig['outputs'] = {
  name: { type: 'string', path: 'customer.name' },
  total: { type: 'number', path: 'orders.0.total' },
  active: { type: 'boolean' },
};
const GOOD = { body: '{"customer":{"name":"Ann","secret":1},"orders":[{"total":19.5}],"active":true}' };
const SECRET = 'Bearer s3cr3t-of-the-crm';

describe('an HTTP data action', () => {
  let server: DataServer;
  let clock: GatewayClock;
  let hangUp: AbortController;

  beforeEach(async () => {
    server = await DataServer.start();
    clock = new GatewayClock();
    hangUp = new AbortController();
  });
  afterEach(async () => {
    await server.idle();
    await server.close();
    assert.equal(clock.pending, 0);
  });

  function actions(changes: Partial<DataActionConfig> = {}): DataActions {
    const config: DataActionConfig = {
      url: server.url,
      method: 'GET',
      timeoutMs: 1000,
      retries: 0,
      idempotencyKey: false,
      outputs: OUTPUTS,
      breakerFailures: 5,
      breakerPauseMs: 10_000,
      allowInsecureHttp: false,
      ...changes,
    };
    return DataActions.of({ crm: config }, clock);
  }

  async function call(from: DataActions, inputs = {}): Promise<CallDataResult> {
    const request = { inputs, idempotencyKey: 'c1:tasks.main[0]#1', signal: hangUp.signal };
    return (await within(from.call('crm', request), 5000, 'the call')).result;
  }

  async function errorOf(reply: DataReply): Promise<string> {
    server.script(reply);
    const { status, error, message, outputs } = await call(actions());
    assert.deepEqual([status, outputs], ['failure', {}]);
    return `${error}: ${message}`;
  }

  it('asks by GET with the inputs as the query, and reads the declared outputs alone', async () => {
    server.script(GOOD);
    const result = await call(actions({ url: `${server.url}?v=1` }), { id: 'a b&c', n: 2, none: null });
    const outputs = { name: 'Ann', total: 19.5, active: true };
    assert.deepEqual(result, { status: 'success', error: '', message: '', outputs });
    const [request] = server.requests;
    assert.deepEqual([request?.method, request?.path], ['GET', '/data?v=1&id=a+b%26c&n=2']);
    assert.equal(request?.headers.accept, 'application/json');
    assert.equal(request?.headers['idempotency-key'], undefined);
  });

  it('posts the inputs as JSON with the headers and the secret of the configuration', async () => {
    process.env.TACET_TEST_SECRET = SECRET;
    server.script(GOOD);
    const posting = actions({
      method: 'POST',
      idempotencyKey: true,
      headers: { 'X-Tenant': 'acme' },
      authorization: { env: 'TACET_TEST_SECRET' },
    });
    delete process.env.TACET_TEST_SECRET;
    assert.equal((await call(posting, { id: 'ä', n: 2, none: null })).status, 'success');
    const [request] = server.requests;
    assert.deepEqual(JSON.parse(request?.body ?? ''), { id: 'ä', n: 2, none: null });
    assert.equal(request?.headers['content-type'], 'application/json');
    assert.equal(request?.headers['x-tenant'], 'acme');
    assert.equal(request?.headers.authorization, SECRET);
    assert.equal(request?.headers['idempotency-key'], 'c1:tasks.main[0]#1');
  });

  it('does not read the answer when no output is declared', async () => {
    server.script({ http: 204, headers: { 'Content-Type': 'text/html' } });
    assert.equal((await call(actions({ outputs: {} }))).status, 'success');
  });

  it('refuses answers that are not what was declared, and never quotes them', async () => {
    const json = (value: unknown) => ({ body: JSON.stringify(value) });
    const good = JSON.parse(GOOD.body);
    const cases: readonly (readonly [DataReply, string])[] = [
      [{ ...GOOD, headers: { 'Content-Type': 'text/html' } }, 'not-json: the content type of the answer is'],
      [{ ...GOOD, headers: { 'Content-Type': 'application/jsonp' } }, 'not-json: the content type'],
      [{ ...GOOD, headers: { 'Content-Encoding': 'gzip' } }, 'not-json: the answer is compressed'],
      [{ body: '{"private' }, 'not-json: the answer is not JSON'],
      [{ body: `${'['.repeat(34)}${']'.repeat(34)}` }, 'too-deep: '],
      [{ body: `"${'a'.repeat(64 * 1024)}"` }, 'oversized-answer: '],
      [json({ ...good, customer: {} }), "missing-output: output 'name' is missing (at customer.name)"],
      [json({ ...good, orders: { constructor: 1 } }), "missing-output: output 'total' is missing"],
      [json({ ...good, active: 'private' }), "wrong-type: output 'active' is no boolean (at active)"],
      [json({ ...good, active: null }), "wrong-type: output 'active' is no boolean"],
      [{ body: GOOD.body.replace('19.5', '12345678901234567890') }, "wrong-type: output 'total' is a number"],
      [{ body: GOOD.body.replace('Ann', 'a'.repeat(10_001)) }, "wrong-type: output 'name' is longer"],
      [{ ...GOOD, http: 404 }, 'http-404: '],
      [{ http: 302, headers: { Location: 'http://127.0.0.1:1/' } }, 'http-302: '],
      ['half', 'connection-lost: '],
      ['reset', 'connection-lost: '],
    ];
    for (const [reply, expected] of cases) {
      const error = await errorOf(reply);
      assert.ok(error.startsWith(expected), `${error} begins with ${expected}`);
      assert.doesNotMatch(error, /private|aaaa/);
    }
  });

  it('takes +json with a character set', async () => {
    server.script({ ...GOOD, headers: { 'Content-Type': 'application/hal+json; charset=utf-8' } });
    assert.equal((await call(actions())).status, 'success');
  });

  it('tries again after a fault of the server, as often as configured, and never after a refusal', async () => {
    server.script({ http: 503 }, 'reset', GOOD);
    const calling = call(actions({ retries: 2 }));
    await clock.armed(200);
    clock.advance(200);
    await clock.armed(400);
    clock.advance(400);
    assert.equal((await calling).status, 'success');
    server.script({ http: 400 }, GOOD);
    assert.equal((await call(actions({ retries: 2 }))).error, 'http-400');
    assert.equal(server.requests.length, 4);
  });

  it('waits as Retry-After says, and not beyond its deadline', async () => {
    server.script({ http: 429, headers: { 'Retry-After': '1' } }, GOOD);
    const calling = call(actions({ retries: 1, timeoutMs: 3000 }));
    await clock.armed(1000);
    clock.advance(1000);
    assert.equal((await calling).status, 'success');
    server.script({ http: 429, headers: { 'Retry-After': '60' } });
    assert.equal((await call(actions({ retries: 1 }))).error, 'http-429');
  });

  it('ends in a time-out of its own kind, and asks the same key of every try', async () => {
    server.script('never', 'never');
    const posting = actions({ method: 'POST', retries: 1, idempotencyKey: true, timeoutMs: 700 });
    const calling = call(posting);
    await server.received(1);
    clock.advance(700);
    await clock.armed(200);
    clock.advance(200);
    await server.received(2);
    clock.advance(700);
    assert.deepEqual(
      { ...(await calling), message: '' },
      { status: 'timeout', error: 'timeout', message: '', outputs: {} },
    );
    assert.equal(new Set(server.requests.map(({ headers }) => headers['idempotency-key'])).size, 1);
  });

  it('gives the request up at once when the caller hangs up, also while it waits for the next try', async () => {
    server.script('never', { http: 503 });
    const calling = call(actions());
    await server.received(1);
    hangUp.abort();
    assert.equal((await calling).error, 'cancelled');
    await server.idle();
    hangUp = new AbortController();
    const waiting = call(actions({ retries: 1 }));
    await clock.armed(200);
    hangUp.abort();
    assert.equal((await waiting).error, 'cancelled');
    assert.equal((await call(actions())).error, 'cancelled');
    assert.equal(server.requests.length, 2);
  });

  it('fails at once after failures in a row, and tries one call after the pause', async () => {
    const crm = actions({ breakerFailures: 2 });
    server.script({ http: 500 }, { http: 500 }, GOOD);
    await call(crm);
    await call(crm);
    assert.equal((await call(crm)).error, 'circuit-open');
    assert.equal(server.requests.length, 2);
    clock.advance(10_000);
    assert.equal((await call(crm)).status, 'success');
  });

  it('says that nobody listens, and that there is no such action', async () => {
    const url = 'http://127.0.0.1:1/';
    assert.equal((await call(actions({ url }))).error, 'unreachable');
    const request = { inputs: {}, idempotencyKey: 'k', signal: hangUp.signal };
    const { result } = await actions().call('other', request);
    assert.equal(result.error, 'unknown-data-action');
  });

  it('says how long it took', async () => {
    server.script('never');
    const request = { inputs: {}, idempotencyKey: 'k', signal: hangUp.signal };
    const calling = actions().call('crm', request);
    await server.received(1);
    clock.advance(1000);
    assert.equal((await calling).durationMs, 1000);
  });

  it('refuses a configuration that cannot work, without its secret', () => {
    assert.throws(
      () => actions({ headers: { Authorization: SECRET } }),
      /^Error: data action crm: .*Authorization/,
    );
    assert.throws(() => actions({ authorization: { env: 'TACET_TEST_NOT_SET' } }), /TACET_TEST_NOT_SET/);
  });
});
