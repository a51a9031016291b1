/** The parts of an RTP packet a phone looks at (RFC 3550 section 5.1). */
export interface RtpPacket {
  readonly payloadType: number;
  readonly marker: boolean;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly payload: Uint8Array;
}

/** A telephone-event payload (RFC 4733 section 2.3). `duration` is in samples at 8 kHz. */
export interface TelephoneEvent {
  readonly code: number;
  readonly end: boolean;
  readonly volume: number;
  readonly duration: number;
}

const HEADER_BYTES = 12;

/** The packet, or null when the bytes are no RTP version 2. Header extensions and CSRCs are skipped. */
export function readRtp(bytes: Buffer): RtpPacket | null {
  if (bytes.length < HEADER_BYTES) return null;
  const first = bytes.readUInt8(0);
  if (first >> 6 !== 2) return null;
  let start = HEADER_BYTES + (first & 0x0f) * 4;
  if (first & 0x10) {
    if (bytes.length < start + 4) return null;
    start += 4 + bytes.readUInt16BE(start + 2) * 4;
  }
  const padding = first & 0x20 ? bytes.readUInt8(bytes.length - 1) : 0;
  if (start > bytes.length - padding) return null;
  const second = bytes.readUInt8(1);
  return {
    payloadType: second & 0x7f,
    marker: (second & 0x80) !== 0,
    sequence: bytes.readUInt16BE(2),
    timestamp: bytes.readUInt32BE(4),
    ssrc: bytes.readUInt32BE(8),
    payload: Uint8Array.from(bytes.subarray(start, bytes.length - padding)),
  };
}

export function writeRtp(packet: RtpPacket): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + packet.payload.length);
  bytes.writeUInt8(0x80, 0);
  bytes.writeUInt8((packet.marker ? 0x80 : 0) | packet.payloadType, 1);
  bytes.writeUInt16BE(packet.sequence, 2);
  bytes.writeUInt32BE(packet.timestamp, 4);
  bytes.writeUInt32BE(packet.ssrc, 8);
  bytes.set(packet.payload, HEADER_BYTES);
  return bytes;
}

export function readTelephoneEvent(payload: Uint8Array): TelephoneEvent | null {
  const [code, flags, high, low] = payload;
  if (code === undefined || flags === undefined || high === undefined || low === undefined) return null;
  return { code, end: (flags & 0x80) !== 0, volume: flags & 0x3f, duration: (high << 8) | low };
}

export function writeTelephoneEvent(event: TelephoneEvent): Uint8Array {
  const flags = (event.end ? 0x80 : 0) | event.volume;
  return Uint8Array.of(event.code, flags, event.duration >> 8, event.duration & 0xff);
}
