import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, beforeEach, test } from 'node:test';
import { DrachtioSignalling } from '../../server/sip/drachtio-signalling.js';
import { localConnection } from '../../server/sip/embedded/local-socket.js';
import { type SipServer, startSipServer } from '../../server/sip/embedded/server.js';
import type { DialogHandlers, IncomingCall } from '../../server/sip/signalling.js';
import type { ConnectionFault } from '../../server/sip/srf-connection.js';
import { within } from '../kit/deadline.js';
import { INVITE } from './sip-calls.js';
import { Mailbox, SDP, UdpPeer } from './sip-peer.js';

let server: SipServer;
let peer: UdpPeer;
let signalling: DrachtioSignalling | null;
let changes: Mailbox<ConnectionFault | 'up'>;
let infos: Mailbox<string>;

const handlers: DialogHandlers = {
  hungUp: () => {},
  lost: () => {},
  offered: async () => SDP,
  answered: async () => {},
  info: (_contentType, body) => {
    infos.put(body);
    return true;
  },
};

beforeEach(async () => {
  server = await startSipServer({ adminPort: null });
  peer = await UdpPeer.open(server.sipPort);
  signalling = null;
  changes = new Mailbox();
  infos = new Mailbox();
});

afterEach(async () => {
  peer.close();
  await signalling?.close();
  await within(server.close(), 5000, 'the server to close');
});

/** Signalling on the server in this process; `secret` is what it presents. */
async function attached(secret = server.secret, attach = () => server.attach()) {
  const calls = new Mailbox<IncomingCall>();
  signalling = new DrachtioSignalling({
    servers: [{ host: 'here', port: server.sipPort, secret, attach }],
    localHost: '127.0.0.1',
    onConnection: (_server, fault) => changes.put(fault ?? 'up'),
  });
  await signalling.start({ incoming: (call) => calls.put(call), register: () => {} });
  return calls;
}

test('a call goes through, with no port open for applications', async () => {
  assert.equal(server.adminPort, 0);
  const calls = await attached();
  assert.equal(await changes.take('the connection'), 'up');
  assert.deepEqual(signalling?.contacts, [
    `udp/127.0.0.1:${server.sipPort}`,
    `tcp/127.0.0.1:${server.sipPort}`,
  ]);
  peer.send(INVITE);
  const dialog = await (await calls.take('the call')).answer(SDP, handlers);
  const ok = await peer.final();
  const to = ok.get('To');
  peer.send({ method: 'ACK', seq: 1, to });
  peer.send({
    method: 'INFO',
    seq: 2,
    to,
    headers: ['Content-Type: application/dtmf-relay'],
    body: 'Signal=5',
  });
  assert.equal(await infos.take('the key'), 'Signal=5');
  assert.equal((await peer.final()).status, 200);
  const over = dialog.hangUp();
  const bye = await peer.next();
  assert.equal(bye.method, 'BYE');
  peer.answer(bye, '200 OK');
  await over;
  assert.equal(server.stats().dialogs, 0);
});

test('a wrong secret is refused', async () => {
  await attached('guess');
  assert.equal(await changes.take('the refusal'), 'secret-refused');
  assert.equal(server.stats().clients, 0);
});

test('a connection that breaks is known on both sides, and made anew', async () => {
  const sockets: ReturnType<SipServer['attach']>[] = [];
  await attached(undefined, () => {
    const socket = server.attach();
    sockets.push(socket);
    return socket;
  });
  assert.equal(await changes.take('the connection'), 'up');
  sockets[0]?.destroy();
  assert.equal(await changes.take('the loss'), 'closed');
  assert.equal(await changes.take('the next connection'), 'up');
  assert.equal(server.stats().clients, 1);
});

test('what is no frame ends the connection and nothing else', async () => {
  await attached();
  assert.equal(await changes.take('the connection'), 'up');
  const socket = server.attach();
  socket.resume();
  socket.write('no frame#');
  await once(socket, 'close');
  assert.equal(server.stats().clients, 1);
});

test('what is written is read later in the same turn, in its order, and wiped when it was', async () => {
  const [near, far] = localConnection();
  const said: string[] = [];
  far.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  const digit = Buffer.from('Signal=4');
  near.write(digit, () => {
    said.push('wiped');
    digit.fill(0);
  });
  near.write('second');
  near.write('third');
  assert.deepEqual(said, []);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(said, ['Signal=4', 'wiped', 'second', 'third']);
});

test('what is written with the end is read before it', async () => {
  const [near, far] = localConnection();
  const said: string[] = [];
  far.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  near.write('first');
  near.end('last');
  await within(once(far, 'end'), 1000, 'the end');
  assert.deepEqual(said, ['first', 'last']);
});

test('the end of one side is the end of the other', async () => {
  for (const end of ['end', 'destroy'] as const) {
    const [near, far] = localConnection();
    far.resume();
    near.resume();
    near.on('error', assert.fail);
    far.on('error', assert.fail);
    const closed = Promise.all([once(near, 'close'), once(far, 'close')]);
    near[end]();
    await within(closed, 1000, `both sides after ${end}`);
    assert.ok(near.destroyed && far.destroyed);
  }
});
