import { encode, PAYLOAD_TYPES, type PhoneCodec } from './g711.js';
import type { OutgoingPacket } from './network-fault.js';
import { writeRtp, writeTelephoneEvent } from './rtp-packet.js';
import { dtmf, FRAME, KEYS, SAMPLES_PER_MS, type Sound, silence } from './sounds.js';

export interface SenderFormat {
  readonly codec: PhoneCodec;
  /** RTP payload type of telephone-event, or null when none was agreed. */
  readonly eventPayloadType: number | null;
}

export interface KeyTiming {
  /** How long the key is held, ms. */
  readonly onMs: number;
  /** Pause after it, ms; for telephone-events rounded up to whole packets of 20 ms. */
  readonly offMs: number;
  /** How many times the packet with the end bit is sent (RFC 4733 section 2.5.1.4 says 3). */
  readonly endCopies: number;
}

interface Key {
  readonly code: number;
  /** Tones in the audio; null for a telephone-event. */
  readonly tones: Sound | null;
  readonly on: number;
  readonly off: number;
  readonly endCopies: number;
  readonly done: () => void;
  at: number;
}

/** Turns sound and keys into the RTP packets of one stream, 20 ms a tick. Pure: no socket, no clock. */
export class RtpSender {
  readonly ssrc: number;
  #sequence: number;
  #timestamp: number;
  #marker = true;
  #keys: Key[] = [];
  format: SenderFormat = { codec: 'PCMU', eventPayloadType: null };
  /** What is heard while no key is pressed. */
  sound: Sound = silence;

  constructor(random: () => number = Math.random) {
    this.ssrc = Math.floor(random() * 2 ** 32);
    this.#sequence = Math.floor(random() * 2 ** 16);
    this.#timestamp = Math.floor(random() * 2 ** 32);
  }

  /** Queues a key; `done` is called when its pause is over. Throws on something that is no key. */
  press(key: string, method: 'rfc4733' | 'in-band', timing: KeyTiming, done: () => void): void {
    const tones = dtmf(key);
    this.#keys.push({
      code: KEYS.indexOf(key),
      tones: method === 'in-band' ? tones : null,
      on: timing.onMs * SAMPLES_PER_MS,
      off: timing.offMs * SAMPLES_PER_MS,
      endCopies: timing.endCopies,
      done,
      at: 0,
    });
  }

  /** The packets of the next 20 ms: one of audio, or those of a telephone-event. */
  tick(): OutgoingPacket[] {
    const key = this.#keys[0];
    const packets = key && !key.tones && key.at < key.on ? this.#event(key) : [this.#audio()];
    this.#timestamp = (this.#timestamp + FRAME) >>> 0;
    return packets;
  }

  /** 20 ms pass without a packet, as on hold. */
  skip(): void {
    this.#timestamp = (this.#timestamp + FRAME) >>> 0;
    this.#marker = true;
  }

  #event(key: Key): OutgoingPacket[] {
    const first = key.at === 0;
    const start = (this.#timestamp - key.at) >>> 0;
    key.at = Math.min(key.on, key.at + FRAME);
    const end = key.at === key.on;
    const event = { code: key.code, end, volume: 10, duration: key.at };
    const copies = end ? key.endCopies : 1;
    this.#marker = end;
    const packets = Array.from({ length: copies }, (_, copy) => ({
      bytes: this.#write(
        this.format.eventPayloadType ?? 101,
        first && copy === 0,
        start,
        writeTelephoneEvent(event),
      ),
      marker: first && copy === 0,
      event,
    }));
    if (end && key.off === 0) this.#finish();
    return packets;
  }

  #audio(): OutgoingPacket {
    const pcm = new Int16Array(FRAME);
    let at = 0;
    while (at < FRAME) {
      const key = this.#keys[0];
      if (!key || (!key.tones && at > 0)) {
        this.sound(pcm.subarray(at));
        break;
      }
      at += this.#fill(key, pcm.subarray(at));
    }
    const marker = this.#marker;
    this.#marker = false;
    const { codec } = this.format;
    return {
      bytes: this.#write(PAYLOAD_TYPES[codec], marker, this.#timestamp, encode(codec, pcm)),
      marker,
      event: null,
    };
  }

  /** Tone or pause of the key at the head of the queue; returns how many samples it took. */
  #fill(key: Key, out: Int16Array): number {
    const sounding = key.tones !== null && key.at < key.on;
    const left = sounding ? key.on - key.at : key.on + key.off - key.at;
    const part = out.subarray(0, left);
    if (sounding && key.tones) key.tones(part);
    else this.sound(key.tones ? part : out);
    key.at += part.length;
    if (key.at >= key.on + key.off) this.#finish();
    return key.tones ? part.length : out.length;
  }

  #finish(): void {
    this.#keys.shift()?.done();
  }

  #write(payloadType: number, marker: boolean, timestamp: number, payload: Uint8Array): Buffer {
    const sequence = this.#sequence;
    this.#sequence = (sequence + 1) & 0xffff;
    return writeRtp({ payloadType, marker, sequence, timestamp, ssrc: this.ssrc, payload });
  }
}
