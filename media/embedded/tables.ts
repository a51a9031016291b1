import { pcmaToPcmu, pcmuToPcma } from '../codec/g711.js';
import type { Codec } from '../sdp/remote.js';

const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => byte);
const TO_PCMA = pcmuToPcma(EVERY_BYTE);
const TO_PCMU = pcmaToPcmu(EVERY_BYTE);

/** The byte-for-byte translation between two codecs; null when they are the same. */
export function translation(from: Codec, to: Codec): Uint8Array | null {
  if (from === to) return null;
  return to === 'PCMA' ? TO_PCMA : TO_PCMU;
}

/** A sample of silence (ITU-T G.711: smallest positive value). */
export const SILENCE: Readonly<Record<Codec, number>> = { PCMU: 0xff, PCMA: 0xd5 };
