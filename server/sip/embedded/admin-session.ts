import { createHash, timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';
import { AdminFramer, adminFrame } from './admin-frame.js';
import type { Application, Command } from './application.js';
import type { Cancel, SipClock } from './clock.js';

/** What a session hands to the server that owns it. */
export interface AdminSessionSettings {
  readonly secret: string;
  readonly clock: SipClock;
  /** Addresses SIP is received on, as `protocol/address:port`, with commas between. */
  readonly hostports: () => string;
  readonly onJoined: (session: AdminSession) => void;
  readonly onClosed: (session: AdminSession) => void;
  readonly onRefused: (reason: string) => void;
  /** False when the verb is unknown. */
  readonly onRoute: (session: AdminSession, verb: string, wanted: boolean) => boolean;
  /** A `sip` message: transaction id, dialog id, proxy, then the bytes of the SIP message. */
  readonly onSip: (command: Command, tokens: readonly string[], message: Buffer) => void;
}

/** The protocol level announced; drachtio-srf sends pings from v0.8.2 on. */
const VERSION = 'v0.9.10';
const AUTHENTICATION_MS = 10_000;
const UNSENT_BYTES_LIMIT = 64 * 1024 * 1024;

/** One application's connection. Whatever it does wrong ends this connection and nothing else. */
export class AdminSession implements Application {
  readonly #socket: Socket;
  readonly #settings: AdminSessionSettings;
  readonly #framer = new AdminFramer();
  readonly #cancelDeadline: Cancel;
  readonly #closed: Promise<void>;
  #authenticated = false;
  #corked = false;

  constructor(socket: Socket, settings: AdminSessionSettings) {
    this.#socket = socket;
    this.#settings = settings;
    this.#cancelDeadline = settings.clock.after(AUTHENTICATION_MS, () => this.#drop('not authenticated'));
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', () => socket.destroy());
    this.#closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#cancelDeadline();
        settings.onClosed(this);
        resolve();
      });
    });
  }

  get authenticated(): boolean {
    return this.#authenticated;
  }

  get connected(): boolean {
    return !this.#socket.destroyed && !this.#socket.writableEnded;
  }

  send(tokens: string, message?: Buffer): void {
    if (!this.connected) return;
    if (this.#socket.writableLength > UNSENT_BYTES_LIMIT) {
      this.#drop('does not read');
      return;
    }
    const frame = adminFrame(tokens, message);
    this.#cork();
    // A body may be a card digit: no copy of it stays behind in memory.
    this.#socket.write(frame, () => frame.fill(0));
  }

  /** Resolves once the connection is closed. */
  close(): Promise<void> {
    this.#socket.destroy();
    return this.#closed;
  }

  /** Frames written in one turn of the event loop leave in one system call. */
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#socket.cork();
    setImmediate(() => {
      this.#corked = false;
      this.#socket.uncork();
    });
  }

  #read(chunk: Buffer): void {
    try {
      for (const payload of this.#framer.push(chunk)) {
        if (!this.connected) return;
        this.#handle(payload);
      }
    } catch {
      this.#drop('invalid message');
    }
  }

  #handle(payload: Buffer): void {
    const lineEnd = payload.indexOf('\r\n');
    const line = payload.toString('latin1', 0, lineEnd < 0 ? payload.length : lineEnd);
    const [id = '', kind, ...tokens] = line.split('|');
    if (kind === undefined) this.#fail(id, 'Invalid message format');
    else if (kind === 'authenticate') this.#authenticate(id, tokens[0] ?? '');
    else if (!this.#authenticated) this.#drop('not authenticated');
    else if (kind === 'ping') this.#answer(id, 'OK|pong');
    else if (kind === 'route' || kind === 'remove_route') this.#route(id, tokens[0] ?? '', kind === 'route');
    else if (kind === 'proxy') this.#answer(id, 'NOK|proxy is not supported');
    else if (kind !== 'sip') this.#fail(id, 'Unknown message type');
    else if (tokens.length < 2 || lineEnd < 0) this.#fail(id, 'Invalid message format');
    else this.#settings.onSip(this.#command(id), tokens, payload.subarray(lineEnd + 2));
  }

  #command(id: string): Command {
    return {
      application: this,
      accept: (tokens, message) => this.send(`response|${id}|OK|${tokens}`, message),
      refuse: (why) => this.#answer(id, `NOK|${why}`),
    };
  }

  #authenticate(id: string, secret: string): void {
    if (!sameSecret(secret, this.#settings.secret)) {
      this.#settings.onRefused('incorrect secret');
      this.#fail(id, 'incorrect secret');
      return;
    }
    this.#cancelDeadline();
    const hostports = this.#settings.hostports();
    this.#answer(id, `OK|${hostports}|${VERSION}|${hostports}`);
    if (this.#authenticated) return;
    this.#authenticated = true;
    this.#settings.onJoined(this);
  }

  #route(id: string, verb: string, wanted: boolean): void {
    if (this.#settings.onRoute(this, verb, wanted)) this.#answer(id, 'OK');
    else this.#fail(id, `${wanted ? 'Route' : 'Remove route'} request includes unsupported verb`);
  }

  #answer(id: string, tokens: string): void {
    this.send(`response|${id}|${tokens}`);
  }

  /** A protocol error is told, then the connection ends. */
  #fail(id: string, reason: string): void {
    this.#answer(id, `NO|${reason}`);
    this.#socket.end();
  }

  #drop(reason: string): void {
    this.#settings.onRefused(reason);
    this.#socket.destroy();
  }
}

function sameSecret(given: string, secret: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text, 'utf8').digest();
  return timingSafeEqual(digest(Buffer.from(given, 'latin1').toString('utf8')), digest(secret));
}
