import { isIPv4 } from 'node:net';
import { type MediaDescription, parse, type SessionDescription } from 'sdp-transform';
import { MediaError } from '../media-server.js';
import { type CryptoLine, readCryptoLines } from './crypto.js';

/** Limits on what a stranger may send; real offers with video and ICE stay well below. */
const LONGEST_SDP = 16_384;
const MOST_LINES = 400;
const MOST_MEDIA = 16;
const MOST_FORMATS = 64;

const PLAIN = /^RTP\/AVPF?$/;
const SECURE = /^RTP\/SAVPF?$/;

export type Codec = 'PCMU' | 'PCMA';
export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** One format of the far end's audio that we speak. */
export interface RemoteFormat {
  readonly payloadType: number;
  readonly kind: Codec | 'telephone-event';
  /** `a=fmtp` of a telephone-event, as sent. */
  readonly parameters: string | null;
}

/** One m-section. `audio` is null when it cannot be used: other media, other profile, no codec of ours, port 0. */
export interface RemoteSection {
  readonly type: string;
  readonly protocol: string;
  readonly formats: string;
  readonly port: number;
  readonly audio: RemoteAudio | null;
  /** What keeps audio under SRTP from being used, or null. */
  readonly srtpFault: 'dtls' | 'no-crypto' | null;
}

export interface RemoteAudio {
  /** Where the far end wants RTP; null for 0.0.0.0, the hold of RFC 2543. */
  readonly address: string | null;
  readonly port: number;
  readonly direction: Direction;
  /** In the far end's order of preference; at least one is a codec. */
  readonly formats: readonly RemoteFormat[];
  /** The usable keys of a section under SRTP, none with `no-crypto`; null under plain RTP, whatever `a=crypto` says there. */
  readonly crypto: readonly CryptoLine[] | null;
}

function bad(message: string): MediaError {
  return new MediaError('bad-sdp', message);
}

/**
 * Reads an SDP body (RFC 8866) that comes from a stranger. Throws MediaError `bad-sdp` when it is no SDP,
 * beyond the limits, or names an address that RTP must not be sent to.
 */
export function readRemoteSdp(text: string): RemoteSection[] {
  if (text.length > LONGEST_SDP) throw bad(`the SDP is longer than ${LONGEST_SDP} characters`);
  if (text.split('\n').length > MOST_LINES) throw bad(`the SDP has more than ${MOST_LINES} lines`);
  if (!/^v=0\r?\n/.test(text)) throw bad('the SDP does not begin with v=0');
  const session = parse(text);
  if (session.media.length === 0) throw bad('the SDP has no media section');
  if (session.media.length > MOST_MEDIA) throw bad(`the SDP has more than ${MOST_MEDIA} media sections`);
  const crypto = readCryptoLines(text);
  return session.media.map((media, at) => readSection(session, media, crypto[at] ?? []));
}

function readSection(
  session: SessionDescription,
  media: MediaDescription,
  lines: readonly CryptoLine[],
): RemoteSection {
  const { type, port, protocol } = media;
  if (typeof type !== 'string' || type === '' || typeof port !== 'number' || !protocol) {
    throw bad('an m= line is malformed');
  }
  if (port > 65_535) throw bad('an m= line has a port above 65535');
  // sdp-transform hands over a single format as a number.
  const formats = String(media.payloads ?? '').trim();
  if (formats.split(/\s+/).length > MOST_FORMATS)
    throw bad(`more than ${MOST_FORMATS} formats in one m= line`);
  const wanted = type === 'audio' && port !== 0 && formats !== '';
  const srtpFault = wanted ? faultOf(session, media, lines) : null;
  const usable = wanted && srtpFault !== 'dtls' && (PLAIN.test(protocol) || SECURE.test(protocol));
  const crypto = SECURE.test(protocol) ? lines : null;
  const audio = usable ? readAudio(session, media, formats, crypto) : null;
  return { type, protocol, formats, port, audio, srtpFault };
}

function faultOf(
  session: SessionDescription,
  media: MediaDescription,
  lines: readonly CryptoLine[],
): RemoteSection['srtpFault'] {
  // sdp-transform makes a number of what looks like one.
  if (/^UDP\/TLS\/RTP\//.test(media.protocol)) return 'dtls';
  if (!SECURE.test(media.protocol) || lines.length > 0) return null;
  return (media.fingerprint ?? session.fingerprint) ? 'dtls' : 'no-crypto';
}

function readAudio(
  session: SessionDescription,
  media: MediaDescription,
  list: string,
  crypto: readonly CryptoLine[] | null,
): RemoteAudio | null {
  const formats = readFormats(media, list);
  if (!formats.some((format) => format.kind !== 'telephone-event')) return null;
  const connection = media.connection ?? session.connection;
  if (!connection) throw bad('there is no c= line for the audio');
  if (connection.version !== 4) return null;
  return {
    address: readAddress(String(connection.ip)),
    port: media.port,
    direction: media.direction ?? session.direction ?? 'sendrecv',
    formats,
    crypto,
  };
}

function readAddress(address: string): string | null {
  if (address === '0.0.0.0') return null;
  if (!isIPv4(address)) throw bad('the c= line holds no IPv4 address');
  const first = Number(address.slice(0, address.indexOf('.')));
  if (first === 0 || first >= 224) throw bad('the c= line holds a multicast or reserved address');
  return address;
}

function readFormats(media: MediaDescription, list: string): RemoteFormat[] {
  const formats: RemoteFormat[] = [];
  for (const token of list.split(/\s+/)) {
    const payloadType = /^\d{1,3}$/.test(token) ? Number(token) : 128;
    if (payloadType > 127 || formats.some((format) => format.payloadType === payloadType)) continue;
    const kind = kindOf(media, payloadType);
    if (kind === null) continue;
    const parameters = media.fmtp.find((line) => line.payload === payloadType)?.config ?? null;
    formats.push({ payloadType, kind, parameters: kind === 'telephone-event' ? parameters : null });
  }
  return formats;
}

function kindOf(media: MediaDescription, payloadType: number): RemoteFormat['kind'] | null {
  const map = media.rtp.find((line) => line.payload === payloadType);
  if (!map) {
    // Static payload types need no rtpmap (RFC 3551 section 6).
    if (payloadType === 0) return 'PCMU';
    return payloadType === 8 ? 'PCMA' : null;
  }
  if (map.rate !== 8000 || (map.encoding !== undefined && Number(map.encoding) !== 1)) return null;
  const name = String(map.codec).toUpperCase();
  if (name === 'PCMU' || name === 'PCMA') return name;
  return name === 'TELEPHONE-EVENT' ? 'telephone-event' : null;
}
