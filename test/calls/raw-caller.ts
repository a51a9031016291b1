import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { within } from '../kit/deadline.js';
import { RtpSender } from '../kit/rtp-sender.js';
import { type Sound, silence, tones } from '../kit/sounds.js';

/** A response, as far as it is looked at. */
export interface RawResponse {
  readonly status: number;
  readonly body: string;
}

export interface RawOptions {
  /** User part of its address. Default `raw`. */
  readonly user?: string;
  /** Frequency that it says without end. Default silence. */
  readonly hz?: number;
}

const DEADLINE_MS = 10_000;
/** RFC 3261 T1, not doubled: whatever is lost on loopback is lost because a machine is busy. */
const REPEAT_MS = 500;
const TICK_MS = 20;
const HOST = '127.0.0.1';

/**
 * A caller made of two UDP sockets and no library, for what a phone would not send: any bytes as SIP or RTP from the
 * right address, requests without a body, silence instead of a BYE. It calls over UDP and does not verify anything.
 */
export class RawCaller {
  /** Resolves when the far end said BYE. */
  readonly ended: Promise<void>;
  /** Audio packets that came. */
  heard = 0;
  readonly #sip: Socket;
  readonly #rtp: Socket;
  readonly #sipPort: number;
  readonly #user: string;
  readonly #id = crypto.randomUUID();
  readonly #sender = new RtpSender();
  readonly #pending = new Map<string, (response: string) => void>();
  #target = '';
  #to = '';
  #seq = 0;
  #rtpPort = 0;
  #timer: NodeJS.Timeout | undefined;
  #nextTick = 0;
  #end: () => void = () => {};

