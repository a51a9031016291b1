import { randomUUID } from 'node:crypto';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { within } from '../kit/deadline.js';

const PATIENCE_MS = 8000;

export interface Invite {
  /** Header X-Tacet-Key; without it the header is left out. */
  readonly key?: string;
  /** Transport and direction of the offer: `m=audio ... RTP/SAVP` with a key when true. */
  readonly srtp?: boolean;
  /** Further header lines. */
  readonly headers?: readonly string[];
  /** User part of the request URI. */
  readonly user?: string;
}

/**
 * Somebody on loopback who sends FreeSWITCH messages by hand, and has a listener of the kind that Tacet has, where the
 * dialplan connects to when it hands a channel over.
 */
export class FreeswitchPeer {
  readonly #socket: UdpSocket;
  readonly #listener: Server;
  readonly #target: number;
  readonly #messages: string[] = [];
  readonly #handed: Socket[] = [];
  readonly #uuids: string[] = [];
  #changed: (() => void)[] = [];

  private constructor(socket: UdpSocket, listener: Server, target: number) {
    this.#socket = socket;
    this.#listener = listener;
    this.#target = target;
    socket.on('message', (data) => this.#take(data.toString('utf8')));
    listener.on('connection', (connection) => {
      connection.on('error', () => {});
      connection.write('connect\n\n');
      connection.on('data', (data: Buffer) => this.#introduce(data.toString('utf8')));
      this.#handed.push(connection);
    });
  }

  static async start(target: number): Promise<FreeswitchPeer> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    const listener = createServer().listen(0, '127.0.0.1');
    await Promise.all([once(socket, 'listening'), once(listener, 'listening')]);
    return new FreeswitchPeer(socket, listener, target);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** host:port of its listener. */
  get listening(): string {
    return `127.0.0.1:${(this.#listener.address() as AddressInfo).port}`;
  }

  /** How many channels were handed to its listener. */
  get handed(): number {
    return this.#handed.length;
  }

  send(data: string | Buffer): void {
    this.#socket.send(data, this.#target, '127.0.0.1');
  }

  /** Sends an INVITE and returns its final response. */
  async invite(invite: Invite = {}): Promise<string> {
    const callId = randomUUID();
    this.send(this.#invite(callId, invite));
    const final = await this.until(
      (message) =>
        /^SIP\/2\.0 [2-6]/.test(message) && message.includes(callId) && message.includes(' INVITE'),
      'the final response',
    );
    return final;
  }

  /** Sends a request outside any dialog and returns its final response. */
  async request(method: string): Promise<string> {
    const id = randomUUID();
    const lines = [
      `${method} sip:drachtio@127.0.0.1:${this.#target} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${this.port};branch=z9hG4bK${id}`,
      'Max-Forwards: 70',
      `From: <sip:peer@127.0.0.1>;tag=${id}`,
      'To: <sip:drachtio@127.0.0.1>',
      `Call-ID: ${id}`,
      `CSeq: 7 ${method}`,
      `Contact: <sip:peer@127.0.0.1:${this.port}>`,
      'Refer-To: <sip:somebody@127.0.0.1>',
      'Event: presence',
      'Subscription-State: active',
      'Content-Length: 0',
    ];
    this.send(`${lines.join('\r\n')}\r\n\r\n`);
    return this.until(
      (message) => /^SIP\/2\.0 [2-6]/.test(message) && message.includes(id),
      `an answer to ${method}`,
    );
  }

  /** The first message received, now or later, that is as wanted. */
  async until(wanted: (message: string) => boolean, what: string): Promise<string> {
    const search = async (): Promise<string> => {
      for (;;) {
        const found = this.#messages.find(wanted);
        if (found) return found;
        await this.#change();
      }
    };
    return within(search(), PATIENCE_MS, what);
  }

  /** The uuids of the channels that were handed over, as soon as there are so many. */
  async channels(count: number): Promise<readonly string[]> {
    const search = async (): Promise<readonly string[]> => {
      while (this.#uuids.length < count) await this.#change();
      return this.#uuids;
    };
    return within(search(), PATIENCE_MS, `${count} channels handed over`);
  }

  /** What happens to the connections of a process that dies. */
  dropChannels(): void {
    for (const connection of this.#handed.splice(0)) connection.destroy();
    this.#uuids.length = 0;
  }

  close(): void {
    this.dropChannels();
    this.#listener.close();
    this.#socket.close();
  }

  /** The answer to `connect` holds the channel's variables, and fits into one piece on loopback. */
  #introduce(text: string): void {
    const uuid = /^Unique-ID: (\S+)/m.exec(text)?.[1];
    if (uuid !== undefined) this.#uuids.push(uuid);
    this.#wake();
  }

  #take(message: string): void {
    this.#messages.push(message);
    const line = message.slice(0, message.indexOf('\r\n'));
    if (line.startsWith('BYE ')) this.send(answer(message));
    else if (/^SIP\/2\.0 [2-6]/.test(line) && message.includes(' INVITE')) this.send(ack(message));
    this.#wake();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#changed.push(resolve));
  }

  #wake(): void {
    for (const resolve of this.#changed.splice(0)) resolve();
  }

  #invite(callId: string, { key, srtp, headers: more = [], user = 'drachtio' }: Invite): string {
    const body = offer(srtp === true);
    return [
      `INVITE sip:${user}@127.0.0.1:${this.#target} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${this.port};branch=z9hG4bK${randomUUID()}`,
      'Max-Forwards: 70',
      `From: <sip:peer@127.0.0.1>;tag=${randomUUID()}`,
      `To: <sip:${user}@127.0.0.1>`,
      `Call-ID: ${callId}`,
      'CSeq: 1 INVITE',
      `Contact: <sip:peer@127.0.0.1:${this.port}>`,
      ...(key === undefined ? [] : [`X-Tacet-Key: ${key}`]),
      `X-esl-outbound: ${this.listening}`,
      ...more,
      'Content-Type: application/sdp',
      `Content-Length: ${body.length}`,
      '',
      body,
    ].join('\r\n');
  }
}

function headers(message: string, names: readonly string[]): string[] {
  return message.split('\r\n').filter((line) => names.some((name) => line.startsWith(`${name}:`)));
}

function ack(response: string): string {
  const copied = headers(response, ['Via', 'From', 'To', 'Call-ID']);
  return ['ACK sip:drachtio@127.0.0.1 SIP/2.0', ...copied, 'CSeq: 1 ACK', 'Content-Length: 0', '', ''].join(
    '\r\n',
  );
}

function answer(request: string): string {
  const copied = headers(request, ['Via', 'From', 'To', 'Call-ID', 'CSeq']);
  return ['SIP/2.0 200 OK', ...copied, 'Content-Length: 0', '', ''].join('\r\n');
}

const offer = (srtp: boolean): string =>
  [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    `m=audio 9 RTP/${srtp ? 'SAVP' : 'AVP'} 0 101`,
    'a=rtpmap:101 telephone-event/8000',
    ...(srtp ? [`a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${Buffer.alloc(30, 7).toString('base64')}`] : []),
    '',
  ].join('\r\n');
