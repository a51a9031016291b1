import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import type { SipServerEvent } from '../../server/sip/embedded/log.js';
import { type Bench, onBench, SDP, TcpPeer } from './sip-peer.js';
import { type AppDialog, settled } from './sip-srf.js';
import { INVALID } from './sip-torture/invalid.js';
import { SEMANTICS } from './sip-torture/semantics.js';
import { VALID } from './sip-torture/valid.js';

/** Random numbers that are the same on every run (mulberry32). */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Random = (below: number) => number;

const SCRAPS = [
  '\r\n',
  '\r\n\r\n',
  '\r\n ',
  '\0',
  '"',
  '\\',
  '<',
  '>',
  ';',
  ',',
  ':',
  '%',
  '@',
  ';tag=',
  '\xff\xfe',
  'SIP/2.0 ',
  '0'.repeat(30),
  ' '.repeat(500),
  'Via: ',
  'Content-Length: 99\r\n',
  'To: <sip:a@b>\r\n',
];

function pick<T>(random: Random, from: readonly T[]): T {
  const value = from[random(from.length)];
  assert.ok(value !== undefined);
  return value;
}

/** Damages a message in one to four places. */
function mutate(random: Random, message: Buffer): Buffer {
  let text = message.toString('latin1');
  for (let times = 1 + random(4); times > 0; times--) {
    const at = random(text.length + 1);
    const length = random(20);
    switch (random(6)) {
      case 0:
        text = text.slice(0, at) + text.slice(at + length);
        break;
      case 1:
        text = text.slice(0, at) + pick(random, SCRAPS) + text.slice(at);
        break;
      case 2:
        text = text.slice(0, at) + String.fromCharCode(random(256)) + text.slice(at + 1);
        break;
      case 3:
        text =
          text.slice(0, at) + text.slice(at, at + length).repeat(2 + random(5)) + text.slice(at + length);
        break;
      case 4:
        text = text.slice(0, at);
        break;
      case 5: {
        const lines = text.split('\r\n');
        const [line = ''] = lines.splice(random(lines.length), 1);
        lines.splice(random(lines.length + 1), 0, line, ...(random(2) ? [line] : []));
        text = lines.join('\r\n');
      }
    }
  }
  return Buffer.from(text.slice(0, 60_000), 'latin1');
}

function noise(random: Random): Buffer {
  return Buffer.from(Array.from({ length: 1 + random(300) }, () => random(256)));
}

/** Messages of a real call, so that damaged ones meet transactions and dialogs that exist. */
function corpus({ peer }: Bench, to: string): Buffer[] {
  const call = { callId: 'fuzzed', to };
  const requests = [
    { method: 'INVITE', seq: 5, headers: ['Content-Type: application/sdp'], body: SDP },
    { method: 'INVITE', seq: 6, ...call, headers: ['Content-Type: application/sdp'], body: SDP },
    { method: 'ACK', seq: 6, ...call },
    { method: 'CANCEL', seq: 6, ...call, branch: 'z9hG4bKfuzz' },
    {
      method: 'INFO',
      seq: 7,
      ...call,
      headers: ['Content-Type: application/dtmf-relay'],
      body: 'Signal=5\r\n',
    },
    { method: 'UPDATE', seq: 8, ...call },
    { method: 'OPTIONS', seq: 9 },
    { method: 'REGISTER', seq: 9 },
    { method: 'REFER', seq: 9, ...call, headers: ['Refer-To: <sip:a@b>'] },
  ];
  return [
    ...requests.map((parts) => Buffer.from(peer.request(parts))),
    ...[...VALID, ...INVALID, ...SEMANTICS].map(({ data }) => data),
  ];
}

/** Runs a test with an application that handles everything, and checks that neither side broke. */
async function fuzzing(test: (bench: Bench, to: string) => Promise<void>): Promise<void> {
  const faults: SipServerEvent[] = [];
  const complaints: unknown[] = [];
  const { error: complain } = console;
  console.error = (...words: unknown[]) => complaints.push(words);
  try {
    await onBench(
      async (bench) => {
        const { app, peer } = bench;
        handleEverything(bench);
        await settled(app);
        peer.send({
          method: 'INVITE',
          seq: 1,
          callId: 'fuzzed',
          headers: ['Content-Type: application/sdp'],
          body: SDP,
        });
        const to = (await peer.final()).get('To');
        peer.send({ method: 'ACK', seq: 1, callId: 'fuzzed', to });
        await test(bench, to);
        await stillServes(bench);
      },
      {
        flood: { requestsPerSecond: 0 },
        log: (event) => {
          if (event.event === 'internal-error') faults.push(event);
        },
      },
    );
  } finally {
    console.error = complain;
  }
  assert.deepEqual(faults, []);
  assert.deepEqual(complaints.map(String), []);
}

