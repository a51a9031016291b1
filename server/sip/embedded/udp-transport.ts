import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Flow, OnReceived } from './flow.js';

/** Shorter datagrams are keep-alives or noise, never SIP. */
const SHORTEST_MESSAGE = 20;
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

/** Names are resolved by Transports: the default lookup would cost each datagram a turn of the tick queue. */
const literal = (host: string, _options: unknown, found: (...result: unknown[]) => void): void =>
  found(null, host, 4);

/** SIP over UDP (RFC 3261 section 18): one socket, one datagram one message. */
export class UdpTransport {
  readonly #socket: Socket;
  readonly #localAddress: (remote: string) => string;
  #port = 0;
  #closed = false;

  /**
   * @param localAddress the address a peer should use to reach this server.
   * @param onError told about errors of the socket itself; those of one message go to its sender.
   */
  constructor(
    localAddress: (remote: string) => string,
    onReceived: OnReceived,
    onError: (code: string) => void,
  ) {
    this.#localAddress = localAddress;
    const options = { recvBufferSize: RECEIVE_BUFFER_BYTES, lookup: literal as never };
    this.#socket = createSocket({ type: 'udp4', ...options });
    this.#socket.on('error', (error: NodeJS.ErrnoException) => onError(error.code ?? 'UNKNOWN'));
    this.#socket.on('message', (data: Buffer, from: RemoteInfo) => {
      if (data.length < SHORTEST_MESSAGE) return;
      onReceived({ flow: this.flowTo(from.address, from.port), data, broken: false });
    });
  }

  /** Binds the socket. Rejects with the system's error, such as EADDRINUSE. */
  async listen(address: string, port: number): Promise<number> {
    const listening = once(this.#socket, 'listening');
    this.#socket.bind(port, address);
    await listening;
    this.#port = this.#socket.address().port;
    return this.#port;
  }

  flowTo(address: string, port: number): Flow {
    return new UdpFlow(
      this.#socket,
      this.#localAddress(address),
      this.#port,
      address,
      port,
      () => this.#closed,
    );
  }

  /** Resolves once the socket is closed. */
  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }
}

class UdpFlow implements Flow {
  readonly protocol = 'udp';
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly #socket: Socket;
  readonly #isClosed: () => boolean;

  constructor(
    socket: Socket,
    localAddress: string,
    localPort: number,
    remoteAddress: string,
    remotePort: number,
    isClosed: () => boolean,
  ) {
    this.#socket = socket;
    this.localAddress = localAddress;
    this.localPort = localPort;
    this.remoteAddress = remoteAddress;
    this.remotePort = remotePort;
    this.#isClosed = isClosed;
  }

  get closed(): boolean {
    return this.#isClosed();
  }

  send(data: Buffer, onError: (code: string) => void): void {
    if (this.closed) return;
    this.#socket.send(data, this.remotePort, this.remoteAddress, (error: NodeJS.ErrnoException | null) => {
      if (error) onError(error.code ?? 'UNKNOWN');
    });
  }

  retain(): void {}

  release(): void {}
}
