import type { Socket } from 'node:net';
import type { Cancel, SipClock } from './clock.js';
import type { Flow, OnReceived } from './flow.js';
import { TcpFramer } from './tcp-framer.js';

export interface TcpConnectionSettings {
  readonly clock: SipClock;
  readonly messageBytes: number;
  readonly idleMs: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/** The rest of a started message must come within this, or the connection only holds memory. */
const PARTIAL_MESSAGE_MS = 32_000;
/** A peer that reads more slowly than this is behind is not served further. */
const UNSENT_BYTES_LIMIT = 4 * 1024 * 1024;
const PONG = Buffer.from('\r\n');

/** One TCP connection carrying SIP, whoever opened it. */
export class TcpConnection implements Flow {
  readonly protocol = 'tcp';
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly #socket: Socket;
  readonly #settings: TcpConnectionSettings;
  readonly #framer: TcpFramer;
  readonly #onReceived: OnReceived;
  /** Senders of messages not yet handed to the system; they hear of a failed connection. */
  readonly #waiting = new Set<(code: string) => void>();
  readonly #closed: Promise<void>;
  #users = 0;
  #lastHeard: number;
  #cancelIdle: Cancel = () => {};
  #failure = 'ECONNRESET';

  constructor(socket: Socket, settings: TcpConnectionSettings, onReceived: OnReceived, onClosed: () => void) {
    this.localAddress = settings.localAddress;
    this.localPort = settings.localPort;
    this.remoteAddress = settings.remoteAddress;
    this.remotePort = settings.remotePort;
    this.#socket = socket;
    this.#settings = settings;
    this.#framer = new TcpFramer(settings.messageBytes);
    this.#onReceived = onReceived;
    this.#lastHeard = settings.clock.now();
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#failure = error.code ?? 'UNKNOWN';
    });
    this.#closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#cancelIdle();
        for (const tell of this.#waiting) tell(this.#failure);
        this.#waiting.clear();
        onClosed();
        resolve();
      });
    });
    this.#watchIdle();
  }

  get closed(): boolean {
    return this.#socket.destroyed || this.#socket.writableEnded;
  }

  send(data: Buffer, onError: (code: string) => void): void {
    if (this.closed || this.#socket.writableLength > UNSENT_BYTES_LIMIT) {
      this.#socket.destroy();
      queueMicrotask(() => onError(this.#failure));
      return;
    }
    this.#waiting.add(onError);
    this.#socket.write(data, () => this.#waiting.delete(onError));
  }

  retain(): void {
    this.#users++;
  }

  release(): void {
    this.#users--;
  }

  /** Resolves once the connection is closed. */
  close(): Promise<void> {
    this.#cancelIdle();
    this.#socket.destroy();
    return this.#closed;
  }

  #read(chunk: Buffer): void {
    this.#lastHeard = this.#settings.clock.now();
    for (const frame of this.#framer.push(chunk)) {
      if (this.closed) return;
      if (frame.kind === 'ping') this.send(PONG, () => {});
      else this.#onReceived({ flow: this, data: frame.data, broken: frame.kind === 'broken' });
      if (frame.kind === 'broken') this.#socket.end();
    }
  }

  #watchIdle(): void {
    const { clock, idleMs } = this.#settings;
    const period = Math.min(idleMs, PARTIAL_MESSAGE_MS);
    this.#cancelIdle = clock.after(period, () => {
      const silent = clock.now() - this.#lastHeard;
      const stalled = this.#framer.partial && silent >= period;
      if (stalled || (this.#users === 0 && silent >= idleMs)) this.#socket.destroy();
      else this.#watchIdle();
    });
  }
}
