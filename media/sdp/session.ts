import { type MediaDescription, type SessionDescription, write } from 'sdp-transform';
import { MediaError } from '../media-server.js';
import type { SrtpKeys } from '../rtp/srtp-suites.js';
import { type CryptoLine, inlineKey } from './crypto.js';
import { type Codec, type Direction, type RemoteAudio, type RemoteSection, readRemoteSdp } from './remote.js';
import { Sdes } from './sdes.js';

export type PayloadKind = Codec | 'telephone-event';

/** What both sides agreed on, as the RTP side needs it. */
export interface AgreedAudio {
  /** Where to send; null while the far end's address is 0.0.0.0. */
  readonly address: string | null;
  readonly port: number;
  /** What we send. */
  readonly codec: Codec;
  readonly payloadType: number;
  /** Payload type of telephone-event towards the far end; null when it takes none. */
  readonly eventPayloadType: number | null;
  /** What may arrive, by payload type. */
  readonly receive: readonly (readonly [payloadType: number, kind: PayloadKind])[];
  /** The far end wants to hear us. */
  readonly sending: boolean;
  /** The far end may send. */
  readonly receiving: boolean;
  /** Absent on a leg with plain RTP. */
  readonly srtp?: SrtpKeys;
}

export interface SdpSessionOptions {
  /** Address written into our SDP. */
  readonly address: string;
  readonly port: number;
  /** `o=` session identifier: digits only. */
  readonly sessionId: string;
  /** What we offer, best first. */
  readonly codecs: readonly Codec[];
  /** Nothing but SRTP, in offers and answers. */
  readonly srtpRequired: boolean;
  /** So many bytes of a cryptographic random source, for SRTP keys; null where there can be no key of this length. */
  readonly newKey: (bytes: number) => Uint8Array | null;
}

/** An answer or an accepted answer that takes effect when {@link commit} is called, and leaves no trace when not. */
export interface Negotiation {
  readonly audio: AgreedAudio;
  /** Our answer; empty when the far end answered. */
  readonly sdp: string;
  commit(): void;
}

const STATIC_PAYLOAD_TYPE: Readonly<Record<Codec, number>> = { PCMU: 0, PCMA: 8 };
const EVENT_PAYLOAD_TYPE = 101;
const EVENT_PARAMETERS = '0-15';
const MIRROR: Readonly<Record<Direction, Direction>> = {
  sendrecv: 'sendrecv',
  sendonly: 'recvonly',
  recvonly: 'sendonly',
  inactive: 'inactive',
};

interface LocalFormat {
  readonly payloadType: number;
  readonly kind: PayloadKind;
}

/** Our side of one dialog's offers and answers (RFC 3264), any number of them, in either direction. Pure: no sockets, no clock. */
export class SdpSession {
  readonly #options: SdpSessionOptions;
  /** The media sections of our last SDP; equal ones keep the version (RFC 3264 section 8). */
  #lastMedia = '';
  #version = 0;
  /** The m-sections of the dialog, which later offers must repeat in order. */
  #sections: readonly RemoteSection[] = [];
  /** Which of them is the audio. */
  #audioAt = 0;
  readonly #sdes: Sdes;
  #formats: readonly LocalFormat[];
  #offered: readonly LocalFormat[] | null = null;

