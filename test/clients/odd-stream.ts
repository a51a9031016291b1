import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { within } from '../kit/deadline.js';
import { writeRtp, writeTelephoneEvent } from '../kit/rtp-packet.js';
import { KEYS } from '../kit/sounds.js';

const PCMU = 0;
const COMFORT_NOISE = 13;
const NEVER_AGREED = 97;
/** Samples in one packet, and the ms they last. */
const PACKET = 240;
const PACKET_MS = 30;

/**
 * Keys in a stream that is legal and unusual: packets of 30 ms, comfort noise between them (RFC 3389), a single end
 * packet for each key, a payload type that was not agreed, sequence numbers and timestamps that wrap at once.
 */
export class OddStream {
  readonly #socket: Socket;
  #sequence = 65_530;
  #timestamp = 4_294_967_000;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => undefined);
  }

  static async open(): Promise<OddStream> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await within(once(socket, 'listening'), 1000, 'a socket');
    return new OddStream(socket);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Waits for a packet, and sends the keys to where it came from. Resolves when they are out. */
  async press(keys: string, eventPayloadType: number): Promise<void> {
    const [, { port }] = await within(once(this.#socket, 'message'), 5000, 'a packet');
    for (const key of keys) {
      await this.#quiet(port);
      await this.#key(key, port, eventPayloadType);
    }
    await this.#quiet(port);
  }

  close(): void {
    this.#socket.close();
  }

  async #quiet(port: number): Promise<void> {
    this.#send(port, PCMU, new Uint8Array(PACKET).fill(0xff));
    this.#timestamp += PACKET;
    await setTimeout(PACKET_MS);
    this.#send(port, COMFORT_NOISE, Uint8Array.of(70));
    this.#send(port, NEVER_AGREED, new Uint8Array(20));
    this.#timestamp += 2 * PACKET;
    await setTimeout(2 * PACKET_MS);
  }

  async #key(key: string, port: number, payloadType: number): Promise<void> {
    const code = KEYS.indexOf(key);
    for (const duration of [PACKET, 2 * PACKET, 3 * PACKET]) {
      const event = { code, volume: 10, duration, end: duration === 3 * PACKET };
      this.#send(port, payloadType, writeTelephoneEvent(event), duration === PACKET);
      await setTimeout(PACKET_MS);
    }
    this.#timestamp += 3 * PACKET;
  }

  #send(port: number, payloadType: number, payload: Uint8Array, marker = false): void {
    const facts = {
      payloadType,
      marker,
      sequence: this.#sequence,
      timestamp: this.#timestamp >>> 0,
      ssrc: 7,
    };
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#socket.send(writeRtp({ ...facts, payload }), port, '127.0.0.1', () => undefined);
  }
}
