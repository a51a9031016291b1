import type { PortPool } from '../rtp/port-pool.js';
import type { RtpSocket } from './rtp-socket.js';

/** So many calls may begin at once without waiting for the thread to open a port. */
const MOST = 32;
/** What is opened ahead is missing for calls when ports run out: at most this part of them. */
const PART = 1 / 16;
/** Told of so many at a time: each message wakes a thread. */
const TOGETHER = 1 / 4;

/** RTP sockets that are open before there is a leg for them. */
export class PortsAhead {
  readonly #wanted: number;
  readonly #open: () => Promise<RtpSocket>;
  readonly #onOpened: (ports: readonly number[]) => void;
  readonly #sockets = new Map<number, RtpSocket>();
  readonly #pool: PortPool;
  #untold: number[] = [];
  #opening = 0;
  #closed = false;

  /** `open` takes a port of the pool; `onOpened` is told of each port that {@link take} can be called with, once. */
  constructor(pool: PortPool, open: () => Promise<RtpSocket>, onOpened: (ports: readonly number[]) => void) {
    this.#pool = pool;
    this.#wanted = Math.min(MOST, Math.floor(pool.size * PART));
    this.#open = open;
    this.#onOpened = onOpened;
  }

  /** Ports of the pool that it holds, those that are being opened among them. */
  get size(): number {
    return this.#sockets.size + this.#opening;
  }

  /** Opens as many as are missing. One that cannot be had is tried again at the next call. */
  fill(): void {
    while (!this.#closed && this.size < this.#wanted) {
      this.#opening += 1;
      void this.#add().finally(() => {
        this.#opening -= 1;
      });
    }
  }

  /** The socket of a port that was told of. Another is opened in its place. */
  take(port: number): RtpSocket {
    const socket = this.#sockets.get(port);
    if (!socket) throw new Error(`port ${port} was not opened ahead`);
    this.#sockets.delete(port);
    this.fill();
    return socket;
  }

  /** A socket whose port was not told of yet and will not be, or null. */
  takeUntold(): RtpSocket | null {
    const port = this.#untold.shift();
    return port === undefined ? null : this.take(port);
  }

  close(): void {
    this.#closed = true;
    for (const socket of this.#sockets.values()) this.#giveUp(socket);
    this.#sockets.clear();
    this.#untold = [];
  }

  async #add(): Promise<void> {
    const socket = await this.#open().catch(() => null);
    if (socket === null) return;
    if (this.#closed) return this.#giveUp(socket);
    this.#sockets.set(socket.port, socket);
    this.#untold.push(socket.port);
    if (this.#untold.length < this.#wanted * TOGETHER) return;
    this.#onOpened(this.#untold);
    this.#untold = [];
  }

  #giveUp(socket: RtpSocket): void {
    socket.close();
    this.#pool.release(socket.port);
  }
}
