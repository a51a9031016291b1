import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { SipClock } from '../../server/sip/embedded/clock.js';
import type { SipServerSettings } from '../../server/sip/embedded/options.js';
import { type SipServer, startSipServer } from '../../server/sip/embedded/server.js';
import { within } from '../kit/deadline.js';
import { type App, connectApp } from './sip-srf.js';

/** How long any message may take on loopback. */
export const PATIENCE_MS = 5000;

/** How long a whole test may take. */
const TEST_MS = 60_000;

/** Time that passes only when told. */
export class VirtualClock implements SipClock {
  readonly #timers = new Set<{ readonly at: number; readonly run: () => void }>();
  #now = 1000;

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers set and not yet due. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Lets `ms` milliseconds pass; what falls due runs in its order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.#timers.delete(next);
      this.#now = next.at;
      next.run();
    }
    this.#now = end;
  }

  #next(end: number): { readonly at: number; readonly run: () => void } | undefined {
    let first: { readonly at: number; readonly run: () => void } | undefined;
    for (const timer of this.#timers) if (timer.at <= end && (!first || timer.at < first.at)) first = timer;
    return first;
  }
}

/** Values that come later, taken in order. */
export class Mailbox<T> {
  readonly #values: T[] = [];
  readonly #takers: ((value: T) => void)[] = [];

  put(value: T): void {
    const taker = this.#takers.shift();
    if (taker) taker(value);
    else this.#values.push(value);
  }