function handleEverything({ app }: Bench): void {
  app.invite((request, reply) => {
    app.createUAS(request, reply, { localSdp: SDP }).then(
      (dialog: AppDialog) => {
        for (const event of ['modify', 'refer', 'update', 'info'])
          dialog.on(event, (_request, answer) => answer.send(200));
      },
      () => {},
    );
  });
  app.options((_request, reply) => reply.send(200));
  app.register((_request, reply) => reply.send(200));
  app.message((_request, reply) => reply.send(200));
}

/** A whole call by a peer that was not part of it. */
async function stillServes({ server, clock }: Bench): Promise<void> {
  clock.advance(64_000);
  const peer = await TcpPeer.open(server.sipPort);
  peer.send({
    method: 'INVITE',
    seq: 1,
    callId: 'after',
    headers: ['Content-Type: application/sdp'],
    body: SDP,
  });
  const ok = await peer.final();
  assert.equal(ok.status, 200);
  peer.send({ method: 'ACK', seq: 1, callId: 'after', to: ok.get('To') });
  peer.send({ method: 'BYE', seq: 2, callId: 'after', to: ok.get('To') });
  assert.equal((await peer.final()).status, 200);
  peer.close();
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('fuzzing, the same on every run', () => {
  for (const seed of [1, 2, 3]) {
    it(`damaged and random datagrams, seed ${seed}`, () =>
      fuzzing(async (bench, to) => {
        const random = generator(seed);
        const messages = corpus(bench, to);
        for (let round = 0; round < 1500; round++) {
          bench.peer.sendRaw(random(10) === 0 ? noise(random) : mutate(random, pick(random, messages)));
          if (round % 10 === 0) await turn();
          if (round % 100 === 0) bench.clock.advance(random(2000));
        }
      }));

    it(`damaged streams cut anywhere, seed ${seed}`, () =>
      fuzzing(async (bench, to) => {
        const random = generator(100 + seed);
        const messages = corpus(bench, to);
        for (let connection = 0; connection < 60; connection++) {
          const peer = await TcpPeer.open(bench.server.sipPort);
          const intact = () => pick(random, messages);
          const parts = Array.from({ length: 5 }, () => (random(2) ? intact() : mutate(random, intact())));
          const stream = Buffer.concat([...parts, noise(random)]);
          for (let at = 0; at < stream.length; ) {
            const next = at + 1 + random(1000);
            peer.sendRaw(stream.subarray(at, next));
            at = next;
            await turn();
          }
          peer.close();
        }
      }));

    it(`noise at the application port ends that client only, seed ${seed}`, () =>
      fuzzing(async (bench) => {
        const random = generator(200 + seed);
        for (let connection = 0; connection < 60; connection++) {
          const socket = connect(bench.server.adminPort, '127.0.0.1');
          socket.on('error', () => {});
          const frame = (payload: string) => `${payload.length}#${payload}`;
          if (random(2)) socket.write(frame(`1|authenticate|${bench.server.secret}|`));
          const commands = [
            '2|route|invite',
            '3|sip||\r\nINVITE sip:a@127.0.0.1:9 SIP/2.0\r\nFrom: <sip:x@y>\r\n\r\n',
            '4|sip|x|y\r\nSIP/2.0 200 OK\r\n\r\n',
          ];
          for (let times = 0; times < 5; times++) {
            const command = Buffer.from(frame(pick(random, commands)));
            socket.write(random(3) ? mutate(random, command) : noise(random));
          }
          await turn();
          socket.destroy();
          await settled(bench.app);
        }
        await withoutLostClients(bench);
      }));
  }
});

/** Routes of clients that have gone must be gone too before the last call is made. */
async function withoutLostClients({ server, app }: Bench): Promise<void> {
  while (server.stats().clients > 1) await settled(app);
}
