import { createServer, type Server, type Socket } from 'node:net';

/** A connection that has not turned out to be one of our calls by then is ended. */
const CLAIM_MS = 5000;
/** Connections that may wait to be claimed at once. */
const MOST_UNCLAIMED = 512;
/** What a connection may send before it is claimed: FreeSWITCH describes a whole channel in its first frame. */
const MOST_UNCLAIMED_BYTES = 512 * 1024;

/**
 * Where FreeSWITCH connects back to for each call (its `socket` application). drachtio-fsmrf's own listener takes
 * anybody, and throws out of the socket's event at the first frame that it cannot read; here only addresses of
 * configured servers come in, nothing that they send can throw, and a connection that is none of our calls ends.
 */
export class EslGate {
  readonly #server: Server;
  readonly #takers = new Map<string, (socket: Socket) => void>();
  readonly #unclaimed = new Map<Socket, NodeJS.Timeout>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => this.#admit(socket));
  }

  /** Rejects with the system's error when it cannot listen. */
  static async open(address: string, port: number): Promise<EslGate> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, address, () => {
        server.off('error', reject);
        resolve();
      });
    });
    return new EslGate(server);
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  /** Connections that wait to be claimed. */
  get unclaimed(): number {
    return this.#unclaimed.size;
  }

  /** Connections from this IP address go to `take` from now on; null: they are refused again. */
  route(address: string, take: ((socket: Socket) => void) | null): void {
    if (take) this.#takers.set(address, take);
    else this.#takers.delete(address);
  }

  /** The connection belongs to a call of ours. */
  claim(socket: Socket): void {
    clearTimeout(this.#unclaimed.get(socket));
    this.#unclaimed.delete(socket);
  }

  close(): Promise<void> {
    for (const socket of this.#unclaimed.keys()) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #admit(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    const take = this.#takers.get(plain(socket.remoteAddress ?? ''));
    if (!take || this.#unclaimed.size >= MOST_UNCLAIMED) {
      socket.destroy();
      return;
    }
    this.#unclaimed.set(
      socket,
      setTimeout(() => socket.destroy(), CLAIM_MS),
    );
    socket.on('close', () => this.claim(socket));
    socket.on('data', () => {
      if (this.#unclaimed.has(socket) && socket.bytesRead > MOST_UNCLAIMED_BYTES) socket.destroy();
    });
    take(socket);
    hardenSocket(socket);
  }
}

/**
 * drachtio-modesl throws out of the socket's event when a frame cannot be read: the connection is useless then, and
 * is ended instead of the process.
 */
export function hardenSocket(socket: Socket): void {
  // It writes a command in two pieces; the second one would wait 40 ms for the ACK of the first.
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 10_000);
  for (const read of socket.listeners('data') as ((chunk: Buffer) => void)[]) {
    socket.removeListener('data', read);
    socket.on('data', (chunk: Buffer) => {
      try {
        read.call(socket, chunk);
      } catch {
        socket.destroy();
      }
    });
  }
}

function plain(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}
