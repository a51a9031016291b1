import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { afterEach, test } from 'node:test';
import { PortsAhead } from '../../media/embedded/ports-ahead.js';
import { RtpSocket } from '../../media/embedded/rtp-socket.js';
import { PortPool } from '../../media/rtp/port-pool.js';
import { Mailbox, until } from './sip-peer.js';

let ahead: PortsAhead | null = null;
let now = 0;
let sender: Socket | null = null;
afterEach(() => {
  ahead?.close();
  sender?.close();
  sender = null;
});

/** Ports opened ahead in a range of so many, the ports in the order in which they were told of. */
function begin(count: number) {
  const from = 22_000;
  const pool = new PortPool({
    from,
    to: from + 2 * count - 1,
    drainMs: 0,
    random: Math.random,
    now: () => 0,
  });
  const told = new Mailbox<number>();
  let opened = 0;
  const open = async () => {
    const socket = await RtpSocket.open(
      pool,
      '127.0.0.1',
      () => now,
      () => {},
    );
    opened += 1;
    return socket;
  };
  ahead = new PortsAhead(pool, open, (ports) => {
    for (const port of ports) told.put(port);
  });
  return { pool, ahead, told, opened: () => opened };
}

async function take(told: Mailbox<number>, count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await told.take('a port'));
  return ports;
}

test('thirty-two ports of a wide range are opened, and another for each that is taken, told of eight at a time', async () => {
  const { pool, ahead, told, opened } = begin(600);
  ahead.fill();
  ahead.fill();
  const ports = await take(told, 32);
  assert.equal(new Set(ports).size, 32);
  assert.equal(pool.taken, 32);
  const taken = ports.slice(0, 7).map((port) => ahead.take(port));
  assert.deepEqual(
    taken.map(({ port }) => port),
    ports.slice(0, 7),
  );
  assert.deepEqual([ahead.size, pool.taken], [32, 39], 'what is being opened counts');
  await until(() => opened() === 39, 'seven others to be open');
  assert.equal(told.size, 0);
  taken.push(ahead.take(ports[7] ?? 0));
  await take(told, 8);
  assert.deepEqual([ahead.size, pool.taken], [32, 40]);
  for (const socket of taken) socket.close();
});

test('a port that was not told of yet serves who finds no other, and is not told of then', async () => {
  const { ahead, told, opened } = begin(600);
  assert.equal(ahead.takeUntold(), null);
  ahead.fill();
  const ports = await take(told, 32);
  assert.equal(ahead.takeUntold(), null);
  ahead.take(ports[0] ?? 0).close();
  await until(() => opened() === 33, 'another to be open');
  const socket = ahead.takeUntold();
  assert.ok(socket && !ports.includes(socket.port));
  for (const port of ports.slice(1, 9)) ahead.take(port).close();
  assert.equal((await take(told, 8)).includes(socket.port), false);
  socket.close();
});

test('a port is taken once, and only one that was told of', async () => {
  const { ahead, told } = begin(32);
  ahead.fill();
  const [port = 0] = await take(told, 1);
  ahead.take(port).close();
  assert.throws(() => ahead.take(port), /was not opened ahead/);
});

test('of few ports none is kept from the calls', () => {
  const { pool, ahead } = begin(15);
  ahead.fill();
  assert.deepEqual([ahead.size, pool.taken], [0, 0]);
});

test('of what arrives before there is a leg, only the last moment is heard', async () => {
  const { ahead, told } = begin(16);
  ahead.fill();
  const [port = 0] = await take(told, 1);
  const from = createSocket('udp4');
  sender = from;
  const send = (text: string) =>
    new Promise((resolve) => from.send(text, port, '127.0.0.1', () => resolve(null)));
  // The datagrams are in the socket already: they are read in a turn of their own.
  const read = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  for (let packet = 0; packet < 20; packet += 1) await send('to a call before');
  await read();
  now += 501;
  await send('early');
  await read();
  const heard = new Mailbox<string>();
  const socket = ahead.take(port);
  socket.listen((bytes) => heard.put(Buffer.from(bytes).toString()));
  await send('late');
  const both = [await heard.take('what came just before'), await heard.take('what arrives later')];
  socket.close();
  assert.deepEqual(both, ['early', 'late']);
});

test('closing gives every port up, those too that are being opened', async () => {
  const { pool, ahead, told } = begin(200);
  ahead.fill();
  await take(told, 3);
  ahead.close();
  ahead.fill();
  await until(() => pool.taken === 0, 'every port to be free');
  assert.equal(ahead.size, 0);
});
