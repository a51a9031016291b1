import { DtmfDetector } from '../codec/dtmf-detector.js';
import { decodePcma, decodePcmu } from '../codec/g711.js';
import { Resequencer } from '../rtp/resequencer.js';
import type { Codec } from '../sdp/remote.js';

/** Audio that stops coming ends a key after this long. */
const SILENT_MS = 250;
const SILENT_SAMPLES = SILENT_MS * 8;
const LARGEST = 800;

/** Longest time from a tone's start to {@link InBandKeys.keyDown}, reordering included, in ms. */
export const IN_BAND_DELAY_MS = 100;

/** Keys heard as tones in received audio, in order even when packets are not. */
export class InBandKeys {
  readonly #detector: DtmfDetector;
  readonly #order: Resequencer;
  readonly #pcm = new Int16Array(LARGEST);
  #codec: Codec = 'PCMU';

  constructor(onKey: (code: number, durationMs: number) => void, onKeyDown: (code: number) => void) {
    const detector = new DtmfDetector(onKey, onKeyDown);
    this.#detector = detector;
    this.#order = new Resequencer({
      onPayload: (bytes, start, end) => this.#listen(bytes, start, end),
      onLost: (samples) => detector.skip(samples),
    });
  }

  get keyDown(): boolean {
    return this.#detector.keyDown;
  }

  /** Takes `bytes[start..end)` of one packet. */
  push(
    bytes: Uint8Array,
    start: number,
    end: number,
    codec: Codec,
    sequence: number,
    timestamp: number,
  ): void {
    this.#codec = codec;
    this.#order.push(bytes, start, end, sequence, timestamp);
  }

  /** Nothing has come for so long: ends a key whose audio stopped. */
  silence(ms: number): void {
    if (ms > SILENT_MS && this.#detector.keyDown) this.#detector.skip(SILENT_SAMPLES);
  }

  /** The source changed: what comes next does not continue what came before. */
  restart(): void {
    this.#order.reset();
    this.#detector.skip(SILENT_SAMPLES);
  }

  #listen(bytes: Uint8Array, start: number, end: number): void {
    const payload = bytes.subarray(start, end);
    const pcm = this.#pcm.subarray(0, end - start);
    this.#detector.push(this.#codec === 'PCMU' ? decodePcmu(payload, pcm) : decodePcma(payload, pcm));
  }
}
