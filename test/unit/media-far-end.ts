import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { EmbeddedMediaServer } from '../../media/embedded/embedded-media-server.js';
import type { PromptSource } from '../../media/embedded/prompt-source.js';
import type { AudioItem } from '../../media/endpoint.js';
import type { EncodedPrompt } from '../../media/prompts/prompt-store.js';
import { within } from '../kit/deadline.js';

/** An RTP packet as it came; `at` is performance.now(). */
export interface Packet {
  readonly at: number;
  readonly payloadType: number;
  readonly marker: boolean;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly payload: Buffer;
}

export interface SdpOptions {
  readonly formats?: string;
  readonly events?: number | null;
  readonly direction?: string;
  readonly address?: string;
  readonly port?: number;
  /** Default RTP/AVP. */
  readonly profile?: string;
  /** Further lines of the section. */
  readonly lines?: readonly string[];
}

export const PCMU_SILENCE = 0xff;

/** A far end with a socket of its own and no code of the engine: sends what a test says, keeps what it hears. */
export class FarEnd {
  readonly socket: Socket;
  readonly port: number;
  readonly heard: Packet[] = [];
  ssrc = 0x11223344;
  sequence = 1000;
  timestamp = 50_000;
  target = 0;
  /** Makes SRTP of what is sent. */
  protect: (packet: Buffer) => Uint8Array = (packet) => packet;
  #talk: NodeJS.Timeout | null = null;
  #version = 0;
  readonly #watchers = new Set<(packet: Packet) => void>();

  private constructor(socket: Socket) {
    this.socket = socket;
    this.port = socket.address().port;
    socket.on('message', (bytes) => {
      const packet = {
        at: performance.now(),
        payloadType: (bytes[1] ?? 0) & 0x7f,
        marker: (bytes[1] ?? 0) > 127,
        sequence: bytes.readUInt16BE(2),
        timestamp: bytes.readUInt32BE(4),
        ssrc: bytes.readUInt32BE(8),
        payload: bytes.subarray(12),
      };
      this.heard.push(packet);
      for (const watcher of [...this.#watchers]) watcher(packet);
    });
  }

  static async open(): Promise<FarEnd> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new FarEnd(socket);
  }

  sdp(options: SdpOptions = {}): string {
    const { formats = '0 8', events = 101, direction = 'sendrecv', profile = 'RTP/AVP' } = options;
    this.#version += 1;
    const lines = [
      'v=0',
      `o=far 1 ${this.#version} IN IP4 127.0.0.1`,
      's=-',
      `c=IN IP4 ${options.address ?? '127.0.0.1'}`,
      't=0 0',
      `m=audio ${options.port ?? this.port} ${profile} ${formats}${events === null ? '' : ` ${events}`}`,
      ...(events === null ? [] : [`a=rtpmap:${events} telephone-event/8000`]),
      ...(options.lines ?? []),
      `a=${direction}`,
    ];
    return `${lines.join('\r\n')}\r\n`;
  }

  /** Reads our answer: where RTP goes. */
  aim(answer: string): void {
    this.target = Number(/^m=audio (\d+)/m.exec(answer)?.[1]);
  }

  packet(payloadType: number, payload: Uint8Array, marker = false, timestamp = this.timestamp): Buffer {
    const packet = Buffer.alloc(12 + payload.length);
    packet[0] = 0x80;
    packet[1] = payloadType | (marker ? 0x80 : 0);
    packet.writeUInt16BE(this.sequence & 0xffff, 2);
    packet.writeUInt32BE(timestamp >>> 0, 4);
    packet.writeUInt32BE(this.ssrc, 8);
    packet.set(payload, 12);
    this.sequence += 1;
    return packet;
  }

  send(packet: Uint8Array): void {
    this.socket.send(packet, this.target, '127.0.0.1');
  }

  /** One audio packet; the clock moves on. */
  audio(payload: Uint8Array | number = PCMU_SILENCE, payloadType = 0): void {
    const bytes = typeof payload === 'number' ? Buffer.alloc(160, payload) : payload;
    this.send(this.protect(this.packet(payloadType, bytes)));
    this.timestamp += bytes.length;
  }

  /** Sends 20 ms audio packets on and on; `next` gives each one. */
  talk(next: () => Uint8Array | number, payloadType = 0): void {
    this.hush();
    this.audio(next(), payloadType);
    this.#talk = setInterval(() => this.audio(next(), payloadType), 20);
  }

  hush(): void {
    if (this.#talk) clearInterval(this.#talk);
    this.#talk = null;
  }

  event(event: number, duration: number, end: boolean, payloadType = 101, marker = false): void {
    const payload = Buffer.from([event, end ? 0x8a : 0x0a, duration >> 8, duration & 0xff]);
    this.send(this.protect(this.packet(payloadType, payload, marker)));
  }

  /** A whole key press at once: three packets of progress, three of the end. */
  press(event: number, payloadType = 101): void {
    for (const duration of [160, 320, 480]) this.event(event, duration, false, payloadType, duration === 160);
    for (let i = 0; i < 3; i += 1) this.event(event, 640, true, payloadType);
    this.timestamp += 1600;
  }

  /** The first packet that fits, from now on. */
  next(fits: (packet: Packet) => boolean, what: string, ms = 2000): Promise<Packet> {
    let watcher: (packet: Packet) => void = () => {};
    const found = new Promise<Packet>((resolve) => {
      watcher = (packet) => {
        if (fits(packet)) resolve(packet);
      };
      this.#watchers.add(watcher);
    });
    return within(found, ms, what).finally(() => this.#watchers.delete(watcher));
  }

  /** The next `count` packets, whatever they are. */
  async listen(count: number): Promise<Packet[]> {
    const start = this.heard.length;
    await this.next(() => this.heard.length >= start + count, `${count} packets`, 1000 + count * 40);
    return this.heard.slice(start, start + count);
  }

  close(): void {
    this.hush();
    this.socket.close();
  }
}

/** A prompt whose n-th frame (from 1) is filled with byte n in PCMU and 128 + n in PCMA. At most 84 frames: the 85th would be silence in PCMA. */
export function countingPrompt(frames: number): EncodedPrompt {
  const fill = (first: number): Uint8Array =>
    new Uint8Array(new SharedArrayBuffer(frames * 160)).map((_, i) => first + 1 + Math.floor(i / 160));
  return { id: 1, samples: frames * 160, pcmu: fill(0), pcma: fill(128) };
}

/** `{ text: 'N' }` is a counting prompt of N frames; loops are one byte on and on. */
export const countingPrompts: PromptSource = {
  resolve: async (items: readonly AudioItem[]) =>
    items.map((item) => countingPrompt('text' in item ? Number(item.text) : 1)),
  loop: async () => {
    const bytes = new Uint8Array(new SharedArrayBuffer(800)).fill(0x70);
    return { id: 2, samples: 800, pcmu: bytes, pcma: bytes };
  },
  prepare: async () => {},
  release: () => {},
};

/** A started engine on ports of its own. */
export async function startEngine(
  ports: { from: number; to: number },
  drainMs = 0,
): Promise<EmbeddedMediaServer> {
  const server = new EmbeddedMediaServer({ address: '127.0.0.1', ports, prompts: countingPrompts, drainMs });
  await server.start();
  return server;
}
