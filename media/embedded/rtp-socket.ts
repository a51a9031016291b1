import { createSocket, type Socket } from 'node:dgram';
import { MediaError } from '../media-server.js';
import type { PortPool } from '../rtp/port-pool.js';

export interface RtpSocketEvents {
  onPacket(bytes: Uint8Array, address: string, port: number): void;
  /** ICMP unreachable and the like: reported, never fatal. */
  onError(): void;
}

type Lookup = (
  hostname: string,
  options: unknown,
  callback: (error: null, address: string, family: number) => void,
) => void;

/** Addresses are IPv4 literals by now; the default lookup costs a turn of the event loop per packet. */
const literal: Lookup = (hostname, _options, callback) => callback(null, hostname, 4);

const MOST_ATTEMPTS = 50;

/** One bound RTP port. Sending never throws, never calls back and allocates nothing here. */
export class RtpSocket {
  readonly port: number;
  readonly #socket: Socket;
  #open = true;

  private constructor(socket: Socket, port: number) {
    this.#socket = socket;
    this.port = port;
  }

  /** Rejects with `no-port` when nothing can be bound at this address. */
  static async probe(address: string): Promise<void> {
    const socket = await bind(address, 0);
    if (socket === null) throw new MediaError('no-port', `RTP cannot be bound at ${address}`);
    await new Promise<void>((resolve) => socket.close(resolve));
  }

  /** Binds a port of the pool; one that another program holds is passed over. Rejects with `no-port`. */
  static async open(pool: PortPool, address: string, events: RtpSocketEvents): Promise<RtpSocket> {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      const port = pool.take();
      if (port === null) break;
      const socket = await bind(address, port);
      if (socket === null) {
        pool.release(port);
        continue;
      }
      socket.on('error', () => events.onError());
      socket.on('message', (bytes, from) => events.onPacket(bytes, from.address, from.port));
      return new RtpSocket(socket, port);
    }
    throw new MediaError('no-port', 'no RTP port is free');
  }

  send(packet: Uint8Array, length: number, address: string, port: number): void {
    if (this.#open) this.#socket.send(packet, 0, length, port, address);
  }

  /** Resolves when the port is no longer bound. Called once. */
  close(): Promise<void> {
    this.#open = false;
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }
}

/** Null when the port cannot be had. */
function bind(address: string, port: number): Promise<Socket | null> {
  const socket = createSocket({ type: 'udp4', lookup: literal as never });
  return new Promise((resolve) => {
    socket.once('error', () => {
      socket.close();
      resolve(null);
    });
    socket.bind({ port, address, exclusive: true }, () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}
