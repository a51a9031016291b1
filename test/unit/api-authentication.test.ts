import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../../config/config.js';
import { ATTEMPTS, FailedAttempts, LOCK_MS } from '../../server/api/failed-attempts.js';
import { loadTokens, TokenStore } from '../../server/api/tokens.js';
import { fixture, TOKEN } from './api-fake.js';

const right = { authorization: `Bearer ${TOKEN}` };
const wrong = { authorization: 'Bearer wrong' };

const OPEN = new Set(['/healthz', '/readyz']);

/** Every other route, and ways around the check. */
const CLOSED = [
  ['GET', '/metrics'],
  ['GET', '/api/v1/conversations'],
  ['GET', '/api/v1/conversations/c-1'],
  ['GET', '/api/v1/conversations/c-1/secure-sessions'],
  ['PATCH', '/api/v1/conversations/c-1/participants/p-1/attributes'],
  ['POST', '/api/v1/conversations/c-1/secure-sessions'],
  ['GET', '/api/v1/conversations/c-1/secure-sessions/s-1'],
  ['DELETE', '/api/v1/conversations/c-1/secure-sessions/s-1'],
  ['POST', '/api/v1/conversations/c-1/secure-sessions/s-1/capture'],
  ['GET', '/api/v1/flows'],
  ['GET', '/api/v1/flows/support'],
  ['POST', '/api/v1/flows/validate'],
  ['GET', '/api/v1/flows/support/graph'],
  ['POST', '/api/v1/flows'],
  ['PUT', '/api/v1/flows/support'],
  ['DELETE', '/api/v1/flows/support'],
  ['GET', '/api/v1/flow-drafts'],
  ['GET', '/api/v1/flows/support/draft'],
  ['POST', '/api/v1/flows/support/publish'],
  ['POST', '/api/v1/flows/support/rollback'],
  ['GET', '/api/v1/flows/support/versions'],
  ['GET', '/api/v1/flows/support/versions/1'],
  ['GET', '/api/v1/events'],
  ['GET', '/api/v1/unknown'],
  ['GET', '/%61pi/v1/conversations'],
  ['GET', `/api/v1/conversations?access_token=${TOKEN}`],
] as const;

test('every route but health and documentation needs a token', async () => {
  const { api, conversations } = await fixture();
  let caller = 0;
  for (const [method, url] of CLOSED) {
    for (const headers of [{}, { authorization: `Basic ${TOKEN}` }, { authorization: TOKEN }]) {
      caller += 1;
      const answer = await api.inject({ method, url, headers, remoteAddress: `192.0.2.${caller}` });
      assert.deepEqual([answer.statusCode, answer.json().error.code], [401, 'unauthorized'], url);
      assert.match(String(answer.headers['www-authenticate']), /^Bearer realm="tacet"/);
    }
  }
  for (const url of [...OPEN, '/docs', '/docs/json']) {
    assert.equal((await api.inject(url)).statusCode, 200, url);
  }
  assert.deepEqual([conversations.started, conversations.cancelled], [[], []]);
  await api.close();
});

test('the list above has every route of the description', async () => {
  const { api } = await fixture();
  const { paths } = (await api.inject('/docs/json')).json() as { paths: Record<string, object> };
  for (const [path, methods] of Object.entries(paths)) {
    const url = path
      .replace('{id}', 'c-1')
      .replace('{participantId}', 'p-1')
      .replace('{sessionId}', 's-1')
      .replace('{name}', 'support')
      .replace('{version}', '1');
    for (const method of Object.keys(methods).map((one) => one.toUpperCase())) {
      assert.ok(
        OPEN.has(url) || CLOSED.some((one) => one[0] === method && one[1] === url),
        `${method} ${url}`,
      );
    }
  }
  await api.close();
});

test('the scheme is taken in any case, the token in its own only', async () => {
  const { api } = await fixture();
  const status = async (authorization: string) =>
    (await api.inject({ url: '/metrics', headers: { authorization } })).statusCode;
  assert.equal(await status(`bearer ${TOKEN}`), 200);
  assert.equal(await status(`Bearer ${TOKEN.toUpperCase()}`), 401);
  assert.equal(await status(`Bearer ${TOKEN}x`), 401);
  assert.equal(await status(`Bearer ${TOKEN.slice(1)}`), 401);
  await api.close();
});

