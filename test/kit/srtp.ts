import { createCipheriv, createHmac, timingSafeEqual } from 'node:crypto';

/** The suite every SRTP phone has (RFC 4568 section 6.2.1), and the bytes of its master key and salt. */
export const SUITE = 'AES_CM_128_HMAC_SHA1_80';
export const KEY_BYTES = 30;

const TAG_BYTES = 10;
const SEQUENCES = 65_536;

/** One direction of a phone's SRTP, written from RFC 3711. It has no replay protection: a phone hears whatever is authentic. */
export class SrtpStream {
  readonly #key: Buffer;
  readonly #authentication: Buffer;
  readonly #salt: Buffer;
  /** The highest index so far; -1 at first. */
  #highest = -1;

  constructor(master: Uint8Array) {
    this.#key = derive(master, 0, 16);
    this.#authentication = derive(master, 1, 20);
    this.#salt = derive(master, 2, 14);
  }

  protect(rtp: Buffer): Buffer {
    const index = this.#estimate(rtp.readUInt16BE(2));
    const start = payloadAt(rtp);
    const body = Buffer.concat([rtp.subarray(0, start), this.#crypt(rtp, start, index)]);
    this.#highest = Math.max(this.#highest, index);
    return Buffer.concat([body, this.#tag(body, index)]);
  }

  /** Null when it is not authentic. */
  unprotect(srtp: Buffer): Buffer | null {
    if (srtp.length < 12 + TAG_BYTES) return null;
    const index = this.#estimate(srtp.readUInt16BE(2));
    const body = srtp.subarray(0, -TAG_BYTES);
    if (index < 0 || !timingSafeEqual(this.#tag(body, index), srtp.subarray(-TAG_BYTES))) return null;
    this.#highest = Math.max(this.#highest, index);
    const start = payloadAt(body);
    return Buffer.concat([body.subarray(0, start), this.#crypt(body, start, index)]);
  }

  /** Section 3.3.1: of the indices with this sequence number, the one nearest to the highest. */
  #estimate(sequence: number): number {
    if (this.#highest < 0) return sequence;
    const turn = Math.round((this.#highest - sequence) / SEQUENCES);
    return turn * SEQUENCES + sequence;
  }

  /** Section 4.1.1. */
  #crypt(rtp: Buffer, start: number, index: number): Buffer {
    const counter = Buffer.alloc(16);
    counter.writeUInt32BE(rtp.readUInt32BE(8), 4);
    counter.writeUIntBE(index, 8, 6);
    for (const [at, byte] of this.#salt.entries()) counter.writeUInt8(counter.readUInt8(at) ^ byte, at);
    return createCipheriv('aes-128-ctr', this.#key, counter).update(rtp.subarray(start));
  }

  /** Section 4.2. */
  #tag(body: Buffer, index: number): Buffer {
    const rollover = Buffer.alloc(4);
    rollover.writeUInt32BE(Math.floor(index / SEQUENCES));
    const digest = createHmac('sha1', this.#authentication).update(body).update(rollover).digest();
    return digest.subarray(0, TAG_BYTES);
  }
}

/** Section 4.3: the key stream of the master key, whose counter is the salt with the label in it. */
function derive(master: Uint8Array, label: number, bytes: number): Buffer {
  const counter = Buffer.concat([master.subarray(16, KEY_BYTES), Buffer.alloc(2)]);
  counter.writeUInt8(counter.readUInt8(7) ^ label, 7);
  return createCipheriv('aes-128-ctr', master.subarray(0, 16), counter).update(Buffer.alloc(bytes));
}

function payloadAt(rtp: Buffer): number {
  const start = 12 + (rtp.readUInt8(0) & 0x0f) * 4;
  return rtp.readUInt8(0) & 0x10 ? start + 4 + rtp.readUInt16BE(start + 2) * 4 : start;
}
