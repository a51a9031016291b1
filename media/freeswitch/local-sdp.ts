import { MediaError } from '../media-server.js';
import type { CryptoLine } from '../sdp/crypto.js';
import { type Direction, readRemoteSdp } from '../sdp/remote.js';
import type { AgreedAudio } from '../sdp/session.js';

/** What FreeSWITCH says about its side of a channel. */
export interface LocalAudio {
  readonly address: string;
  readonly port: number;
  readonly direction: Direction;
  /** Its SRTP key; null for plain RTP. */
  readonly crypto: CryptoLine | null;
}

/** Throws MediaError `engine-lost` when it is nothing that a call can go on with. */
export function readLocalSdp(sdp: string): LocalAudio {
  try {
    const audio = readRemoteSdp(sdp).find((section) => section.audio !== null)?.audio;
    if (audio?.address) {
      const { address, port, direction, crypto } = audio;
      return { address, port, direction, crypto: crypto?.[0] ?? null };
    }
  } catch {
    // Told below, in words that quote nothing.
  }
  throw new MediaError('engine-lost', 'FreeSWITCH answered with an SDP that holds no usable audio');
}

/**
 * FreeSWITCH's answer to this far side. Throws MediaError `insecure` when SRTP is not answered with SRTP of the same suite:
 * FreeSWITCH answers with plain RTP, or with the suite of before, where it cannot do what is offered.
 */
export function readAnswer(sdp: string, { srtp }: AgreedAudio): LocalAudio {
  const local = readLocalSdp(sdp);
  if (srtp?.suite === local.crypto?.suite) return local;
  throw new MediaError('insecure', 'FreeSWITCH did not answer SRTP with SRTP');
}

/** FreeSWITCH sends nothing, by its own words. */
export function isHeld({ direction }: LocalAudio): boolean {
  return direction === 'inactive' || direction === 'recvonly';
}