  private constructor(sip: Socket, rtp: Socket, sipPort: number, options: RawOptions) {
    this.#sip = sip;
    this.#rtp = rtp;
    this.#sipPort = sipPort;
    this.#user = options.user ?? 'raw';
    const sound: Sound = options.hz === undefined ? silence : tones([options.hz], -10);
    this.#sender.sound = sound;
    this.#sender.format = { codec: 'PCMU', eventPayloadType: 101 };
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    for (const socket of [sip, rtp]) {
      socket.on('error', () => undefined);
      // One that a failed test forgot must not keep the process.
      socket.unref();
    }
    sip.on('message', (bytes) => this.#received(bytes.toString()));
    rtp.on('message', () => {
      this.heard += 1;
    });
  }

  /** Calls `user` at a SIP port of loopback and resolves when it is answered and audio flows. Rejects with the status. */
  static async call(sipPort: number, user: string, options: RawOptions = {}): Promise<RawCaller> {
    const caller = new RawCaller(await bind(), await bind(), sipPort, options);
    try {
      caller.#target = `sip:${user}@${HOST}:${sipPort}`;
      await caller.#invite(caller.description());
      caller.#nextTick = performance.now();
      caller.#tick();
      return caller;
    } catch (error) {
      await caller.vanish();
      throw error;
    }
  }

  /** Its SDP: PCMU and telephone-event at its RTP port. */
  description(): string {
    const lines = ['v=0', `o=- 1 ${this.#seq + 1} IN IP4 ${HOST}`, 's=-', `c=IN IP4 ${HOST}`, 't=0 0'];
    const media = `m=audio ${this.#rtp.address().port} RTP/AVP 0 101`;
    return [...lines, media, 'a=rtpmap:101 telephone-event/8000', 'a=fmtp:101 0-15', 'a=sendrecv', ''].join(
      '\r\n',
    );
  }

  /** A re-INVITE without an offer (RFC 3261 section 14.1): the answer to theirs goes into the ACK. */
  async reinviteWithoutOffer(): Promise<void> {
    await this.#invite(null);
  }

  /** Sends a request in the dialog. Resolves with its final response. */
  async request(method: string, contentType = '', body = ''): Promise<RawResponse> {
    const text = await this.#transact(method, contentType, body);
    return { status: statusOf(text), body: bodyOf(text) };
  }

  /** Sends these bytes from its SIP port. */
  sendSip(bytes: Uint8Array | string): void {
    this.#sip.send(bytes, this.#sipPort, HOST);
  }

  /** Sends these bytes from its RTP port. */
  sendRtp(bytes: Uint8Array): void {
    this.#rtp.send(bytes, this.#rtpPort, HOST);
  }

  /** Presses keys by telephone-event, 60 ms on and 40 ms off. Resolves when they are out. */
  async press(keys: string): Promise<void> {
    const timing = { onMs: 60, offMs: 40, endCopies: 3 };
    const pressed = [...keys].map(
      (key) => new Promise<void>((resolve) => this.#sender.press(key, 'rfc4733', timing, resolve)),
    );
    await within(Promise.all(pressed), DEADLINE_MS, 'keys pressed');
  }

  /** Resolves when so many more audio packets have come. */
  async listen(packets: number): Promise<void> {
    const until = this.heard + packets;
    const heard = new Promise<void>((resolve) => {
      const look = () => {
        if (this.heard < until) return;
        this.#rtp.off('message', look);
        resolve();
      };
      this.#rtp.on('message', look);
    });
    await within(heard, DEADLINE_MS, `${packets} packets`);
  }

  /** Hangs up. Idempotent. */
  async hangUp(): Promise<void> {
    const over = await Promise.race([this.ended.then(() => true), Promise.resolve(false)]);
    if (!over) await this.#transact('BYE', '', '');
    this.#end();
    await this.vanish();
  }

  /** Falls silent without a word. Idempotent. */
  async vanish(): Promise<void> {
    clearTimeout(this.#timer);
    await Promise.all([close(this.#sip), close(this.#rtp)]);
  }

  async #invite(offer: string | null): Promise<void> {
    const text = await this.#transact('INVITE', offer === null ? '' : 'application/sdp', offer ?? '');
    const seq = this.#seq;
    const status = statusOf(text);
    this.#to = headerOf(text, 'To');
    const acknowledge = (body: string) =>
      this.sendSip(this.#format('ACK', seq, branch(), body === '' ? '' : 'application/sdp', body));
    if (status !== 200) throw new Error(`INVITE: ${status}`);
    this.#target = /<([^>]+)>/.exec(headerOf(text, 'Contact'))?.[1] ?? this.#target;
    this.#rtpPort = Number(/^m=audio (\d+) /m.exec(bodyOf(text))?.[1]);
    acknowledge(offer === null ? this.description() : '');
  }

  /** Sends a request until it is answered; resolves with the final response. */
  async #transact(method: string, contentType: string, body: string): Promise<string> {
    this.#seq += 1;
    const id = branch();
    const bytes = this.#format(method, this.#seq, id, contentType, body);
    const answer = new Promise<string>((resolve) => this.#pending.set(id, resolve));
    this.sendSip(bytes);
    const repeat = setInterval(() => this.sendSip(bytes), REPEAT_MS);
    try {
      return await within(answer, DEADLINE_MS, `an answer to ${method}`);
    } finally {
      clearInterval(repeat);
      this.#pending.delete(id);
    }
  }

  #format(method: string, seq: number, id: string, contentType: string, body: string): string {
    const { port } = this.#sip.address();
    return [
      `${method} ${this.#target} SIP/2.0`,
      `Via: SIP/2.0/UDP ${HOST}:${port};branch=${id};rport`,
      'Max-Forwards: 70',
      `From: <sip:${this.#user}@${HOST}>;tag=${this.#id.slice(0, 8)}`,
      `To: ${this.#to || `<${this.#target}>`}`,
      `Call-ID: ${this.#id}`,
      `CSeq: ${seq} ${method}`,
      `Contact: <sip:${this.#user}@${HOST}:${port}>`,
      ...(contentType === '' ? [] : [`Content-Type: ${contentType}`]),
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n');
  }

  #received(text: string): void {
    if (text.startsWith('SIP/2.0 ')) {
      const id = /;branch=([^;,\s]+)/.exec(headerOf(text, 'Via'))?.[1] ?? '';
      if (statusOf(text) >= 200) this.#pending.get(id)?.(text);
      return;
    }
    const method = text.slice(0, text.indexOf(' '));
    if (method === 'ACK') return;
    const copied = ['Via', 'From', 'To', 'Call-ID', 'CSeq'].map((name) => `${name}: ${headerOf(text, name)}`);
    this.sendSip(['SIP/2.0 200 OK', ...copied, 'Content-Length: 0', '', ''].join('\r\n'));
    if (method === 'BYE') this.#end();
  }

  #tick(): void {
    const now = performance.now();
    for (; this.#nextTick <= now; this.#nextTick += TICK_MS) {
      for (const { bytes } of this.#sender.tick()) this.sendRtp(bytes);
    }
    this.#timer = setTimeout(() => this.#tick(), this.#nextTick - performance.now()).unref();
  }
}

const branch = (): string => `z9hG4bK${crypto.randomUUID()}`;

const statusOf = (text: string): number => Number(text.slice(8, 11));

const bodyOf = (text: string): string => text.slice(text.indexOf('\r\n\r\n') + 4);

const headerOf = (text: string, name: string): string =>
  new RegExp(`^${name}: *(.*)\r$`, 'im').exec(text)?.[1] ?? '';

async function bind(): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, HOST);
  await once(socket, 'listening');
  return socket;
}

function close(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    try {
      socket.close(() => resolve());
    } catch {
      // It was closed before.
      resolve();
    }
  });
}
