import {
  ProtectionProfileAeadAes128Gcm,
  ProtectionProfileAes128CmHmacSha1_80,
  RtpHeader,
  SrtpSession,
} from 'werift-rtp';
import { RTP_HEADER_BYTES } from './packet.js';
import { packetIndex, ReplayWindow, rolloverOf } from './replay-window.js';
import { SRTP_SUITES, type SrtpKeys, type SrtpSuite, sameKey } from './srtp-suites.js';

/** The library's number of each suite, and the bytes its authentication adds. */
const PROFILES: Readonly<Record<SrtpSuite, { readonly id: 1 | 7; readonly tagBytes: number }>> = {
  AES_CM_128_HMAC_SHA1_80: { id: ProtectionProfileAes128CmHmacSha1_80, tagBytes: 10 },
  AEAD_AES_128_GCM: { id: ProtectionProfileAeadAes128Gcm, tagBytes: 16 },
};

/** More than any packet of a telephone's audio; a longer one is not worth its authentication. */
const LONGEST_PACKET = 2048;
/** Streams (SSRCs) that one key may protect: those of before must stay known, or their packets could be replayed. */
const MOST_STREAMS = 512;
/** A far end that keeps its key when its call moves here has turned its sequence over once in 22 minutes. */
const FIRST_ROLLOVERS = 9;

/**
 * SRTP of one leg in both directions (RFC 3711, RFC 7714). The library encrypts and authenticates one packet of a
 * known rollover counter; which counter that is, and what was there before, is kept here: the library has no replay
 * protection, and loses the counter when a hundred packets around its turn are lost.
 */
export class Srtp {
  readonly #keys: SrtpKeys;
  readonly #session: SrtpSession;
  readonly #outgoing = new RtpHeader();
  readonly #incoming = new RtpHeader();
  readonly #tagBytes: number;
  #sent = { rollover: 0, sequence: -1 };
  #streams = new Map<number, ReplayWindow>();
  /** With the key the far end had before: it goes on with that until our answer reaches it. */
  #former: Srtp | null = null;
  #closed = false;

