import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { DrachtioSignalling } from '../../server/sip/drachtio-signalling.js';
import { type SipServer, startSipServer } from '../../server/sip/embedded/server.js';
import type {
  AnsweredCall,
  DialogHandlers,
  IncomingCall,
  OutgoingCall,
} from '../../server/sip/signalling.js';
import { SipFailure } from '../../server/sip/signalling.js';
import type { ConnectionFault } from '../../server/sip/srf-connection.js';
import { within } from '../kit/deadline.js';
import { Relay } from '../kit/relay.js';
import { INVITE, inside } from './sip-calls.js';
import { Mailbox, SDP, UdpPeer, until } from './sip-peer.js';

/** What a leg was told. */
type Told = 'hungUp' | 'lost';

let server: SipServer;
let relay: Relay;
let peer: UdpPeer;
let signalling: DrachtioSignalling;
let calls: Mailbox<IncomingCall>;
let changes: Mailbox<ConnectionFault | 'up'>;
let told: Mailbox<Told>;

const handlers: DialogHandlers = {
  hungUp: () => told.put('hungUp'),
  lost: () => told.put('lost'),
  offered: async () => SDP,
  answered: async () => {},
  info: (contentType) => {
    if (contentType === 'x/broken') throw new Error('broken');
    return true;
  },
};

function newSignalling(port: number, pingMs = 5000): DrachtioSignalling {
  return new DrachtioSignalling({
    servers: [{ host: '127.0.0.1', port, secret: server.secret }],
    localHost: '127.0.0.1',
    pingMs,
    onConnection: (_server, fault) => changes.put(fault ?? 'up'),
  });
}

const start = () => signalling.start({ incoming: (call) => calls.put(call), register: () => {} });

function outgoing(over: Partial<OutgoingCall> = {}): OutgoingCall {
  const { signal } = new AbortController();
  return { uri: `sip:b@127.0.0.1:${peer.port}`, offer: SDP, from: { user: 'a' }, signal, ...over };
}

const failsWith = (status: number) => (error: unknown) =>
  error instanceof SipFailure && error.status === status;

/**
 * drachtio-server while it starts: it takes the secret and tells `contact`, or nothing while its SIP ports are not
 * open; what it is told then, it leaves unread until {@link read}.
 */
class Starting {
  greeted = 0;
  readonly port: number;
  readonly #server: Server;
  #unread = '';
  #answer: (frame: string) => void = () => {};

  private constructor(server: Server, contact: string) {
    this.#server = server;
    const address = server.address();
    this.port = typeof address === 'object' && address ? address.port : 0;
    server.on('connection', (socket) => {
      socket.on('error', () => {});
      this.#answer = (answer) => socket.write(`${answer.length}#${answer}`);
      socket.on('data', (chunk) => {
        const [, id] = /^\d+#([^|]+)\|authenticate\|/.exec(chunk.toString()) ?? [];
        if (!id) {
          this.#unread += chunk;
          return;
        }
        this.greeted += 1;
        this.#answer(`4711|response|${id}|OK|${contact}|v0.9.10|`);
      });
    });
  }

  static async start(contact = ''): Promise<Starting> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Starting(server, contact);
  }

  /** It was sent `command`. */
  has(command: string): boolean {
    return this.#unread.includes(`|${command}`);
  }

  /** Answers all it was sent, in order. */
  read(): void {
    for (const [, id] of this.#unread.matchAll(/#([^|]+)\|(?:route|ping)/g))
      this.#answer(`4711|response|${id}|OK`);
  }

  close(): void {
    this.#server.close();
  }
}

beforeEach(async () => {
  server = await startSipServer();
  relay = await Relay.start(server.adminPort);
  peer = await UdpPeer.open(server.sipPort);
  calls = new Mailbox();
  changes = new Mailbox();
  told = new Mailbox();
  signalling = newSignalling(relay.port);
});

afterEach(async () => {
  peer.close();
  await within(signalling.close(), 10_000, 'signalling to close');
  await relay.close();
  await server.close();
});

/** A call from the peer, answered and acknowledged. */
async function answered(): Promise<{ to: string }> {
  peer.send(INVITE);
  const call = await calls.take('the call');
  await call.answer(SDP, handlers);
  const ok = await peer.final();
  peer.send({ method: 'ACK', seq: 1, to: ok.get('To') });
  return { to: ok.get('To') };
}

