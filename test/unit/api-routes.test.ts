import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { InjectOptions } from 'fastify';
import { ERRORS, type ErrorCode, TacetError } from '../../server/errors.js';
import { CONVERSATION, type Fixture, fixture, SESSION, TOKEN } from './api-fake.js';

const CARD = '4111111111111111';
const SESSIONS = '/api/v1/conversations/c-1/secure-sessions';
const REQUEST = { flow: 'card-payment', sourceParticipantId: 'p-2' };

describe('the API', () => {
  let made: Fixture;
  beforeEach(async () => {
    made = await fixture();
  });
  afterEach(() => made.api.close());

  const ask = (options: InjectOptions) =>
    made.api.inject({ ...options, headers: { authorization: `Bearer ${TOKEN}`, ...options.headers } });

  const post = (payload: InjectOptions['payload'], headers: InjectOptions['headers'] = {}) =>
    ask({
      method: 'POST',
      url: SESSIONS,
      payload,
      headers: { 'content-type': 'application/json', ...headers },
    });

  const refused = (answer: { statusCode: number; json(): unknown }, code: ErrorCode) => {
    const { error } = answer.json() as { error: { code: string; message: string; field?: string } };
    assert.equal(error.code, code);
    assert.equal(answer.statusCode, ERRORS[code].http);
    assert.ok(error.message.startsWith(ERRORS[code].text) || code === 'bad-request' || code === 'too-large');
    return error;
  };

  test('health and readiness need no token', async () => {
    const alive = await made.api.inject('/healthz');
    assert.deepEqual([alive.statusCode, alive.json()], [200, { ok: true }]);
    const ready = await made.api.inject('/readyz');
    assert.deepEqual(
      [ready.statusCode, ready.json()],
      [200, { ok: true, checks: { sip: { ok: true }, media: { ok: true } } }],
    );
  });

  test('a server that cannot take calls is not ready and says why', async () => {
    const ready = () => ({ ok: false, checks: { media: { ok: false, detail: 'lost' } } });
    const { api } = await fixture({ health: { ready } });
    const answer = await api.inject('/readyz');
    assert.deepEqual([answer.statusCode, answer.json()], [503, ready()]);
    await api.close();
  });

  test('metrics are Prometheus text', async () => {
    const answer = await ask({ url: '/metrics' });
    assert.match(String(answer.headers['content-type']), /^text\/plain; version=0\.0\.4/);
    assert.match(answer.body, /^tacet_secure_values 0$/m);
  });

  test('conversations: the list and one', async () => {
    assert.deepEqual((await ask({ url: '/api/v1/conversations' })).json(), { conversations: [CONVERSATION] });
    assert.deepEqual((await ask({ url: '/api/v1/conversations/c-1' })).json(), CONVERSATION);
    refused(await ask({ url: '/api/v1/conversations/c-2' }), 'conversation-not-found');
  });

  test('a secure session is accepted with 202 and its address', async () => {
    const request = { ...REQUEST, invocationData: '{}', disconnect: true };
    const answer = await post(request);
    assert.equal(answer.statusCode, 202);
    assert.equal(answer.headers.location, `${SESSIONS}/s-1`);
    assert.deepEqual(answer.json(), SESSION);
    assert.deepEqual(made.conversations.started, [['c-1', request]]);
    assert.deepEqual((await ask({ url: `${SESSIONS}/s-1` })).json(), SESSION);
    assert.deepEqual((await ask({ url: SESSIONS })).json(), { secureSessions: [SESSION] });
  });

  test('disconnect is false when it is left out', async () => {
    await post(REQUEST);
    assert.deepEqual(made.conversations.started, [['c-1', { ...REQUEST, disconnect: false }]]);
  });

  test('a secure session is cancelled', async () => {
    const answer = await ask({ method: 'DELETE', url: `${SESSIONS}/s-1` });
    assert.deepEqual([answer.statusCode, answer.json().state], [202, 'unshielding']);
    assert.deepEqual(made.conversations.cancelled, ['s-1']);
    refused(await ask({ method: 'DELETE', url: `${SESSIONS}/s-2` }), 'session-not-found');
  });

  test('who started a session is logged, with what and where from', async () => {
    await post(REQUEST);
    const line = made.log.map((one) => JSON.parse(one)).find((one) => one.msg === 'secure session requested');
    assert.deepEqual([line.by, line.conversation, line.session], ['tests', 'c-1', 's-1']);
  });

  test('every refusal of a session keeps its status and code', async () => {
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      made.conversations.refusal = new TacetError(code);
      const answer = await post(REQUEST);
      assert.deepEqual([answer.statusCode, answer.json().error.code], [ERRORS[code].http, code]);
    }
  });

  test('a failure of ours is 500 without its message or stack; the log has both', async () => {
    made.conversations.refusal = new Error(`secret detail ${CARD}`);
    const answer = await post(REQUEST);
    assert.deepEqual(answer.json(), { error: { code: 'internal', message: 'internal error' } });
    assert.match(made.log.join(''), /secret detail \[redacted\]/);
  });

  const INVALID: readonly (readonly [unknown, string, RegExp])[] = [
    [{}, 'flow', /flow is missing: add it/],
    [{ flow: 'x' }, 'sourceParticipantId', /missing/],
    [{ ...REQUEST, flow: 5 }, 'flow', /must be string/],
    [{ ...REQUEST, flow: '' }, 'flow', /fewer than 1/],
    [{ ...REQUEST, flow: CARD.repeat(20) }, 'flow', /more than 100/],
    [{ ...REQUEST, invocationData: 'x'.repeat(4097) }, 'invocationData', /more than 4096/],
    [{ ...REQUEST, disconnect: 'yes' }, 'disconnect', /boolean/],
    [{ ...REQUEST, [CARD]: 1 }, 'body', /not known: remove it/],
    [[], 'body', /object/],
    [null, 'body', /object/],
    ['text', 'body', /object/],
  ];

  for (const [payload, field, message] of INVALID) {
    test(`a body that is not valid names ${field}: ${message.source}`, async () => {
      const error = refused(await post(JSON.stringify(payload)), 'bad-request');
      assert.equal(error.field, field);
      assert.match(error.message, message);
      assert.deepEqual(made.conversations.started, []);
    });
  }

  test('nothing that came in is echoed or logged', async () => {
    const bodies = [
      `{"${CARD}":1`,
      `{"${CARD}":1}`,
      `"${CARD}"`,
      `{"flow":"${CARD}"}`,
      `{"flow":${CARD}}`,
      CARD,
      '{"41112":1}',
      '{"flow":"x","sourceParticipantId":"x","41112":1}',
    ];
    for (const body of bodies) {
      assert.ok(!(await post(body)).body.includes('4111'), body);
    }
    for (const url of [`/${CARD}`, `/api/v1/${CARD}`, `/api/v1/conversations/4111?x=${CARD}`, `/%${CARD}`]) {
      assert.ok(!(await ask({ url })).body.includes('4111'), url);
    }
    await ask({ url: '/api/v1/conversations', headers: { 'x-card': CARD, cookie: 'c=4111' } });
    assert.ok(!made.log.join('').includes('4111'));
    assert.ok(!made.log.join('').includes(TOKEN));
  });

  test('attributes are plain values under plain names, and a refusal repeats neither', async () => {
    const url = '/api/v1/conversations/c-1/participants/p-1/attributes';
    const patch = (attributes: unknown) =>
      ask({ method: 'PATCH', url, payload: { attributes } as InjectOptions['payload'] });
    const answer = await patch({ vip: true, customer: null, name: 'Ann', calls: 2 });
    assert.equal(answer.statusCode, 200);
    assert.match(made.log.join(''), /attributes set/);
    assert.ok(!made.log.join('').includes('Ann'));
    const many = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`a${index}`, 1]));
    for (const wrong of [
      {},
      many,
      { a: {} },
      { a: [1] },
      { [`a${CARD}`]: {} },
      { [CARD]: 1 },
      { 'a b': 1 },
      { constructor: {} },
      CARD,
      null,
    ]) {
      const refusal = await patch(wrong);
      refused(refusal, 'bad-request');
      assert.ok(!refusal.body.includes('4111'), JSON.stringify(wrong));
    }
    refused(
      await ask({ method: 'PATCH', url: url.replace('p-1', 'p-9'), payload: { attributes: { a: 1 } } }),
      'participant-not-found',
    );
  });

  test('what is not JSON, too large or empty is told apart', async () => {
    refused(await post('{"flow":', {}), 'bad-request');
    refused(await post('', {}), 'bad-request');
    refused(
      await post('flow=x', { 'content-type': 'application/x-www-form-urlencoded' }),
      'unsupported-media-type',
    );
    refused(await post('x', { 'content-type': 'text/plain' }), 'unsupported-media-type');
    refused(await post('<a/>', { 'content-type': 'application/xml' }), 'unsupported-media-type');
    refused(await post(JSON.stringify({ ...REQUEST, a: 'x'.repeat(17_000) })), 'too-large');
    refused(await post('{"__proto__":{"flow":"x"}}'), 'bad-request');
  });

  test('an unknown path is 404, an unknown method 405 with what is possible', async () => {
    refused(await ask({ url: '/nothing' }), 'not-found');
    refused(await ask({ url: '/api/v1/nothing' }), 'not-found');
    refused(await ask({ url: `/api/v1/conversations/${'x'.repeat(101)}` }), 'not-found');
    const put = await ask({ method: 'PUT', url: SESSIONS });
    refused(put, 'method-not-allowed');
    assert.equal(put.headers.allow, 'GET, HEAD, OPTIONS, POST');
    const options = await ask({ method: 'OPTIONS', url: `${SESSIONS}/s-1` });
    assert.deepEqual([options.statusCode, options.headers.allow], [204, 'DELETE, GET, HEAD, OPTIONS']);
  });

  test('HEAD answers like GET without a body; the event stream has none', async () => {
    const head = await ask({ method: 'HEAD', url: '/api/v1/conversations' });
    assert.deepEqual([head.statusCode, head.body], [200, '']);
    assert.equal((await ask({ method: 'HEAD', url: '/api/v1/events' })).statusCode, 405);
  });

  test('answers are not kept by caches', async () => {
    for (const url of ['/healthz', '/api/v1/conversations', '/api/v1/nothing']) {
      const { headers } = await ask({ url });
      assert.deepEqual(
        [headers['cache-control'], headers['x-content-type-options']],
        ['no-store', 'nosniff'],
        url,
      );
    }
  });

  test('bytes that are not HTTP get an error of the same shape and a closed connection', async () => {
    await made.api.listen({ host: '127.0.0.1', port: 0 });
    const { port } = made.api.server.address() as { port: number };
    const answer = await new Promise<string>((resolve, reject) => {
      let text = '';
      const socket = connect(port, '127.0.0.1', () => socket.write(`INVITE ${CARD}\r\n\r\n`));
      socket.setEncoding('utf8').setTimeout(5000, () => socket.destroy(new Error('no answer in 5 s')));
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.on('error', reject);
      socket.on('close', () => resolve(text));
    });
    assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
    const body = JSON.parse(answer.split('\r\n\r\n')[1] ?? '');
    assert.equal(body.error.code, 'bad-request');
  });

  test('closing is not held up by a connection that asks nothing, or half a request', async () => {
    await made.api.listen({ host: '127.0.0.1', port: 0 });
    const { port } = made.api.server.address() as { port: number };
    const connected = new Promise<void>((resolve) => {
      let count = 0;
      made.api.server.on('connection', () => {
        count += 1;
        if (count === 2) resolve();
      });
    });
    const sockets = ['', 'GET /healthz HTTP/1.1\r\n'].map((text) => {
      const socket = connect(port, '127.0.0.1').on('error', () => {});
      if (text !== '') socket.write(text);
      return socket;
    });
    await connected;
    const ended = Promise.all(sockets.map((socket) => once(socket, 'close')));
    const late = new Promise<never>((_resolve, reject) => {
      setTimeout(() => reject(new Error('not closed in time')), 5000).unref();
    });
    try {
      await Promise.race([Promise.all([made.api.close(), ended]), late]);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });
});
