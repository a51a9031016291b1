import type { EventEmitter } from 'node:events';
import { connect, Server, type Socket } from 'node:net';
import Srf from 'drachtio-srf';
import type { DrachtioServer } from '../../config/secrets.js';

/** How long each step may take: reaching the server, and being let in by it. */
const STEP_DEADLINE_MS = 5000;

/** So many pings in a row without a sign of life, and the connection is given up. */
const SILENT_PINGS = 2;

/** Why there is no connection. A closed list, for log lines. */
export type ConnectionFault = 'unreachable' | 'silent' | 'secret-refused' | 'closed';

export class ConnectionFailure extends Error {
  readonly fault: ConnectionFault;
  constructor(fault: ConnectionFault) {
    super(`no connection to the SIP server: ${fault}`);
    this.name = 'ConnectionFailure';
    this.fault = fault;
  }
}

/** A SIP server, with the way to it. */
export interface SipServerAccess extends DrachtioServer {
  /** Makes a connection to a server in this process; left out, it is reached at its host and port. */
  readonly attach?: () => Socket;
}

export interface ConnectionOptions {
  readonly server: SipServerAccess;
  /** Installs the handlers of requests; called before the connection is made. */
  readonly equip: (srf: Srf) => void;
  /** Time between two pings, in milliseconds. */
  readonly pingMs: number;
  /** Aborting it ends the attempt. */
  readonly signal: AbortSignal;
}

/** A connection that stands, or stood. */
export interface SrfConnection {
  readonly srf: Srf;
  /** What the server says it listens on, such as `udp/192.0.2.1:5060`. */
  readonly contacts: readonly string[];
  /** Aborted when the connection is gone. Its dialogs cannot be reached any more then. */
  readonly gone: AbortSignal;
  close(): void;
}

/** What is used of drachtio-srf beyond its published types: its socket, its messages, and commands by their identifier. */
type WireProtocol = EventEmitter & { send(socket: Socket, command: string): string };

/**
 * Connects once. drachtio-srf's own reconnecting is switched off (`maxAttempts`): it goes on with dialogs of the
 * dead socket, keeps them for ever, and follows a refused secret with four attempts a second. Here each
 * connection has a drachtio-srf object of its own, which is thrown away with it.
 *
 * @throws ConnectionFailure
 */
export async function openConnection(options: ConnectionOptions): Promise<SrfConnection> {
  const { server, equip, signal } = options;
  if (!server.attach) await reach(server, signal);
  const srf = new Srf();
  equip(srf);
  return new Promise((resolve, reject) => {
    const gone = new AbortController();
    let socket: Socket | null = null;
    const end = (fault: ConnectionFault) => {
      clearTimeout(late);
      signal.removeEventListener('abort', closed);
      socket?.destroy();
      reject(new ConnectionFailure(fault));
      gone.abort();
    };
    const closed = () => end('closed');
    const late = setTimeout(() => end('silent'), STEP_DEADLINE_MS);
    signal.addEventListener('abort', closed);
    join(srf, server, (connected) => {
      socket = connected;
      if (gone.signal.aborted) socket.destroy();
      else harden(socket);
    });
    const wire = wireOf(srf);
    const events = srf as unknown as EventEmitter;
    events.on('error', () => end('unreachable'));
    events.on('close', closed);
    events.on('connect', (error: Error | null, hostports = '') => {
      if (error || !socket) return end('secret-refused');
      const standing = socket;
      // drachtio-server lets applications in before its SIP ports are open, and crashes at a request that comes as early.
      if (!hostports) return end('unreachable');
      whenTaken(wire, standing, () => {
        clearTimeout(late);
        watch(wire, standing, options.pingMs, gone.signal);
        resolve({ srf, contacts: String(hostports).split(','), gone: gone.signal, close: closed });
      });
    });
  });
}

function wireOf(srf: Srf): WireProtocol {
  return (srf as unknown as { app: { client: { wp: WireProtocol } } }).app.client.wp;
}

/** Has drachtio-srf connect, or has a server in this process connect to it. */
function join(srf: Srf, { attach, ...server }: SipServerAccess, connected: (socket: Socket) => void): void {
  if (attach) {
    // What drachtio-srf listens on; nobody but us can connect to it.
    const listener = new Server();
    srf.listen({ server: listener, secret: server.secret } as unknown as Parameters<Srf['listen']>[0]);
    wireOf(srf).on('connection', connected);
    listener.emit('connection', attach());
  } else {
    srf.connect({ ...server, reconnect: { maxAttempts: 1 } } as Parameters<Srf['connect']>[0]);
    wireOf(srf).on('connect', connected);
  }
}

/**
 * Tries the way to the server by a socket of our own: one that drachtio-srf opens cannot be taken back before it
 * is connected, and where packets vanish that takes minutes.
 */
function reach({ host, port }: DrachtioServer, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal });
    const late = setTimeout(() => socket.destroy(new ConnectionFailure('unreachable')), STEP_DEADLINE_MS);
    socket.on('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.on('error', () => reject(new ConnectionFailure(signal.aborted ? 'closed' : 'unreachable')));
    socket.on('close', () => clearTimeout(late));
  });
}

/**
 * Calls `then` when the server has taken what it was told so far. drachtio-srf says `connect` with its `route`
 * messages just written; until the server has read them it answers an INVITE with 503. It reads in order.
 */
function whenTaken(wire: WireProtocol, socket: Socket, then: () => void): void {
  const question = wire.send(socket, 'ping');
  const heard = (_socket: Socket, message: string) => {
    const [, kind, answered] = message.split('|', 3);
    if (kind !== 'response' || answered !== question) return;
    wire.removeListener('msg', heard);
    then();
  };
  wire.on('msg', heard);
}

/**
 * drachtio-srf throws out of the socket's event when the server sends what is no frame, and leaves a frame whose
 * listener threw at the head of its buffer, so that nothing behind it is read again. Either way the connection is
 * useless, and begins anew.
 */
function harden(socket: Socket): void {
  socket.setKeepAlive(true, 10_000);
  for (const read of socket.listeners('data') as ((chunk: Buffer) => void)[]) {
    socket.removeListener('data', read);
    socket.on('data', (chunk: Buffer) => {
      try {
        read(chunk);
      } catch {
        socket.destroy();
      }
    });
  }
}

/**
 * Ends a connection on which nothing comes although we ask. Counts pings, not milliseconds, so that time in which
 * this process stood still is not held against the server.
 */
function watch(wire: WireProtocol, socket: Socket, pingMs: number, gone: AbortSignal): void {
  let unanswered = 0;
  wire.on('msg', () => {
    unanswered = 0;
  });
  const timer = setInterval(() => {
    if (unanswered >= SILENT_PINGS) return void socket.destroy();
    unanswered += 1;
    wire.send(socket, 'ping');
  }, pingMs);
  gone.addEventListener('abort', () => clearInterval(timer));
}