test('an address with ten wrong tokens is locked for half an hour, whatever it presents then', async () => {
  let now = 0;
  const { api, log } = await fixture({ now: () => now });
  const ask = (headers: Record<string, string>, remoteAddress = '192.0.2.66') =>
    api.inject({ url: '/metrics', headers, remoteAddress });
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    assert.equal((await ask(wrong)).statusCode, 401);
  }
  for (const headers of [wrong, right]) {
    const answer = await ask(headers);
    assert.deepEqual([answer.statusCode, answer.json().error.code], [429, 'too-many-failures']);
    assert.equal(answer.headers['retry-after'], String(LOCK_MS / 1000));
  }
  assert.equal((await ask(right, '192.0.2.67')).statusCode, 200);
  assert.equal((await api.inject({ url: '/healthz', remoteAddress: '192.0.2.66' })).statusCode, 200);
  now = LOCK_MS;
  assert.equal((await ask(right)).statusCode, 200);
  assert.equal(log.filter((line) => line.includes('not valid')).length, ATTEMPTS);
  await api.close();
});

test('a client that was right before cannot be locked out by a neighbour at its address', async () => {
  const { api } = await fixture({ now: () => 0 });
  const ask = async (headers: Record<string, string>) =>
    (await api.inject({ url: '/metrics', headers })).statusCode;
  assert.equal(await ask(right), 200);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) await ask(wrong);
  assert.equal(await ask(wrong), 429);
  assert.equal(await ask(right), 200);
  await api.close();
});

test('a request without a token is no attempt', async () => {
  const { api } = await fixture({ now: () => 0 });
  for (let attempt = 0; attempt < ATTEMPTS + 5; attempt += 1) {
    assert.equal((await api.inject('/metrics')).statusCode, 401);
  }
  assert.equal((await api.inject({ url: '/metrics', headers: right })).statusCode, 200);
  await api.close();
});

test('failures are forgotten after half an hour, and so are addresses beyond the ten thousandth', () => {
  let now = 0;
  const attempts = new FailedAttempts(() => now);
  for (let attempt = 1; attempt < ATTEMPTS; attempt += 1) attempts.failed('a');
  now = LOCK_MS;
  attempts.failed('a');
  assert.equal(attempts.lockedFor('a'), 0);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) attempts.failed('b');
  assert.equal(attempts.lockedFor('b'), LOCK_MS);
  for (let address = 0; address < 10_000; address += 1) attempts.failed(String(address));
  assert.equal(attempts.lockedFor('b'), 0);
});

test('the store knows tokens by name', () => {
  const store = new TokenStore([
    { name: 'a', token: 'one' },
    { name: 'b', token: 'two' },
  ]);
  assert.deepEqual([store.verify('one'), store.verify('two'), store.verify('three')], ['a', 'b', null]);
  assert.ok(!JSON.stringify(store).includes('one'));
});

test('without configured tokens one is generated, private to its owner; configured ones replace it', () => {
  const cwd = mkdtempSync(join(tmpdir(), 'tacet-tokens-'));
  try {
    const config = loadConfig({ env: {}, cwd });
    const store = loadTokens(config);
    const file = join(cwd, 'data', 'api-token');
    assert.deepEqual(store.generated, { file, created: true });
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(statSync(join(cwd, 'data')).mode & 0o777, 0o700);
    const token = readFileSync(file, 'utf8').trim();
    assert.equal(store.verify(token), 'generated');
    assert.deepEqual(loadTokens(config).generated, { file, created: false });
    assert.equal(loadTokens(config).verify(token), 'generated');
    chmodSync(file, 0o644);
    assert.throws(() => loadTokens(config), /chmod 600/);

    const tokenFile = join(cwd, 'own');
    writeFileSync(tokenFile, 'from-a-file\n', { mode: 0o600 });
    const tokens = [{ name: 'own', tokenFile, flows: 'view' as const }];
    const own = loadTokens({ ...config, http: { ...config.http, tokens } });
    assert.equal(own.generated, null);
    assert.equal(own.verify('from-a-file'), 'own');
    assert.deepEqual([own.mayFlows('own', 'view'), own.mayFlows('own', 'edit')], [true, false]);
    assert.equal(own.verify(token), null);
  } finally {
    rmSync(cwd, { recursive: true });
  }
});
