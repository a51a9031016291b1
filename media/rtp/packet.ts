/** Bytes of an RTP header without CSRC list and extension (RFC 3550 section 5.1). */
export const RTP_HEADER_BYTES = 12;

/** One received packet, described in place. A reader is reused for every packet and holds no bytes itself. */
export interface RtpView {
  payloadType: number;
  marker: boolean;
  sequence: number;
  timestamp: number;
  ssrc: number;
  /** The payload is `bytes[start..end)`, padding taken off. */
  start: number;
  end: number;
}

export function newRtpView(): RtpView {
  return { payloadType: 0, marker: false, sequence: 0, timestamp: 0, ssrc: 0, start: 0, end: 0 };
}

function uint32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)) >>>
    0
  );
}

/**
 * Reads a packet into `view`. Returns false, and `view` is then meaningless, for everything that is not
 * a well-formed RTP packet with a payload: wrong version, truncated CSRC list or extension, padding
 * longer than the payload, RTCP on the RTP port (RFC 5761 section 4).
 */
export function readRtp(bytes: Uint8Array, view: RtpView): boolean {
  const length = bytes.length;
  if (length <= RTP_HEADER_BYTES) return false;
  const first = bytes[0] ?? 0;
  if (first >> 6 !== 2) return false;
  const second = bytes[1] ?? 0;
  if (second >= 192 && second <= 223) return false;

  let start = RTP_HEADER_BYTES + (first & 0x0f) * 4;
  if (first & 0x10) {
    if (start + 4 > length) return false;
    start += 4 + (((bytes[start + 2] ?? 0) << 8) | (bytes[start + 3] ?? 0)) * 4;
  }
  let end = length;
  if (first & 0x20) {
    const padding = bytes[length - 1] ?? 0;
    if (padding === 0) return false;
    end -= padding;
  }
  if (start >= end) return false;

  view.payloadType = second & 0x7f;
  view.marker = (second & 0x80) !== 0;
  view.sequence = ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
  view.timestamp = uint32(bytes, 4);
  view.ssrc = uint32(bytes, 8);
  view.start = start;
  view.end = end;
  return true;
}

/** Writes a plain 12-byte header; `packet` needs at least that many bytes. */
export function writeRtpHeader(
  packet: Uint8Array,
  payloadType: number,
  marker: boolean,
  sequence: number,
  timestamp: number,
  ssrc: number,
): void {
  packet[0] = 0x80;
  packet[1] = (marker ? 0x80 : 0) | payloadType;
  packet[2] = sequence >> 8;
  packet[3] = sequence;
  packet[4] = timestamp >>> 24;
  packet[5] = timestamp >>> 16;
  packet[6] = timestamp >>> 8;
  packet[7] = timestamp;
  packet[8] = ssrc >>> 24;
  packet[9] = ssrc >>> 16;
  packet[10] = ssrc >>> 8;
  packet[11] = ssrc;
}

/** How far `to` lies after `from` on the 32-bit RTP clock; negative when it lies before. */
export function clockDistance(from: number, to: number): number {
  return (to - from) | 0;
}

/** The same on the 16-bit sequence: -32768 to 32767. */
export function sequenceDistance(from: number, to: number): number {
  return ((to - from) << 16) >> 16;
}
