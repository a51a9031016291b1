import { encodePcma, encodePcmu } from '../codec/g711.js';

/** Audio ready to be sent: encoded once, in shared memory, so that every call and every thread reads the same bytes. */
export interface EncodedPrompt {
  /** Unique in this process. */
  readonly id: number;
  /** Length, at 8,000 samples per second. */
  readonly samples: number;
  /** One byte per sample, backed by a SharedArrayBuffer. */
  readonly pcmu: Uint8Array;
  /** One byte per sample, backed by a SharedArrayBuffer. */
  readonly pcma: Uint8Array;
}

/** The bytes of an {@link EncodedPrompt}, before it has an identity. */
export type EncodedAudio = Pick<EncodedPrompt, 'pcmu' | 'pcma'>;

/** Encodes 8 kHz mono samples. */
export function encodeAudio(pcm: Int16Array): EncodedAudio {
  const shared = (): Uint8Array => new Uint8Array(new SharedArrayBuffer(pcm.length));
  return { pcmu: encodePcmu(pcm, shared()), pcma: encodePcma(pcm, shared()) };
}

let lastId = 0;

export function toPrompt(audio: EncodedAudio): EncodedPrompt {
  lastId += 1;
  return { id: lastId, samples: audio.pcmu.length, pcmu: audio.pcmu, pcma: audio.pcma };
}