  constructor(options: SdpSessionOptions) {
    this.#options = options;
    this.#sdes = new Sdes({ required: options.srtpRequired, newKey: options.newKey });
    this.#formats = [
      ...options.codecs.map((kind) => ({ kind, payloadType: STATIC_PAYLOAD_TYPE[kind] })),
      { kind: 'telephone-event', payloadType: EVENT_PAYLOAD_TYPE },
    ];
  }

  /**
   * Throws MediaError `bad-sdp`; `no-common-codec` or `unsupported-srtp` when no section can be used; `insecure` when
   * SRTP is needed and not offered. Plain RTP that says `a=crypto` is answered as plain RTP: the answer has the offer's
   * profile (RFC 3264 section 6.1), and under RTP/AVP there is no SRTP (RFC 4568 section 5).
   */
  answer(offer: string): Negotiation {
    const sections = readRemoteSdp(offer);
    const { index, audio } = pickAudio(sections, this.#sdes.needed);
    const srtp = audio.crypto && this.#sdes.answer(audio.crypto);
    const formats = audio.formats.filter((format) => isOurs(format.kind, this.#options.codecs));
    const direction = answerDirection(audio);
    const media = sections.map((section, at) =>
      at === index
        ? {
            ...this.#audioSection(section.protocol, formats, direction, eventParameters(audio)),
            ...cryptoLines(srtp ? [srtp.line] : []),
          }
        : rejected(section),
    );
    const { sdp, remember } = this.#render(media);
    const commit = () => {
      remember();
      srtp?.commit();
      this.#sections = sections;
      this.#audioAt = index;
      this.#formats = this.#keepTypes(formats);
      this.#offered = null;
    };
    return { audio: agree(audio, formats, formats, srtp?.keys), sdp, commit };
  }

  /**
   * Everything we speak, in both directions; sections that the dialog already has stay, rejected. `remoteSdp` brings the
   * sections and payload types of a dialog that was negotiated elsewhere; one with SRTP
   * stays with SRTP. Throws like {@link answer} when it has no audio.
   */
  offer(remoteSdp?: string): string {
    if (remoteSdp !== undefined) this.#takeOver(readRemoteSdp(remoteSdp));
    const formats = this.#formats;
    const lines = this.#sdes.offer();
    const ours = (protocol: string) => ({
      ...this.#audioSection(protocol, formats, 'sendrecv', EVENT_PARAMETERS),
      ...cryptoLines(lines),
    });
    const media =
      this.#sections.length === 0
        ? [ours(lines.length > 0 ? 'RTP/SAVP' : 'RTP/AVP')]
        : this.#sections.map((section, at) =>
            at === this.#audioAt ? ours(section.protocol) : rejected(section),
          );
    const { sdp, remember } = this.#render(media);
    remember();
    this.#offered = formats;
    return sdp;
  }

  /** Throws like {@link answer}, and `bad-sdp` when no offer is outstanding. */
  acceptAnswer(answer: string): Negotiation {
    const offered = this.#offered;
    if (!offered) throw new MediaError('bad-sdp', 'there is no offer that this could answer');
    const sections = readRemoteSdp(answer);
    if (sections.length !== Math.max(1, this.#sections.length)) {
      throw new MediaError('bad-sdp', 'the answer has another number of media sections than the offer');
    }
    const { index, audio } = pickAudio(sections, this.#sdes.needed);
    if (audio.crypto && !this.#sdes.needed) {
      throw new MediaError('bad-sdp', 'the answer has another profile than the offer');
    }
    const srtp = audio.crypto && this.#sdes.acceptAnswer(audio.crypto);
    const formats = audio.formats.filter((format) => offered.some((ours) => ours.kind === format.kind));
    const commit = () => {
      srtp?.commit();
      this.#sections = sections;
      this.#audioAt = index;
      this.#offered = null;
    };
    return { audio: agree(audio, formats, offered, srtp?.keys), sdp: '', commit };
  }

  /** Zeroes the keys. */
  close(): void {
    this.#sdes.close();
  }

  #takeOver(sections: readonly RemoteSection[]): void {
    const { index, audio } = pickAudio(sections, this.#sdes.needed, true);
    if (audio.crypto) this.#sdes.require();
    this.#sections = sections;
    this.#audioAt = index;
    this.#formats = this.#keepTypes(
      audio.formats.filter((format) => isOurs(format.kind, this.#options.codecs)),
    );
  }

  /** The types an offerer chose stay bound to their formats for the dialog (RFC 3264 section 8.3.2). */
  #keepTypes(agreed: readonly LocalFormat[]): LocalFormat[] {
    const added = this.#formats.filter((ours) => !agreed.some((format) => format.kind === ours.kind));
    const taken = new Set(agreed.map((format) => format.payloadType));
    return [
      ...agreed,
      ...added.map((format) => {
        let { payloadType } = format;
        while (taken.has(payloadType)) payloadType = payloadType < 96 ? 96 : payloadType + 1;
        taken.add(payloadType);
        return { kind: format.kind, payloadType };
      }),
    ];
  }

  #audioSection(
    protocol: string,
    formats: readonly LocalFormat[],
    direction: Direction,
    parameters: string,
  ): MediaDescription {
    const events = formats.filter((format) => format.kind === 'telephone-event');
    return {
      type: 'audio',
      port: this.#options.port,
      protocol,
      payloads: formats.map((format) => format.payloadType).join(' '),
      rtp: formats.map(({ payloadType, kind }) => ({ payload: payloadType, codec: kind, rate: 8000 })),
      fmtp: events.map(({ payloadType }) => ({ payload: payloadType, config: parameters })),
      ptime: 20,
      direction,
    };
  }

  #render(media: MediaDescription[]): { sdp: string; remember: () => void } {
    const { address, sessionId } = this.#options;
    // What the text is made of, not the text: the library would have to write that twice.
    const written = JSON.stringify(media);
    const version = written === this.#lastMedia ? this.#version : this.#version + 1;
    const remember = () => {
      this.#lastMedia = written;
      this.#version = version;
    };
    const description: SessionDescription = {
      version: 0,
      origin: { username: '-', sessionId, sessionVersion: version, netType: 'IN', ipVer: 4, address },
      name: 'tacet',
      connection: { version: 4, ip: address },
      timing: { start: 0, stop: 0 },
      media,
    };
    return { sdp: write(description), remember };
  }
}

function isOurs(kind: PayloadKind, codecs: readonly Codec[]): boolean {
  return kind === 'telephone-event' || codecs.includes(kind);
}

/** The first section that can be used, one with SRTP before the others; `keyless`: even one whose keys are none of ours. */
function pickAudio(
  sections: readonly RemoteSection[],
  secure: boolean,
  keyless = false,
): { index: number; audio: RemoteAudio } {
  const usable = sections.map(({ audio, srtpFault }) => (srtpFault === null || keyless ? audio : null));
  const secured = usable.findIndex((audio) => audio?.crypto);
  const index = secured >= 0 ? secured : usable.findIndex((audio) => audio !== null);
  const audio = usable[index];
  if (audio && secure && !audio.crypto) {
    throw new MediaError('insecure', 'plain RTP is refused: this leg has SRTP, or must have it');
  }
  if (!audio) {
    const fault = sections.find((section) => section.srtpFault !== null)?.srtpFault;
    if (fault) throw new MediaError('unsupported-srtp', SRTP_FAULTS[fault]);
    throw new MediaError(
      'no-common-codec',
      'no audio section can be used: needed are RTP/AVP over IPv4 and PCMU or PCMA at 8000 Hz',
    );
  }
  return { index, audio };
}

const SRTP_FAULTS = {
  dtls: 'DTLS-SRTP is not spoken: SRTP needs its keys in a=crypto lines (SDES)',
  'no-crypto':
    'the SRTP offered has no usable a=crypto line: needed is AES_CM_128_HMAC_SHA1_80 or AEAD_AES_128_GCM, without MKI',
} as const;

function cryptoLines(lines: readonly CryptoLine[]): Pick<MediaDescription, 'crypto'> {
  if (lines.length === 0) return {};
  return {
    crypto: lines.map(({ tag, suite, key }) => ({ id: tag, suite, config: `inline:${inlineKey(key)}` })),
  };
}

/** A section we do not take: port 0, its formats repeated (RFC 3264 section 6). */
function rejected(section: RemoteSection): MediaDescription {
  return {
    type: section.type,
    port: 0,
    protocol: section.protocol,
    payloads: section.formats || '0',
    rtp: [],
    fmtp: [],
  };
}

function answerDirection(audio: RemoteAudio): Direction {
  const mirrored = MIRROR[audio.direction];
  if (audio.address !== null) return mirrored;
  return mirrored === 'sendrecv' || mirrored === 'recvonly' ? 'recvonly' : 'inactive';
}

/** The far end's own event list as far as it is the keys; ours otherwise. */
function eventParameters(audio: RemoteAudio): string {
  const offered = audio.formats.find((format) => format.kind === 'telephone-event')?.parameters;
  return offered === '0-11' ? offered : EVENT_PARAMETERS;
}

function agree(
  audio: RemoteAudio,
  theirs: readonly LocalFormat[],
  ours: readonly LocalFormat[],
  srtp: SrtpKeys | undefined,
): AgreedAudio {
  const voice = theirs.find((format) => format.kind !== 'telephone-event');
  if (!voice || voice.kind === 'telephone-event') {
    throw new MediaError('no-common-codec', 'the answer holds none of the codecs offered');
  }
  const agreedKinds = new Set(theirs.map((format) => format.kind));
  // The far end sends what we listed; some send what they listed themselves, which is taken too.
  const receive = new Map(theirs.map((format) => [format.payloadType, format.kind]));
  for (const format of ours) if (agreedKinds.has(format.kind)) receive.set(format.payloadType, format.kind);
  const { address, direction } = audio;
  return {
    address,
    port: audio.port,
    codec: voice.kind,
    payloadType: voice.payloadType,
    eventPayloadType: theirs.find((format) => format.kind === 'telephone-event')?.payloadType ?? null,
    receive: [...receive],
    sending: address !== null && (direction === 'sendrecv' || direction === 'recvonly'),
    receiving: direction === 'sendrecv' || direction === 'sendonly',
    ...(srtp ? { srtp } : {}),
  };
}