  take(what: string): Promise<T> {
    const value = this.#values.shift();
    if (value !== undefined) return Promise.resolve(value);
    return within(new Promise<T>((resolve) => this.#takers.push(resolve)), PATIENCE_MS, what);
  }

  get size(): number {
    return this.#values.length;
  }
}

/** What a peer received, read by plain regular expressions and not by the server's parser. */
export class Heard {
  readonly text: string;

  constructor(data: Buffer | string) {
    this.text = typeof data === 'string' ? data : data.toString('utf8');
  }

  get startLine(): string {
    return this.text.split('\r\n')[0] ?? '';
  }

  get status(): number {
    return Number(/^SIP\/2\.0 (\d{3})/.exec(this.startLine)?.[1] ?? 0);
  }

  get method(): string {
    return this.startLine.split(' ')[0] ?? '';
  }

  get body(): string {
    return this.text.split('\r\n\r\n').slice(1).join('\r\n\r\n');
  }

  /** Every value of a header field. */
  all(name: string): string[] {
    return [...this.text.matchAll(new RegExp(`^${name}: (.*)\r$`, 'gim'))].map((match) => match[1] ?? '');
  }

  get(name: string): string {
    return this.all(name)[0] ?? '';
  }

  get toTag(): string {
    return /;tag=([^;\s]+)/.exec(this.get('To'))?.[1] ?? '';
  }

  get branch(): string {
    return /;branch=([^;,\s]+)/.exec(this.get('Via'))?.[1] ?? '';
  }
}

/** Parts of a request a peer sends; what is left out has a usual value. */
export interface PeerRequest {
  readonly method: string;
  readonly seq: number;
  readonly uri?: string;
  readonly to?: string;
  readonly from?: string;
  readonly callId?: string;
  readonly branch?: string;
  readonly contact?: string;
  readonly headers?: readonly string[];
  readonly body?: string;
}

let branches = 0;

/** Peers to be closed at the end of a test, however it ends. */
const opened = new Set<Peer>();

/** A SIP peer made of a raw socket. */
export abstract class Peer {
  constructor() {
    opened.add(this);
  }

  readonly inbox = new Mailbox<Heard>();
  abstract readonly protocol: 'UDP' | 'TCP';
  abstract readonly port: number;
  abstract sendRaw(text: string | Buffer): void;
  abstract close(): void;

  next(what = 'a message'): Promise<Heard> {
    return this.inbox.take(what);
  }

  /** The next message that is not a provisional answer. */
  async final(what = 'a final answer'): Promise<Heard> {
    for (;;) {
      const heard = await this.next(what);
      if (heard.status === 0 || heard.status >= 200) return heard;
    }
  }

  get contact(): string {
    return `<sip:peer@127.0.0.1:${this.port}${this.protocol === 'TCP' ? ';transport=tcp' : ''}>`;
  }

  /** Writes a request; the same parts give the same bytes, so sending twice is a retransmission. */
  request(parts: PeerRequest): string {
    const { method, seq, body = '' } = parts;
    const branch = parts.branch ?? `z9hG4bKpeer${++branches}`;
    const lines = [
      `${method} ${parts.uri ?? 'sip:service@127.0.0.1'} SIP/2.0`,
      `Via: SIP/2.0/${this.protocol} 127.0.0.1:${this.port};branch=${branch};rport`,
      'Max-Forwards: 70',
      `From: ${parts.from ?? '<sip:peer@example.com>;tag=peertag'}`,
      `To: ${parts.to ?? '<sip:service@example.com>'}`,
      `Call-ID: ${parts.callId ?? 'call-1'}`,
      `CSeq: ${seq} ${method}`,
      `Contact: ${parts.contact ?? this.contact}`,
      ...(parts.headers ?? []),
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    return `${lines.join('\r\n')}\r\n\r\n${body}`;
  }

  send(parts: PeerRequest): void {
    this.sendRaw(this.request(parts));
  }

  /** Answers a request the server sent. */
  answer(
    request: Heard,
    status: string,
    parts: { tag?: string; headers?: readonly string[]; body?: string } = {},
  ): void {
    const { tag = 'answertag', headers = [], body = '' } = parts;
    const to = request.get('To');
    const lines = [
      `SIP/2.0 ${status}`,
      ...request.all('Via').map((via) => `Via: ${via}`),
      `From: ${request.get('From')}`,
      `To: ${to.includes(';tag=') || tag === '' ? to : `${to};tag=${tag}`}`,
      `Call-ID: ${request.get('Call-ID')}`,
      `CSeq: ${request.get('CSeq')}`,
      ...headers,
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    this.sendRaw(`${lines.join('\r\n')}\r\n\r\n${body}`);
  }

  /** 200 with Contact and SDP, as INVITE is answered. */
  accept(request: Heard, parts: { tag?: string; headers?: readonly string[]; contact?: string } = {}): void {
    const headers = [
      `Contact: ${parts.contact ?? this.contact}`,
      'Content-Type: application/sdp',
      ...(parts.headers ?? []),
    ];
    this.answer(request, '200 OK', { ...parts, headers, body: SDP });
  }

  /**
   * Proves that nothing more is on the way: the next thing heard is the answer to a request sent now.
   * Loopback keeps the order.
   */
  async silence(): Promise<void> {
    const callId = `probe-${++branches}`;
    this.send({ method: 'BYE', seq: 1, callId, to: '<sip:nobody@example.com>;tag=nobody' });
    const heard = await this.next('the answer to a probe');
    if (heard.get('Call-ID') !== callId) throw new Error(`expected silence, heard ${heard.startLine}`);
  }
}

export const SDP =
  'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n';

export class UdpPeer extends Peer {
  readonly protocol = 'UDP';
  readonly port: number;
  readonly #socket: UdpSocket;
  readonly #serverPort: number;

  private constructor(socket: UdpSocket, serverPort: number) {
    super();
    this.#socket = socket;
    this.#serverPort = serverPort;
    this.port = socket.address().port;
    socket.on('message', (data) => this.inbox.put(new Heard(data)));
  }

  static async open(serverPort: number): Promise<UdpPeer> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new UdpPeer(socket, serverPort);
  }

  sendRaw(text: string | Buffer): void {
    this.#socket.send(text, this.#serverPort, '127.0.0.1');
  }

  close(): void {
    if (opened.delete(this)) this.#socket.close();
  }
}

export class TcpPeer extends Peer {
  readonly protocol = 'TCP';
  readonly port: number;
  readonly socket: Socket;
  readonly closed: Promise<unknown>;
  /** Bytes that are not SIP messages: pongs. */
  readonly pongs = new Mailbox<string>();
  #text = '';

  constructor(socket: Socket) {
    super();
    this.socket = socket;
    this.port = socket.localPort ?? 0;
    this.closed = once(socket, 'close');
    socket.on('error', () => {});
    socket.on('data', (data: Buffer) => this.#read(data.toString('utf8')));
  }

  static async open(serverPort: number): Promise<TcpPeer> {
    const socket = connect(serverPort, '127.0.0.1');
    await once(socket, 'connect');
    return new TcpPeer(socket);
  }

  sendRaw(text: string | Buffer): void {
    this.socket.write(text);
  }

  close(): void {
    this.socket.destroy();
  }

  #read(text: string): void {
    this.#text += text;
    for (;;) {
      if (this.#text.startsWith('\r\n')) {
        this.#text = this.#text.slice(2);
        this.pongs.put('\r\n');
        continue;
      }
      const end = this.#text.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/Content-Length: (\d+)/i.exec(this.#text.slice(0, end))?.[1] ?? 0);
      if (this.#text.length < end + 4 + length) return;
      this.inbox.put(new Heard(this.#text.slice(0, end + 4 + length)));
      this.#text = this.#text.slice(end + 4 + length);
    }
  }
}

/** A server in virtual time, an application, and a UDP peer. */
export interface Bench {
  readonly server: SipServer;
  readonly clock: VirtualClock;
  readonly app: App;
  readonly peer: UdpPeer;
}

/** Runs a test with a fresh server, and checks afterwards that closing it leaves no timer. */
export async function onBench(
  test: (bench: Bench) => Promise<void>,
  settings: SipServerSettings = {},
): Promise<void> {
  const clock = new VirtualClock();
  const server = await startSipServer({ clock, ...settings });
  const peer = await UdpPeer.open(server.sipPort);
  const app = await connectApp(server);
  try {
    await within(test({ server, clock, app, peer }), TEST_MS, 'the test');
  } finally {
    app.disconnect();
    for (const each of opened) each.close();
    opened.clear();
    await within(server.close(), PATIENCE_MS, 'the server to close');
  }
  if (clock.pending !== 0) throw new Error(`${clock.pending} timers left`);
}

/** Resolves once `condition` holds, checked on every turn of the event loop. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const waiting = (async () => {
    while (!condition()) await new Promise((resolve) => setImmediate(resolve));
  })();
  await within(waiting, PATIENCE_MS, what);
}
