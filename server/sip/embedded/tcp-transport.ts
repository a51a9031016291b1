import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { SipClock } from './clock.js';
import type { Flow, OnReceived } from './flow.js';
import type { SipServerLimits } from './options.js';
import { TcpConnection } from './tcp-connection.js';

/** SIP over TCP (RFC 3261 section 18): a listener, and connections opened to peers that are not connected yet. */
export class TcpTransport {
  readonly #server: Server;
  readonly #connections = new Map<string, TcpConnection>();
  readonly #localAddress: (remote: string) => string;
  readonly #limits: SipServerLimits;
  readonly #clock: SipClock;
  readonly #onReceived: OnReceived;
  #port = 0;

  constructor(
    localAddress: (remote: string) => string,
    limits: SipServerLimits,
    clock: SipClock,
    onReceived: OnReceived,
    onError: (code: string) => void,
  ) {
    this.#localAddress = localAddress;
    this.#limits = limits;
    this.#clock = clock;
    this.#onReceived = onReceived;
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.on('error', (error: NodeJS.ErrnoException) => onError(error.code ?? 'UNKNOWN'));
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Starts listening. Rejects with the system's error, such as EADDRINUSE. */
  async listen(address: string, port: number): Promise<number> {
    this.#server.listen({ port, host: address });
    await once(this.#server, 'listening');
    const bound = this.#server.address();
    this.#port = typeof bound === 'object' && bound ? bound.port : port;
    return this.#port;
  }

  /** The open connection to a peer, or a new one; messages sent before it is open wait for it. */
  flowTo(address: string, port: number): Flow {
    const open = this.#connections.get(`${address}:${port}`);
    return open && !open.closed ? open : this.#add(connect({ host: address, port }), address, port);
  }

  /** Closes the listener and every connection; resolves once all are closed. */
  async close(): Promise<void> {
    const open = [...this.#connections.values()];
    const listener = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await Promise.all([listener, ...open.map((connection) => connection.close())]);
  }

  #accept(socket: Socket): void {
    const { remoteAddress, remotePort } = socket;
    if (!remoteAddress || !remotePort || this.#connections.size >= this.#limits.connections) socket.destroy();
    else this.#add(socket, remoteAddress, remotePort);
  }

  #add(socket: Socket, remoteAddress: string, remotePort: number): TcpConnection {
    const key = `${remoteAddress}:${remotePort}`;
    const settings = {
      clock: this.#clock,
      messageBytes: this.#limits.messageBytes,
      idleMs: this.#limits.connectionIdleMs,
      localAddress: this.#localAddress(remoteAddress),
      localPort: this.#port,
      remoteAddress,
      remotePort,
    };
    const connection = new TcpConnection(socket, settings, this.#onReceived, () => {
      if (this.#connections.get(key) === connection) this.#connections.delete(key);
    });
    this.#connections.set(key, connection);
    return connection;
  }
}