  private constructor(keys: SrtpKeys) {
    this.#keys = keys;
    const { id, tagBytes } = PROFILES[keys.suite];
    const [localMasterKey, localMasterSalt] = split(keys.suite, keys.localKey);
    const [remoteMasterKey, remoteMasterSalt] = split(keys.suite, keys.remoteKey);
    this.#session = new SrtpSession({
      profile: id,
      keys: { localMasterKey, localMasterSalt, remoteMasterKey, remoteMasterSalt },
    });
    this.#tagBytes = tagBytes;
  }

  /**
   * Takes keys over, and `current`, what was agreed before. A direction whose key is the same goes on as it was; one
   * with a new key begins anew (RFC 4568 section 7.1.4).
   */
  static agree(keys: SrtpKeys, current: Srtp | null): Srtp {
    if (!current) return new Srtp(keys);
    const { suite, localKey, remoteKey } = current.#keys;
    const local = suite === keys.suite && sameKey(localKey, keys.localKey);
    const remote = suite === keys.suite && sameKey(remoteKey, keys.remoteKey);
    if (local && remote) {
      wipe([keys.localKey, keys.remoteKey]);
      return current;
    }
    const next = new Srtp(keys);
    if (local) next.#sent = current.#sent;
    if (remote) next.#streams = current.#streams;
    current.#former?.close();
    current.#former = null;
    if (remote) current.close();
    else next.#former = current;
    return next;
  }

  /** The SRTP packet of `packet[0..length)`, an RTP packet with a plain 12-byte header. Each sequence number once, in order. */
  protect(packet: Uint8Array, length: number): Uint8Array {
    const bytes = Buffer.from(packet.buffer, packet.byteOffset, length);
    const header = this.#outgoing;
    const second = bytes.readUInt8(1);
    header.marker = second > 127;
    header.payloadType = second & 0x7f;
    header.sequenceNumber = bytes.readUInt16BE(2);
    header.timestamp = bytes.readUInt32BE(4);
    header.ssrc = bytes.readUInt32BE(8);
    if (header.sequenceNumber < this.#sent.sequence) this.#sent.rollover += 1;
    this.#sent.sequence = header.sequenceNumber;
    const { cipher } = this.#session.localContext;
    return cipher.encryptRtp(header, bytes.subarray(RTP_HEADER_BYTES), this.#sent.rollover);
  }

  /** The RTP packet; null when the bytes are none of the far end's, were altered, or came before. */
  unprotect(bytes: Uint8Array): Uint8Array | null {
    const plain = this.#open(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    if (plain === null) return this.#former?.unprotect(bytes) ?? null;
    this.#former?.close();
    this.#former = null;
    return plain;
  }

  /** Zeroes the keys. Idempotent; nothing is authentic afterwards, and nothing may be protected. */
  close(): void {
    this.#closed = true;
    this.#former?.close();
    this.#former = null;
    wipe([this.#keys.localKey, this.#keys.remoteKey]);
    for (const context of [this.#session.localContext, this.#session.remoteContext]) {
      wipe([context.masterKey, context.masterSalt]);
      wipe([context.srtpSessionKey, context.srtpSessionSalt, context.srtpSessionAuthTag]);
      wipe([context.srtcpSessionKey, context.srtcpSessionSalt, context.srtcpSessionAuthTag]);
    }
    wipe(Object.values(this.#session.config.keys));
  }

  #open(bytes: Buffer): Uint8Array | null {
    const payloadAt = this.#closed ? -1 : headerBytes(bytes);
    if (payloadAt < 0 || payloadAt + this.#tagBytes > bytes.length || bytes.length > LONGEST_PACKET)
      return null;
    const ssrc = bytes.readUInt32BE(8);
    const sequence = bytes.readUInt16BE(2);
    const stream = this.#streams.get(ssrc);
    if (!stream) return this.#openFirst(bytes, payloadAt, ssrc, sequence);
    const index = stream.estimate(sequence);
    if (!stream.isFresh(index)) return null;
    const plain = this.#decrypt(bytes, payloadAt, rolloverOf(index));
    if (plain !== null) stream.add(index);
    return plain;
  }

  #openFirst(bytes: Buffer, payloadAt: number, ssrc: number, sequence: number): Uint8Array | null {
    if (this.#streams.size >= MOST_STREAMS) return null;
    const rollovers = this.#streams.size === 0 ? FIRST_ROLLOVERS : 1;
    for (let rollover = 0; rollover < rollovers; rollover += 1) {
      const plain = this.#decrypt(bytes, payloadAt, rollover);
      if (plain === null) continue;
      this.#streams.set(ssrc, new ReplayWindow(packetIndex(rollover, sequence)));
      return plain;
    }
    return null;
  }

  #decrypt(bytes: Buffer, payloadAt: number, rollover: number): Uint8Array | null {
    const header = this.#incoming;
    header.ssrc = bytes.readUInt32BE(8);
    header.sequenceNumber = bytes.readUInt16BE(2);
    header.payloadOffset = payloadAt;
    try {
      // The library's own header parser is not let near a stranger's packet: its time grows with the square of the extension.
      return this.#session.remoteContext.cipher.decryptRtp(bytes, rollover, header)[0];
    } catch {
      return null;
    }
  }
}

function split(suite: SrtpSuite, key: Uint8Array): [Buffer, Buffer] {
  const { keyBytes } = SRTP_SUITES[suite];
  return [Buffer.from(key.subarray(0, keyBytes)), Buffer.from(key.subarray(keyBytes))];
}

/** Bytes of header, CSRC list and extension, which are not encrypted; -1 when they are no RTP or not all there. */
function headerBytes(bytes: Buffer): number {
  if (bytes.length < RTP_HEADER_BYTES) return -1;
  const first = bytes.readUInt8(0);
  if (first >> 6 !== 2) return -1;
  const end = RTP_HEADER_BYTES + (first & 0x0f) * 4;
  if ((first & 0x10) === 0) return end;
  return end + 4 > bytes.length ? -1 : end + 4 + bytes.readUInt16BE(end + 2) * 4;
}

function wipe(buffers: readonly Uint8Array[]): void {
  for (const buffer of buffers) buffer.fill(0);
}
