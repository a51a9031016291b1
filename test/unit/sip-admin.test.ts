import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { AdminFramer, AdminProtocolError } from '../../server/sip/embedded/admin-frame.js';
import { within } from '../kit/deadline.js';
import { type Bench, Mailbox, onBench, PATIENCE_MS, SDP } from './sip-peer.js';
import { type AppReply, connectApp, newApp, settled } from './sip-srf.js';

/** A connection to the application port that speaks the protocol by hand. */
class RawClient {
  readonly frames = new Mailbox<string>();
  readonly closed: Promise<unknown>;
  readonly #socket: Socket;
  #text = '';

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.closed = once(socket, 'close');
    socket.on('error', () => {});
    socket.on('data', (data: Buffer) => this.#read(data.toString('latin1')));
  }

  static async open({ server }: Bench): Promise<RawClient> {
    const socket = connect(server.adminPort, '127.0.0.1');
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  write(bytes: string): void {
    this.#socket.write(bytes, 'latin1');
  }

  send(payload: string): void {
    this.write(`${Buffer.byteLength(payload)}#${payload}`);
  }

  /** Sends a payload, and gives the answer's tokens after its identifier. */
  async ask(payload: string): Promise<string> {
    this.send(payload);
    return (await this.frames.take('an answer')).replace(/^[^|]+\|/, '');
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(text: string): void {
    this.#text += text;
    for (;;) {
      const length = /^(\d+)#/.exec(this.#text);
      const end = (length?.[0].length ?? 0) + Number(length?.[1] ?? 0);
      if (!length || this.#text.length < end) return;
      this.frames.put(this.#text.slice(length[0].length, end));
      this.#text = this.#text.slice(end);
    }
  }
}

async function withClient(bench: Bench, test: (client: RawClient) => Promise<void>): Promise<void> {
  const client = await RawClient.open(bench);
  try {
    await test(client);
  } finally {
    client.close();
  }
}

const ended = (client: RawClient) => within(client.closed, PATIENCE_MS, 'the connection to end');

describe('application protocol', () => {
  it('authenticates by secret, and tells where SIP is received', () =>
    onBench((bench) =>
      withClient(bench, async (client) => {
        const { server } = bench;
        const at = `127.0.0.1:${server.sipPort}`;
        const hostports = `udp/${at},tcp/${at}`;
        assert.equal(
          await client.ask(`1|authenticate|${server.secret}|tag1,tag2`),
          `response|1|OK|${hostports}|v0.9.10|${hostports}`,
        );
        assert.equal(server.stats().clients, 2);
        assert.equal(await client.ask('2|route|invite'), 'response|2|OK');
        assert.equal(await client.ask('3|route|invite'), 'response|3|OK');
        assert.equal(await client.ask('4|remove_route|invite'), 'response|4|OK');
        assert.equal(await client.ask('5|ping'), 'response|5|OK|pong');
        assert.match(await client.ask('6|proxy|txn||||||sip:x'), /^response\|6\|NOK\|/);
      }),
    ));

  it('refuses a wrong secret, and drachtio-srf hears of it', () =>
    onBench(async (bench) => {
      await withClient(bench, async (client) => {
        assert.equal(await client.ask('1|authenticate|guess|'), 'response|1|NO|incorrect secret');
        await ended(client);
      });
      const app = newApp();
      app.on('error', () => {});
      const connected = new Mailbox<Error | undefined>();
      app.on('connect', (error) => connected.put(error));
      app.connect({ host: '127.0.0.1', port: bench.server.adminPort, secret: 'guess' });
      assert.match(String(await connected.take('the refusal')), /failed to authenticate/);
      app.disconnect();
    }));

  it('does nothing for a client that has not authenticated, and drops it after a while', () =>
    onBench(async (bench) => {
      await withClient(bench, async (client) => {
        client.send('1|route|invite');
        await ended(client);
      });
      await withClient(bench, async (client) => {
        await settled(bench.app);
        bench.clock.advance(10_000);
        await ended(client);
      });
    }));

  for (const [what, bytes] of [
    ['letters', 'GET / HTTP/1.1\r\n\r\n'],
    ['no length', '#1|ping'],
    ['a length beyond five digits', '123456#'],
    ['binary noise', '\x00\x01\xff\xfe'],
  ] as const) {
    it(`drops a client that sends ${what}, and no other`, () =>
      onBench((bench) =>
        withClient(bench, async (client) => {
          client.write(bytes);
          await ended(client);
          await settled(bench.app);
          assert.equal(bench.server.stats().clients, 1);
        }),
      ));
  }

  for (const payload of ['lonely', '1|dance', '1|route|dance', '1|sip|x', '1|sip|a|b', '']) {
    it(`drops an authenticated client that sends "${payload}"`, () =>
      onBench((bench) =>
        withClient(bench, async (client) => {
          await client.ask(`1|authenticate|${bench.server.secret}`);
          client.send(payload);
          await ended(client);
          await settled(bench.app);
        }),
      ));
  }

  for (const [what, payload, answer] of [
    [
      'an answer to nothing',
      '9|sip|none|\r\nSIP/2.0 200 OK\r\n\r\n',
      /NOK\|Response not sent due to unknown transaction/,
    ],
    [
      'an answer to CANCEL',
      '9|sip|none|\r\nSIP/2.0 200 OK\r\nCSeq: 1 CANCEL\r\n\r\n',
      /NOK\|200 OK to incoming CANCEL is automatically/,
    ],
    ['an answer without transaction', '9|sip||\r\nSIP/2.0 200 OK\r\n\r\n', /NOK\|transaction id missing/],
    [
      'a request in no dialog',
      '9|sip||none\r\nBYE sip:placeholder SIP/2.0\r\n\r\n',
      /NOK\|Server error: unable to find dialog/,
    ],
    [
      'an ACK in no dialog',
      '9|sip||none\r\nACK sip:x SIP/2.0\r\n\r\n',
      /NOK\|Server error: ACK for non-success final response/,
    ],
    [
      'CANCEL of nothing',
      '9|sip|none|\r\nCANCEL sip:a@127.0.0.1 SIP/2.0\r\n\r\n',
      /NOK\|unable to cancel unknown transaction id: none/,
    ],
    ['a URI that leads nowhere', '9|sip||\r\nOPTIONS tel:1234 SIP/2.0\r\n\r\n', /NOK\|invalid request-uri/],
    [
      'a body without type',
      '9|sip||\r\nMESSAGE sip:a@127.0.0.1:9 SIP/2.0\r\n\r\nhello',
      /NOK\|missing content-type/,
    ],
    ['noise', '9|sip||\r\nhello', /NOK\|/],
  ] as const) {
    it(`refuses ${what}, and goes on`, () =>
      onBench((bench) =>
        withClient(bench, async (client) => {
          await client.ask(`1|authenticate|${bench.server.secret}`);
          assert.match(await client.ask(payload), answer);
          assert.equal(await client.ask('10|ping'), 'response|10|OK|pong');
        }),
      ));
  }

  it('describes a new request and the answer to it as drachtio does', () =>
    onBench((bench) =>
      withClient(bench, async (client) => {
        const { peer, server } = bench;
        await client.ask(`1|authenticate|${server.secret}`);
        await client.ask('2|route|invite');
        peer.send({ method: 'INVITE', seq: 1, headers: ['Content-Type: application/sdp'], body: SDP });
        const [meta = ''] = (await client.frames.take('the INVITE')).split('\r\n');
        const tokens = meta.split('|');
        const time = /^\d\d:\d\d:\d\d\.\d{6}$/;
        assert.deepEqual(
          [tokens[1], tokens[2], tokens[4], tokens[5], tokens[6]],
          ['sip', 'network', 'udp', '127.0.0.1', `${peer.port}`],
        );
        assert.match(tokens[7] ?? '', time);
        const transaction = tokens[8] ?? '';
        assert.deepEqual(tokens.slice(9, 12), ['', '127.0.0.1', `${server.sipPort}`]);
        client.send(`3|sip|${transaction}|\r\nSIP/2.0 200 OK\r\nContent-Length: 3\r\n\r\n${SDP}`);
        const answer = (await client.frames.take('the answer')).split('\r\n');
        const said = answer[0]?.split('|') ?? [];
        assert.deepEqual(said.slice(1, 5), ['response', '3', 'OK', 'application']);
        assert.deepEqual(said.slice(10, 13), [transaction, 'call-1;from-tag=peertag', '']);
        assert.equal(answer[1], 'SIP/2.0 200 OK');
        assert.equal((await peer.final()).body, SDP);
      }),
    ));

  it('passes UTF-8 bodies whole in both directions', () =>
    onBench(async ({ peer, app }) => {
      const text = 'grüße ✓ 漢字';
      app.message((request, reply) => {
        const headers = { 'Content-Type': 'text/plain;charset=utf-8' };
        reply.send(200, { headers, body: request.body });
      });
      await settled(app);
      peer.send({ method: 'MESSAGE', seq: 1, headers: ['Content-Type: text/plain'], body: text });
      // drachtio-srf cuts bodies by counting characters; the server itself adds or drops nothing.
      assert.ok(text.startsWith((await peer.final()).body));
    }));

  it('serves a client that comes back', () =>
    onBench(async ({ server, peer }) => {
      const first = await connectApp(server);
      first.disconnect();
      const second = await connectApp(server);
      const replies = new Mailbox<AppReply>();
      second.message((_request, reply) => replies.put(reply));
      await settled(second);
      peer.send({ method: 'MESSAGE', seq: 1 });
      (await replies.take('the message')).send(200);
      assert.equal((await peer.final()).status, 200);
      second.disconnect();
    }));
});

describe('application framing', () => {
  it('finds the same payloads however the stream is cut', () => {
    const stream = Buffer.from('3#one11#two|three\r\n0#5#four\n');
    for (let size = 1; size <= stream.length; size++) {
      const framer = new AdminFramer();
      const payloads: string[] = [];
      for (let at = 0; at < stream.length; at += size) {
        payloads.push(...framer.push(stream.subarray(at, at + size)).map(String));
      }
      assert.deepEqual(payloads, ['one', 'two|three\r\n', '', 'four\n'], `cut every ${size} bytes`);
    }
  });

  it('throws where no length can be', () => {
    for (const bytes of ['x', '#', '12x', '1234567']) {
      assert.throws(() => new AdminFramer().push(Buffer.from(bytes)), AdminProtocolError, bytes);
    }
  });
});
