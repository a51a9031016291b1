import { decode } from '../../test/kit/g711.js';
import { hasTone } from '../../test/kit/spectrum.js';

const AUDIBLE_DBFS = -30;

/** True when this packet of PCMU holds the tone. */
export function sounds(payload: Uint8Array, hz: number): boolean {
  return hasTone(decode('PCMU', payload), hz, AUDIBLE_DBFS);
}

/** Waits for packets with a tone. */
export class ToneWait {
  #hz = 0;
  #heard: ((at: number) => void) | null = null;

  /** For RtpStream.onAudio. */
  readonly onAudio = (payload: Uint8Array, at: number): void => {
    if (this.#heard === null || !sounds(payload, this.#hz)) return;
    const heard = this.#heard;
    this.#heard = null;
    heard(at);
  };

  /** Resolves with the time at which the first packet with the tone arrives from now on. */
  next(hz: number): Promise<number> {
    return new Promise((resolve) => {
      this.#hz = hz;
      this.#heard = resolve;
    });
  }
}