/** A call to the peer, answered. */
async function placed(): Promise<{ answer: AnsweredCall; invite: Parameters<typeof inside>[0] }> {
  const calling = signalling.call(outgoing(), handlers);
  const invite = await peer.next();
  peer.accept(invite);
  const answer = await calling;
  assert.equal((await peer.next()).method, 'ACK');
  return { answer, invite };
}

describe('a connection to the SIP server', () => {
  it('that is cut ends its calls, comes back, and says BYE to what the server still holds', async () => {
    await start();
    assert.equal(await changes.take('up'), 'up');
    await answered();
    relay.cut();
    assert.equal(await changes.take('lost'), 'closed');
    assert.equal(await told.take('the loss'), 'lost');
    assert.deepEqual([signalling.ready, signalling.dialogs, told.size], [false, 0, 0]);
    relay.mend();
    assert.notEqual(await changes.take('up again'), 'closed');
    assert.equal((await peer.final('BYE')).method, 'BYE');
  });

  it('that goes silent is given up', async () => {
    await signalling.close();
    signalling = newSignalling(relay.port, 20);
    await start();
    assert.equal(await changes.take('up'), 'up');
    relay.silence();
    assert.equal(await changes.take('lost'), 'closed');
    relay.mend();
    for (let change: string = ''; change !== 'up'; change = await changes.take('up again'));
  });

  it('that answers pings is kept', async () => {
    await signalling.close();
    signalling = newSignalling(relay.port, 20);
    await start();
    assert.equal(await changes.take('up'), 'up');
    const { to } = await answered();
    await until(() => relay.asked('|ping') > 10, 'ten pings');
    assert.deepEqual([changes.size, signalling.dialogs], [0, 1]);
    peer.send({ method: 'BYE', seq: 2, to });
    assert.equal((await peer.final()).status, 200);
  });

  it('on which the server sends what is no message begins anew; nothing is thrown', async () => {
    await start();
    assert.equal(await changes.take('up'), 'up');
    relay.say('x#not a message');
    assert.equal(await changes.take('lost'), 'closed');
    assert.equal(await changes.take('up again'), 'up');
  });

  it('fails what waits for an answer when it is lost: a call that rings, an answer under way', async () => {
    await start();
    const ringing = signalling.call(outgoing(), handlers);
    const invite = await peer.next();
    peer.answer(invite, '180 Ringing');
    peer.send(INVITE);
    const call = await calls.take('the call');
    relay.silence();
    const answer = call.answer(SDP, handlers);
    relay.cut();
    await assert.rejects(ringing, failsWith(0));
    await assert.rejects(answer, failsWith(0));
    assert.equal(call.cancelled, true);
    assert.equal(signalling.dialogs, 0);
  });

  it('refuses calls while it is down, without a throw out of drachtio-srf', async () => {
    await start();
    assert.equal(await changes.take('up'), 'up');
    relay.cut();
    assert.equal(await changes.take('lost'), 'closed');
    await assert.rejects(signalling.call(outgoing(), handlers), failsWith(0));
  });

  it('is tried on where nobody listens, or somebody else, and each reason is told once', async () => {
    await signalling.close();
    const stranger = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
    await once(stranger, 'listening');
    const address = stranger.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    stranger.close();
    await once(stranger, 'close');
    signalling = newSignalling(port);
    await start();
    assert.equal(await changes.take('the reason'), 'unreachable');
    assert.deepEqual([signalling.ready, changes.size], [false, 0]);
  });

  it('that is let in before the SIP ports are open is not used, and tried anew', async () => {
    await signalling.close();
    const early = await Starting.start();
    try {
      signalling = newSignalling(early.port);
      await start();
      assert.equal(await changes.take('the reason'), 'unreachable');
      assert.equal(signalling.ready, false);
      await until(() => early.greeted > 1, 'another attempt');
    } finally {
      await signalling.close();
      early.close();
    }
  });

  it('is not said to be up before it knows that INVITEs are ours', async () => {
    await signalling.close();
    const starting = await Starting.start('udp/127.0.0.1:5060');
    try {
      signalling = newSignalling(starting.port);
      const started = start();
      await until(() => starting.has('ping'), 'the question');
      assert.ok(starting.has('route|invite'));
      assert.equal(signalling.ready, false);
      starting.read();
      assert.equal(await changes.take('the connection'), 'up');
      await started;
    } finally {
      await signalling.close();
      starting.close();
    }
  });

  it('with a wrong secret says so', async () => {
    await signalling.close();
    signalling = new DrachtioSignalling({
      servers: [{ host: '127.0.0.1', port: relay.port, secret: 'wrong' }],
      localHost: '127.0.0.1',
      onConnection: (_server, fault) => changes.put(fault ?? 'up'),
    });
    await start();
    assert.equal(await changes.take('the reason'), 'secret-refused');
  });
});

