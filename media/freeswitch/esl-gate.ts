import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { readHello } from './channel-hello.js';

export interface EslGateOptions {
  /** Local address to listen on: a private one. */
  readonly address: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Whether a FreeSWITCH of ours is at this address. */
  readonly admits: (address: string) => boolean;
  /** Who waits for the channel of this name, if anybody does. */
  readonly claim: (name: string) => ((socket: Socket, hello: Buffer) => void) | null;
  /** Longest time from the connection to the end of its first message, in milliseconds. Default 5000. */
  readonly helloMs?: number;
  /** Connections that may be on the way at once. Default 1000. */
  readonly mostPending?: number;
}

/**
 * Takes the event sockets that FreeSWITCH opens for each channel. They are not authenticated by any password, so one
 * is handed on only when it comes from a FreeSWITCH of ours and names a channel that we are waiting for, by a random
 * name that nobody else was told. All others are closed, whatever they send or do not send.
 */
export class EslGate {
  readonly #options: EslGateOptions;
  readonly #pending = new Set<Socket>();
  #server: Server | null = null;

  constructor(options: EslGateOptions) {
    this.#options = options;
  }

  /** The port that is listened on. */
  get port(): number {
    const address = this.#server?.address() as AddressInfo | null | undefined;
    return address?.port ?? 0;
  }

  /** Rejects with the system's error when it cannot listen. */
  async start(): Promise<void> {
    const server = createServer((socket) => this.#accept(socket));
    server.listen(this.#options.port, this.#options.address);
    await once(server, 'listening');
    server.on('error', () => {});
    this.#server = server;
  }

  close(): void {
    const server = this.#server;
    this.#server = null;
    for (const socket of this.#pending) socket.destroy();
    // Those handed on are not waited for: they belong to their channels.
    server?.close();
  }

  #accept(socket: Socket): void {
    const { admits, helloMs = 5000, mostPending = 1000 } = this.#options;
    socket.on('error', () => {});
    const from = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
    if (!admits(from) || this.#pending.size >= mostPending) return void socket.destroy();
    this.#pending.add(socket);
    const late = setTimeout(() => socket.destroy(), helloMs);
    const leave = () => {
      clearTimeout(late);
      this.#pending.delete(socket);
      socket.off('close', leave);
      socket.off('data', read);
    };
    let bytes = Buffer.alloc(0);
    const read = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      try {
        const name = readHello(bytes);
        if (name === null) return;
        const take = this.#options.claim(name);
        leave();
        if (take) take(socket, bytes);
        else socket.destroy();
      } catch {
        socket.destroy();
      }
    };
    socket.on('close', leave);
    socket.on('data', read);
    socket.write('connect\n\n');
  }
}
