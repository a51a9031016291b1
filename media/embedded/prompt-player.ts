import type { PlayOutcome } from '../endpoint.js';
import type { EncodedPrompt } from '../prompts/prompt-store.js';
import type { Codec } from '../sdp/remote.js';

/** Reads prompts one after the other, frame by frame; the codec may change at any frame. */
export class PromptPlayer {
  readonly #onEnd: (playId: number, outcome: PlayOutcome) => void;
  #prompts: readonly EncodedPrompt[] | null = null;
  #playId = 0;
  #index = 0;
  #position = 0;
  #endless = false;
  /** A key press of the far end interrupts. */
  bargeIn = false;

  constructor(onEnd: (playId: number, outcome: PlayOutcome) => void = () => {}) {
    this.#onEnd = onEnd;
  }

  get playing(): boolean {
    return this.#prompts !== null;
  }

  /** Replaces what is playing, which ends as `interrupted`. */
  play(playId: number, prompts: readonly EncodedPrompt[], bargeIn = false): void {
    this.end('interrupted');
    this.#prompts = prompts;
    this.#playId = playId;
    this.#index = 0;
    this.#position = 0;
    this.bargeIn = bargeIn;
    if (!prompts.some((prompt) => prompt.samples > 0)) this.end('finished');
  }

  playEndlessly(prompt: EncodedPrompt): void {
    this.play(0, [prompt]);
    this.#endless = true;
  }

  /** Stops, and says so; no-op when nothing plays. */
  end(outcome: PlayOutcome): void {
    if (this.#prompts === null) return;
    this.stop();
    this.#onEnd(this.#playId, outcome);
  }

  /** Stops for somebody who needs not be told. */
  stop(): void {
    this.#prompts = null;
    this.#endless = false;
  }

  /** Writes the next `length` samples to `target[at..]`, silence after the last one. False when nothing plays. */
  fill(target: Uint8Array, at: number, length: number, codec: Codec, silence: number): boolean {
    if (this.#prompts === null) return false;
    let done = 0;
    while (done < length) {
      const prompt = this.#prompts[this.#index];
      if (!prompt) break;
      const bytes = codec === 'PCMU' ? prompt.pcmu : prompt.pcma;
      const count = Math.min(length - done, prompt.samples - this.#position);
      target.set(bytes.subarray(this.#position, this.#position + count), at + done);
      done += count;
      this.#position += count;
      if (this.#position >= prompt.samples) this.#next();
    }
    const over = this.#index >= this.#prompts.length;
    for (let i = done; i < length; i += 1) target[at + i] = silence;
    if (over) this.end('finished');
    return true;
  }

  #next(): void {
    this.#position = 0;
    this.#index += 1;
    if (this.#endless) this.#index = 0;
  }
}