describe('what drachtio-srf answers by itself, and must not', () => {
  const request = async (method: string, seq: number, to: string, headers: string[] = [], body = '') => {
    peer.send({ method, seq, to, headers, body });
    return (await peer.final()).status;
  };

  it('in a dialog: REFER 603, MESSAGE and PUBLISH 405, INFO by the leg, OPTIONS and NOTIFY 200', async () => {
    await start();
    const { to } = await answered();
    const referTo = ['Refer-To: <sip:elsewhere@127.0.0.1>'];
    assert.equal(await request('REFER', 2, to, referTo), 603);
    assert.equal(await request('MESSAGE', 3, to), 405);
    assert.equal(await request('PUBLISH', 4, to), 405);
    assert.equal(await request('INFO', 5, to, ['Content-Type: application/dtmf'], '5'), 200);
    assert.equal(await request('OPTIONS', 6, to), 200);
    assert.equal(await request('UPDATE', 7, to, ['Content-Type: application/sdp'], SDP), 200);
    assert.equal(await request('BYE', 8, to), 200);
    assert.equal(await told.take('the end'), 'hungUp');
    assert.equal(signalling.dialogs, 0);
  });

  it('an INVITE without Contact: 400 and no call', async () => {
    await start();
    const invite = peer.request(INVITE).replace(/^Contact: .*\r\n/m, '');
    peer.sendRaw(invite);
    assert.equal((await peer.final()).status, 400);
    assert.deepEqual([calls.size, signalling.dialogs], [0, 0]);
  });

  it('UPDATE before the call is answered: 491, not our offer once more', async () => {
    await start();
    const calling = signalling.call(outgoing(), handlers);
    const invite = await peer.next();
    peer.answer(invite, '180 Ringing');
    const offer = { headers: ['Content-Type: application/sdp'], body: SDP };
    peer.send({ method: 'UPDATE', seq: 1, ...inside(invite), ...offer });
    const answer = await peer.final();
    assert.deepEqual([answer.status, answer.body], [491, '']);
    peer.answer(invite, '486 Busy Here');
    await assert.rejects(calling, failsWith(486));
  });

  it('a 200 without Contact: the call fails and nothing is left', async () => {
    await start();
    const calling = signalling.call(outgoing(), handlers);
    calling.catch(() => {});
    const invite = await peer.next();
    peer.answer(invite, '200 OK', { headers: ['Content-Type: application/sdp'], body: SDP });
    await assert.rejects(calling, SipFailure);
    assert.equal(signalling.dialogs, 0);
  });

  it('an answer that crosses our CANCEL is hung up', async () => {
    await start();
    const over = new AbortController();
    const calling = signalling.call(outgoing({ signal: over.signal }), handlers);
    calling.catch(() => {});
    const invite = await peer.next();
    peer.answer(invite, '180 Ringing');
    over.abort();
    assert.equal((await peer.next()).method, 'CANCEL');
    peer.accept(invite);
    await assert.rejects(calling, failsWith(487));
    const heard = [await peer.next(), await peer.next()];
    assert.deepEqual(heard.map(({ method }) => method).sort(), ['ACK', 'BYE']);
    for (const bye of heard) if (bye.method === 'BYE') peer.answer(bye, '200 OK');
    await until(() => signalling.dialogs === 0, 'no dialog');
  });

  it('a listener that throws does not stop the requests behind it', async () => {
    await start();
    const { answer, invite } = await placed();
    assert.ok(answer.answer);
    peer.send({ method: 'INFO', seq: 2, ...inside(invite), headers: ['Content-Type: x/broken'], body: 'x' });
    assert.equal((await peer.final()).status, 500);
    peer.send({ method: 'BYE', seq: 3, ...inside(invite) });
    assert.equal((await peer.final()).status, 200);
    assert.equal(await told.take('the end'), 'hungUp');
  });
});
