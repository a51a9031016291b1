import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { MediaError } from '../media-server.js';
import type { PortPool } from '../rtp/port-pool.js';

/** Who hears what arrives at a socket. */
export type PacketListener = (bytes: Uint8Array, address: string, port: number) => void;

type Lookup = (
  hostname: string,
  options: unknown,
  callback: (error: null, address: string, family: number) => void,
) => void;

/** Addresses are IPv4 literals by now; the default lookup costs a turn of the event loop per packet. */
const literal: Lookup = (hostname, _options, callback) => callback(null, hostname, 4);

const MOST_ATTEMPTS = 50;
/** A call is answered a moment before the thread has heard of it: what comes in between is kept for it, this long in ms. */
const EARLY_MS = 500;
const MOST_EARLY = 128;
/** A call that lasts is worth the system call that connects its socket. */
const CONNECT_AFTER = 50;

/**
 * One bound RTP port. Sending never throws, never calls back and allocates nothing here. Towards a far end that stays
 * where it is the socket becomes a connected one, which saves the kernel a fifth of each packet; it hears nobody else then.
 */
export class RtpSocket {
  readonly port: number;
  readonly #socket: Socket;
  readonly #now: () => number;
  #listener: PacketListener | null = null;
  /** What came just before anybody listened, the latest last. */
  #early: { readonly bytes: Uint8Array; readonly from: RemoteInfo; readonly at: number }[] = [];
  #open = true;
  #connected = false;
  /** Packets in a row to a far end that stays. */
  #settled = 0;

  private constructor(socket: Socket, port: number, now: () => number) {
    this.#socket = socket;
    this.port = port;
    this.#now = now;
    socket.on('message', (bytes, from) => this.#receive(bytes, from));
  }

  /** Rejects with `no-port` when nothing can be bound at this address. */
  static async probe(address: string): Promise<void> {
    const socket = await bind(address, 0);
    if (socket === null) throw new MediaError('no-port', `RTP cannot be bound at ${address}`);
    await new Promise<void>((resolve) => socket.close(resolve));
  }

  /**
   * Binds a port of the pool; one that another program holds is passed over. `onError` is told of ICMP unreachable and
   * the like, which are never fatal; `now` tells ms on a clock that never goes back. Rejects with `no-port`.
   */
  static async open(
    pool: PortPool,
    address: string,
    now: () => number,
    onError: () => void,
  ): Promise<RtpSocket> {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      const port = pool.take();
      if (port === null) break;
      const socket = await bind(address, port);
      if (socket === null) {
        pool.release(port);
        continue;
      }
      const rtp = new RtpSocket(socket, port, now);
      socket.on('error', () => {
        rtp.disconnect();
        onError();
      });
      return rtp;
    }
    throw new MediaError('no-port', 'no RTP port is free');
  }

  /** Hears what arrives from now on, and before that what arrived just now. */
  listen(listener: PacketListener): void {
    this.#listener = listener;
    this.#forgetOld();
    const early = this.#early;
    this.#early = [];
    for (const { bytes, from } of early) listener(bytes, from.address, from.port);
  }

  /** `settled`: the far end stays at this address until {@link disconnect}. */
  send(packet: Uint8Array, length: number, address: string, port: number, settled: boolean): void {
    if (!this.#open) return;
    if (this.#connected) {
      this.#socket.send(length === packet.length ? packet : packet.subarray(0, length));
      return;
    }
    this.#socket.send(packet, 0, length, port, address);
    this.#settled = settled ? this.#settled + 1 : 0;
    if (this.#settled === CONNECT_AFTER) this.#connect(address, port);
  }

  /** The far end may be elsewhere from now on: packets of everybody are heard again. */
  disconnect(): void {
    this.#settled = 0;
    if (!this.#connected || !this.#open) return;
    this.#connected = false;
    this.#socket.disconnect();
  }

  #receive(bytes: Uint8Array, from: RemoteInfo): void {
    if (this.#listener) {
      this.#listener(bytes, from.address, from.port);
      return;
    }
    this.#forgetOld();
    if (this.#early.length === MOST_EARLY) this.#early.shift();
    this.#early.push({ bytes, from, at: this.#now() });
  }

  #forgetOld(): void {
    const since = this.#now() - EARLY_MS;
    while (this.#early[0] && this.#early[0].at < since) this.#early.shift();
  }

  /** Done when it returns, since the lookup is. A failure is reported as an error of the socket. */
  #connect(address: string, port: number): void {
    this.#socket.connect(port, address);
    try {
      this.#socket.remoteAddress();
      this.#connected = true;
    } catch {
      this.#connected = false;
    }
  }

  /** When this returns the port is no longer bound. Called once. */
  close(): void {
    this.#open = false;
    this.#socket.close();
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
