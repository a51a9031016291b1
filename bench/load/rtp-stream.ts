import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Paced } from './pacer.js';

const HEADER = 12;
const FRAME = 160;
const EVENT_TYPE = 101;
const AUDIO_TYPE = 0;
/** Packets of one key: 60 ms held, then the end three times (RFC 4733 section 2.5.1.4). */
const KEY_DURATIONS = [160, 320, 480, 640, 640, 640] as const;
const FIRST_END = 3;

interface KeyPress {
  readonly event: number;
  readonly timestamp: number;
  sent: number;
  ended(at: number): void;
}

export interface StreamEvents {
  /** How late a packet arrived, against the earliest that the stream has shown, in ms. */
  onLateness(ms: number): void;
}

/** One party's RTP: sends G.711 each 20 ms, and looks at when packets arrive. */
export class RtpStream implements Paced {
  readonly #socket: Socket;
  readonly #events: StreamEvents;
  readonly #packet = Buffer.alloc(HEADER + FRAME);
  readonly #keyPacket = Buffer.alloc(HEADER + 4);
  #sequence: number;
  #timestamp = 0;
  #connected = false;
  #remotePort = 0;
  #key: KeyPress | null = null;
  /** Earliest arrival minus RTP time: when the sender's schedule has a packet due. */
  #schedule = Number.POSITIVE_INFINITY;
  received = 0;
  /** Called with each audio payload that arrives (valid during the call only) and the time. */
  onAudio: ((payload: Uint8Array, at: number) => void) | null = null;

  private constructor(socket: Socket, ssrc: number, audio: Uint8Array, events: StreamEvents) {
    this.#socket = socket;
    this.#events = events;
    this.#sequence = ssrc & 0x7fff;
    for (const packet of [this.#packet, this.#keyPacket]) packet.writeUInt32BE(ssrc, 8);
    this.#packet[0] = 0x80;
    this.#packet[1] = AUDIO_TYPE;
    this.#packet.set(audio.subarray(0, FRAME), HEADER);
    this.#keyPacket[0] = 0x80;
    socket.on('message', (bytes) => this.#take(bytes));
    socket.on('error', () => undefined);
  }

  /** `audio`: 160 bytes of G.711 that are sent over and over. */
  static async open(ssrc: number, audio: Uint8Array, events: StreamEvents): Promise<RtpStream> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new RtpStream(socket, ssrc, audio, events);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Sends to this port from now on, and hears nobody else. */
  async connect(port: number): Promise<void> {
    if (port === this.#remotePort) return;
    if (this.#connected) this.#socket.disconnect();
    this.#connected = false;
    this.#remotePort = port;
    this.#socket.connect(port, '127.0.0.1');
    await once(this.#socket, 'connect');
    this.#connected = true;
  }

  tick(): void {
    if (!this.#connected) return;
    if (this.#key) this.#sendKey(this.#key);
    else this.#sendAudio();
    this.#timestamp = (this.#timestamp + FRAME) >>> 0;
  }

  /** Presses a key by telephone-event; resolves with the time at which its first end packet was sent. */
  press(event: number): Promise<number> {
    return new Promise((resolve) => {
      this.#key = { event, timestamp: this.#timestamp, sent: 0, ended: resolve };
    });
  }

  close(): void {
    this.#connected = false;
    this.onAudio = null;
    this.#socket.close();
  }

  #sendAudio(): void {
    const packet = this.#packet;
    packet.writeUInt16BE(this.#sequence, 2);
    packet.writeUInt32BE(this.#timestamp, 4);
    this.#send(packet);
  }

  #sendKey(key: KeyPress): void {
    const packet = this.#keyPacket;
    const first = key.sent === 0;
    const ends = key.sent >= FIRST_END;
    packet[1] = EVENT_TYPE | (first ? 0x80 : 0);
    packet.writeUInt16BE(this.#sequence, 2);
    packet.writeUInt32BE(key.timestamp, 4);
    packet[HEADER] = key.event;
    packet[HEADER + 1] = (ends ? 0x80 : 0) | 10;
    packet.writeUInt16BE(KEY_DURATIONS[key.sent] ?? 640, HEADER + 2);
    const at = performance.now();
    this.#send(packet);
    if (key.sent === FIRST_END) key.ended(at);
    key.sent += 1;
    if (key.sent === KEY_DURATIONS.length) this.#key = null;
  }

  #send(packet: Buffer): void {
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#socket.send(packet);
  }

  #take(bytes: Buffer): void {
    if (bytes.length < HEADER || ((bytes[1] ?? 0) & 0x7f) !== AUDIO_TYPE) return;
    const at = performance.now();
    this.received += 1;
    const offset = at - bytes.readUInt32BE(4) / 8;
    // A new stream, or the wrap of the 32-bit RTP clock: the schedule is learnt again.
    if (Math.abs(offset - this.#schedule) > 10_000) this.#schedule = offset;
    else if (offset < this.#schedule) this.#schedule = offset;
    this.#events.onLateness(offset - this.#schedule);
    this.onAudio?.(bytes.subarray(HEADER), at);
  }
}
