import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { Agents } from '../../server/agent/agents.js';
import { Registrar } from '../../server/agent/registrar.js';
import type { Registration } from '../../server/sip/signalling.js';

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

const md5 = (text: string) => createHash('md5').update(text).digest('hex');

function setUp(now = () => 1_000_000) {
  const agents = new Agents([{ id: 'anna' }, { id: 'bert', uri: 'sip:bert@192.0.2.1' }], now);
  const registrar = new Registrar(agents, new Map([['anna', 'correct horse']]), now);
  const send = (options: Partial<Registration>): Reply => {
    let reply: Reply | null = null;
    registrar.handle({
      user: 'anna',
      contact: 'sip:anna@10.0.0.9:5062',
      expiresSeconds: 300,
      source: 'sip:192.0.2.9:40000;transport=udp',
      authorization: null,
      accept: (headers) => {
        reply = { status: 200, headers };
      },
      reject: (status, headers = {}) => {
        reply = { status, headers };
      },
      ...options,
    });
    assert.ok(reply, 'every REGISTER is answered at once');
    return reply;
  };
  const authorization = (password: string, nonce: string, user = 'anna') => {
    const uri = 'sip:tacet';
    const ha1 = md5(`${user}:tacet:${password}`);
    const response = md5(`${ha1}:${nonce}:00000001:abc:auth:${md5(`REGISTER:${uri}`)}`);
    return `Digest username="${user}", realm="tacet", nonce="${nonce}", uri="${uri}", response="${response}", qop=auth, nc=00000001, cnonce="abc", algorithm=MD5`;
  };
  const nonce = () => /nonce="([^"]+)"/.exec(send({}).headers['WWW-Authenticate'] ?? '')?.[1] ?? '';
  return { agents, send, authorization, nonce };
}

describe('Registrar', () => {
  it('challenges, then registers at the address the request came from', () => {
    const { agents, send, authorization, nonce } = setUp();
    assert.equal(send({}).status, 401);
    assert.equal(send({ authorization: authorization('correct horse', nonce()) }).status, 200);
    const held = agents.reserve('anna', new Set());
    assert.deepEqual(held?.contact.uri, 'sip:anna@10.0.0.9:5062');
    assert.deepEqual(held?.contact.proxy, 'sip:192.0.2.9:40000;transport=udp');
  });

  it('refuses a wrong password, an unknown name and a nonce of somebody else', () => {
    const { agents, send, authorization, nonce } = setUp();
    assert.equal(send({ authorization: authorization('wrong', nonce()) }).status, 403);
    assert.equal(
      send({ user: 'eve', authorization: authorization('correct horse', nonce(), 'eve') }).status,
      403,
    );
    assert.equal(send({ authorization: authorization('correct horse', 'made.up') }).status, 401);
    assert.equal(send({ user: 'bert', authorization: authorization('', nonce(), 'bert') }).status, 403);
    assert.equal(agents.reserve('anna', new Set()), null);
  });

  it('locks a name after ten wrong answers', () => {
    const { send, authorization, nonce } = setUp();
    const challenge = nonce();
    for (let turn = 0; turn < 10; turn += 1) send({ authorization: authorization('wrong', challenge) });
    assert.equal(send({ authorization: authorization('correct horse', challenge) }).status, 403);
  });

  it('refuses a stale nonce with a fresh challenge', () => {
    let time = 1_000_000;
    const { send, authorization, nonce } = setUp(() => time);
    const old = nonce();
    time += 61_000;
    const reply = send({ authorization: authorization('correct horse', old) });
    assert.equal(reply.status, 401);
    assert.match(reply.headers['WWW-Authenticate'] ?? '', /stale=true/);
  });

  it('answers 423 to a registration that is too short, and unregisters on 0', () => {
    const { agents, send, authorization, nonce } = setUp();
    const credentials = authorization('correct horse', nonce());
    assert.equal(send({ authorization: credentials, expiresSeconds: 10 }).status, 423);
    assert.equal(send({ authorization: credentials }).status, 200);
    assert.equal(send({ authorization: credentials, expiresSeconds: 0 }).status, 200);
    assert.equal(agents.reserve('anna', new Set()), null);
  });

  it('survives garbage in Authorization', () => {
    const { send } = setUp();
    for (const text of ['', 'Digest', 'Basic abc', 'Digest =,="",nonce', `Digest ${'a="b",'.repeat(2000)}`]) {
      assert.equal(send({ authorization: text }).status, 401);
    }
  });
});

describe('Agents', () => {
  it('reserves each agent once, until released', async () => {
    const { agents } = setUp();
    const first = agents.reserve('any', new Set());
    assert.equal(first?.agentId, 'bert');
    assert.equal(agents.reserve('any', new Set()), null);
    const change = agents.nextChange(new AbortController().signal);
    first?.release();
    await change;
    assert.ok(agents.reserve('bert', new Set()));
  });

  it('forgets a registration that has expired', () => {
    let time = 0;
    const agents = new Agents([{ id: 'anna' }], () => time);
    agents.register('anna', { uri: 'sip:anna@10.0.0.9' }, 60);
    assert.equal(agents.reachable('anna', new Set()), true);
    time = 60_000;
    assert.equal(agents.reachable('anna', new Set()), false);
  });

  it('leaves no waiter behind when the wait is aborted', async () => {
    const { agents } = setUp();
    const abort = new AbortController();
    const wait = agents.nextChange(abort.signal);
    abort.abort();
    await wait;
  });
});
