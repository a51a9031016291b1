import { MediaError } from '../media-server.js';
import { type Direction, readRemoteSdp } from '../sdp/remote.js';

/** What FreeSWITCH says about its side of a channel. */
export interface LocalAudio {
  readonly address: string;
  readonly port: number;
  readonly direction: Direction;
}

/** Throws MediaError `engine-lost` when it is nothing that a call can go on with. */
export function readLocalSdp(sdp: string): LocalAudio {
  try {
    const audio = readRemoteSdp(sdp).find((section) => section.audio !== null)?.audio;
    if (audio?.address) return { address: audio.address, port: audio.port, direction: audio.direction };
  } catch {
    // Told below, in words that quote nothing.
  }
  throw new MediaError('engine-lost', 'FreeSWITCH answered with an SDP that holds no usable audio');
}

/** FreeSWITCH sends nothing, by its own words. */
export function isHeld({ direction }: LocalAudio): boolean {
  return direction === 'inactive' || direction === 'recvonly';
}
