import { isIPv6 } from 'node:net';
import { PAYLOAD_TYPES, type PhoneCodec } from './g711.js';
import { KEY_BYTES, SUITE } from './srtp.js';

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** What one side of a call says about its audio. */
export interface PhoneSdp {
  readonly address: string;
  readonly port: number;
  /** In order of preference. */
  readonly codecs: readonly PhoneCodec[];
  /** RTP payload type of telephone-event/8000, or null without. */
  readonly eventPayloadType: number | null;
  readonly direction: Direction;
  /** Its SRTP key and the tag of the `a=crypto` line (RFC 4568); null for plain RTP. */
  readonly crypto: { readonly tag: number; readonly key: Uint8Array } | null;
}

/** Writes an SDP body (RFC 8866). `version` counts up with every change (RFC 3264 section 8). */
export function writeSdp(sdp: PhoneSdp, version: number): string {
  const types = sdp.codecs.map((codec) => PAYLOAD_TYPES[codec]);
  const events = sdp.eventPayloadType;
  const place = `IN ${isIPv6(sdp.address) ? 'IP6' : 'IP4'} ${sdp.address}`;
  const lines = [
    'v=0',
    `o=phone 1 ${version} ${place}`,
    's=-',
    `c=${place}`,
    't=0 0',
    `m=audio ${sdp.port} ${sdp.crypto ? 'RTP/SAVP' : 'RTP/AVP'} ${[...types, ...(events === null ? [] : [events])].join(' ')}`,
    ...sdp.codecs.map((codec) => `a=rtpmap:${PAYLOAD_TYPES[codec]} ${codec}/8000`),
    ...(events === null ? [] : [`a=rtpmap:${events} telephone-event/8000`, `a=fmtp:${events} 0-15`]),
    ...(sdp.crypto
      ? [`a=crypto:${sdp.crypto.tag} ${SUITE} inline:${Buffer.from(sdp.crypto.key).toString('base64')}`]
      : []),
    'a=ptime:20',
    `a=${sdp.direction}`,
  ];
  return `${lines.join('\r\n')}\r\n`;
}

/** Reads the audio part of an SDP body. Throws when there is none, no G.711 in it, or SRTP without a key of {@link SUITE}. */
export function readSdp(body: string): PhoneSdp {
  const lines = body.split(/\r?\n/);
  const start = lines.findIndex((line) => line.startsWith('m=audio '));
  if (start < 0) throw new Error('no m=audio in the SDP');
  const next = lines.findIndex((line, index) => index > start && line.startsWith('m='));
  const audio = lines.slice(start, next < 0 ? undefined : next);
  const session = lines.slice(
    0,
    lines.findIndex((line) => line.startsWith('m=')),
  );
  const find = (prefix: string) =>
    (audio.find((line) => line.startsWith(prefix)) ?? session.find((line) => line.startsWith(prefix)))?.slice(
      prefix.length,
    );

  const [port, , ...types] = (audio[0]?.slice('m=audio '.length) ?? '').split(' ').map(Number);
  const maps = new Map(
    audio.flatMap((line) => {
      const map = /^a=rtpmap:(\d+) ([^/]+)\/8000/i.exec(line);
      return map ? [[Number(map[1]), map[2]?.toUpperCase()]] : [];
    }),
  );
  const codecs = types.flatMap((type) =>
    type === 0 ? ['PCMU' as const] : type === 8 ? ['PCMA' as const] : [],
  );
  if (codecs.length === 0) throw new Error('neither PCMU nor PCMA in the SDP');
  const directions: readonly Direction[] = ['sendonly', 'recvonly', 'inactive'];
  return {
    address: find('c=IN IP4 ')?.trim() ?? '0.0.0.0',
    port: port ?? 0,
    codecs,
    eventPayloadType: types.find((type) => maps.get(type) === 'TELEPHONE-EVENT') ?? null,
    crypto: readCrypto(audio),
    direction: directions.find((direction) => find(`a=${direction}`) !== undefined) ?? 'sendrecv',
  };
}

function readCrypto(audio: readonly string[]): PhoneSdp['crypto'] {
  const profile = audio[0]?.split(' ')[2];
  if (profile === 'RTP/AVP' || profile === 'RTP/AVPF') return null;
  for (const line of audio) {
    const [, tag, base64 = ''] = new RegExp(`^a=crypto:(\\d+) ${SUITE} inline:([^| ]+)`).exec(line) ?? [];
    const key = Buffer.from(base64, 'base64');
    if (tag !== undefined && key.length === KEY_BYTES) return { tag: Number(tag), key };
  }
  throw new Error(`no usable key for ${profile}`);
}

/** True when someone who says this wants to be sent audio. */
export function listens(sdp: PhoneSdp): boolean {
  return (
    sdp.port !== 0 &&
    sdp.address !== '0.0.0.0' &&
    (sdp.direction === 'sendrecv' || sdp.direction === 'recvonly')
  );
}

/** The direction to answer with (RFC 3264 section 6.1), given what we would like. */
export function answerDirection(offered: Direction, wanted: Direction): Direction {
  const send =
    (offered === 'sendrecv' || offered === 'recvonly') && (wanted === 'sendrecv' || wanted === 'sendonly');
  const receive =
    (offered === 'sendrecv' || offered === 'sendonly') && (wanted === 'sendrecv' || wanted === 'recvonly');
  if (send && receive) return 'sendrecv';
  return send ? 'sendonly' : receive ? 'recvonly' : 'inactive';
}
