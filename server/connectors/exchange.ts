import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { type RequestOptions, request as requestHttps } from 'node:https';
import type { Socket, TcpSocketConnectOpts } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Answer } from './answer.js';
import type { ConnectorClock } from './clock.js';

/** Most octets of an answer, status line and headers included. */
const ANSWER_MAX = 64 * 1024;
const READ_SIZE = 16 * 1024;

/** What became of one request. `sent`: the card was handed to the network, wholly or in part. */
export type Exchange =
  | { readonly kind: 'answered'; readonly answer: Answer }
  | { readonly kind: 'failed'; readonly sent: boolean; readonly reason: string };

export interface ExchangeOptions {
  readonly url: URL;
  /** Default `POST`. A `GET` has no body: `head` and `tail` are not looked at. */
  readonly method?: 'GET' | 'POST';
  /** Agent, headers, trust. Without `Content-Length`. */
  readonly options: RequestOptions;
  /** The beginning of the body, without secrets. */
  readonly head: Buffer;
  /** Makes the rest of the body; called when the connection stands and is trusted. Zeroed here. */
  readonly tail: () => Buffer;
  /** Headers that depend on the body; asked for once it is made. */
  readonly sign?: (body: readonly Uint8Array[]) => Readonly<Record<string, string>>;
  readonly limitMs: number;
  readonly clock: ConnectorClock;
  readonly signal: AbortSignal;
}

/**
 * One request. Never rejects. Nothing is written before the connection stands and its certificate was checked.
 * The card then goes out as one write of one buffer, which Node hands to the kernel, or to OpenSSL, without
 * a copy of its own; a second chunk in the same write would be copied together with it (node's TLSWrap).
 */
export function exchange(options: ExchangeOptions): Promise<Exchange> {
  return new Promise((resolve) => new Attempt(options, resolve).start());
}

class Attempt {
  readonly #options: ExchangeOptions;
  readonly #resolve: (exchange: Exchange) => void;
  readonly #request: ClientRequest;
  /** Every octet received, decrypted; zeroed at the end, since gateways echo. */
  readonly #received: Buffer[] = [];
  // Node would read into memory that it then cuts to size by copying, and frees without zeroing.
  readonly #reading = Buffer.from(new ArrayBuffer(READ_SIZE));
  #receivedLength = 0;
  #tail: Buffer | null = null;
  #sent = false;
  #answering = false;
  #settled = false;
  #cancelLimit: () => void = () => {};

  constructor(options: ExchangeOptions, resolve: (exchange: Exchange) => void) {
    this.#options = options;
    this.#resolve = resolve;
    const open = options.url.protocol === 'https:' ? requestHttps : requestHttp;
    const onread = { buffer: this.#reading, callback: (length: number) => this.#read(length) };
    const all: RequestOptions & Pick<TcpSocketConnectOpts, 'onread'> = { ...options.options, onread };
    this.#request = open(options.url, { ...all, method: options.method ?? 'POST' });
  }

  start(): void {
    const { clock, limitMs, signal } = this.#options;
    this.#request.on('socket', (socket) => this.#whenConnected(socket));
    this.#request.on('response', (response) => this.#answered(response));
    this.#request.on('error', () => this.#fail(this.#sent ? 'connection-lost' : 'gateway-unreachable'));
    this.#request.on('close', () => {
      // With an answer under way its own end decides: Node reports the connection's end before it.
      if (!this.#answering) this.#fail(this.#sent ? 'connection-lost' : 'gateway-unreachable');
    });
    this.#cancelLimit = clock.after(limitMs, () =>
      this.#fail(this.#sent ? 'no-answer' : 'gateway-unreachable'),
    );
    signal.addEventListener('abort', this.#aborted);
    if (signal.aborted) this.#aborted();
  }

  readonly #aborted = (): void => this.#fail('cancelled');

  #whenConnected(socket: Socket): void {
    const secure = this.#options.url.protocol === 'https:';
    if (secure) (socket as TLSSocket).once('secureConnect', () => this.#writeHead());
    else if (socket.connecting) socket.once('connect', () => this.#writeHead());
    else this.#writeHead();
  }

  #writeHead(): void {
    if (this.#settled) return;
    const { head, tail, sign, method } = this.#options;
    if (method === 'GET') {
      this.#sign(sign?.([]));
      this.#request.end();
      return;
    }
    try {
      this.#tail = tail();
    } catch {
      this.#fail('card-data-gone');
      return;
    }
    this.#sign(sign?.([head, this.#tail]));
    this.#request.setHeader('Content-Length', head.length + this.#tail.length);
    // The callback comes when the kernel has the headers and the head: nothing is queued that Node could
    // merge with the card.
    this.#request.write(head, (error) => {
      if (!error) this.#writeTail();
    });
  }

  #sign(headers: Readonly<Record<string, string>> = {}): void {
    for (const [name, value] of Object.entries(headers)) this.#request.setHeader(name, value);
  }

  #writeTail(): void {
    const tail = this.#tail;
    if (this.#settled || this.#answering || tail === null) return;
    this.#sent = true;
    this.#request.write(tail, (error) => {
      tail.fill(0);
      if (!error && !this.#settled) this.#request.end();
    });
  }

  /** Passes on what the socket has read; false asks it to wait. */
  #read(length: number): boolean {
    const chunk = Buffer.from(new ArrayBuffer(length));
    this.#reading.copy(chunk, 0, 0, length);
    this.#reading.fill(0, 0, length);
    this.#received.push(chunk);
    this.#receivedLength += length;
    if (this.#receivedLength > ANSWER_MAX) this.#fail('oversized-answer');
    return this.#request.socket?.push(chunk) ?? false;
  }

  #answered(response: IncomingMessage): void {
    this.#answering = true;
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      this.#received.push(chunk);
    });
    response.on('error', () => this.#fail('connection-lost'));
    response.on('close', () => this.#fail('connection-lost'));
    response.on('end', () => {
      if (!response.complete) return this.#fail('connection-lost');
      const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
      const body = Buffer.from(new ArrayBuffer(size));
      let at = 0;
      for (const chunk of chunks) at += chunk.copy(body, at);
      const http = response.statusCode ?? 0;
      const retryAfter = response.headers['retry-after'];
      this.#settle({ kind: 'answered', answer: { http, retryAfter, body, cardSent: this.#sent } });
    });
  }

  #fail(reason: string): void {
    this.#settle({ kind: 'failed', sent: this.#sent, reason });
  }

  #settle(exchange: Exchange): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#cancelLimit();
    this.#options.signal.removeEventListener('abort', this.#aborted);
    this.#request.destroy();
    this.#tail?.fill(0);
    for (const chunk of this.#received) chunk.fill(0);
    this.#resolve(exchange);
  }
}
