import type { EncodedPrompt } from './encoded-prompt.js';

/** Prompts by key, least recently used out first once they hold more than `maxSamples` together. */
export class PromptMemory {
  readonly #maxSamples: number;
  readonly #prompts = new Map<string, EncodedPrompt>();
  #samples = 0;

  constructor(maxSamples: number) {
    this.#maxSamples = maxSamples;
  }

  get samples(): number {
    return this.#samples;
  }

  get(key: string): EncodedPrompt | undefined {
    const prompt = this.#prompts.get(key);
    if (prompt) {
      // A Map keeps insertion order: the first key is always the least recently used.
      this.#prompts.delete(key);
      this.#prompts.set(key, prompt);
    }
    return prompt;
  }

  set(key: string, prompt: EncodedPrompt): void {
    this.delete(key);
    this.#prompts.set(key, prompt);
    this.#samples += prompt.samples;
    for (const oldest of this.#prompts.keys()) {
      if (this.#samples <= this.#maxSamples) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    this.#samples -= this.#prompts.get(key)?.samples ?? 0;
    this.#prompts.delete(key);
  }

  clear(): void {
    this.#prompts.clear();
    this.#samples = 0;
  }
}
