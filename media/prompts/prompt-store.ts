import type { AudioItem, AudioLoop } from '../endpoint.js';
import { AudioThread, type AudioThreadOptions } from './audio-thread.js';
import { type EncodedPrompt, toPrompt } from './encoded-prompt.js';
import type { Voice } from './flite.js';
import { PromptMemory } from './prompt-memory.js';
import { SpeechCache, speechKey } from './speech-cache.js';
import { speakable } from './speech-text.js';
import { WavFiles } from './wav-files.js';

export type { EncodedPrompt } from './encoded-prompt.js';

export interface PromptStoreOptions {
  /** Where prepared texts are kept as 8 kHz WAV files; created when the first one is. */
  readonly directory: string;
  /** Default `kal`. */
  readonly voice?: Voice;
  /** Seconds of speech rendered during calls that stay in memory (16 KB each). Default 1,000. */
  readonly memorySeconds?: number;
  readonly thread?: AudioThreadOptions;
  /** Milliseconds on a clock that never goes back. Default `performance.now`. */
  readonly now?: () => number;
}

export interface ResolveOptions {
  /** The text is known ahead and holds no data of a caller: it may be kept in a file. Default false. */
  readonly persist?: boolean;
}

/**
 * Every prompt, encoded once and shared by all calls. Texts given to {@link prepare} are kept as WAV files
 * and in memory; a text first seen by {@link resolve} may hold a caller's data, so it is rendered in memory,
 * never in a file, known by its hash only, and forgotten when room is needed.
 */
export class PromptStore {
  readonly #voice: Voice;
  readonly #thread: AudioThread;
  readonly #cache: SpeechCache;
  readonly #files: WavFiles;
  /** Texts of {@link prepare}, by key, until they are released. */
  readonly #prepared = new Map<string, EncodedPrompt>();
  readonly #spoken: PromptMemory;
  /** Renderings under way, by key: callers who ask for the same text share one. */
  readonly #pending = new Map<string, Promise<EncodedPrompt>>();
  readonly #loops = new Map<AudioLoop, EncodedPrompt>();

  constructor(options: PromptStoreOptions) {
    this.#voice = options.voice ?? 'kal';
    this.#thread = new AudioThread(options.thread);
    this.#cache = new SpeechCache(options.directory);
    this.#files = new WavFiles(this.#thread, options.now ?? (() => performance.now()));
    this.#spoken = new PromptMemory((options.memorySeconds ?? 1000) * 8000);
  }

  /**
   * The items, ready to be sent, in their order. Rejects with MediaError `bad-audio` that names the file,
   * or says what is wrong with a text without quoting it.
   */
  resolve(items: readonly AudioItem[], options: ResolveOptions = {}): Promise<EncodedPrompt[]> {
    return Promise.all(items.map((item) => this.#resolve(item, options.persist ?? false)));
  }

  /** An endless source: play it again from its start whenever it ends. */
  async loop(name: AudioLoop): Promise<EncodedPrompt> {
    return this.#loops.get(name) ?? this.#once(`loop ${name}`, () => this.#renderLoop(name));
  }

  /** Renders what flows play, one after the other; texts are spoken only when the directory lacks them. */
  async prepare(
    items: readonly AudioItem[],
    onProgress?: (done: number, total: number) => void,
  ): Promise<void> {
    let done = 0;
    for (const item of items) {
      await this.#resolve(item, true);
      done += 1;
      onProgress?.(done, items.length);
    }
  }

  /** Gives the memory of prepared texts back. Their files stay: they may be playing, and serve when they are prepared again. */
  release(items: readonly AudioItem[]): void {
    for (const item of items) {
      if ('text' in item) this.#prepared.delete(speechKey(this.#voice, speakable(item.text)));
    }
  }

  /** The WAV file of an item: its own, or the one a prepared text is kept in; null for other texts. */
  wavPath(item: AudioItem): string | null {
    if ('file' in item) return item.file;
    const key = speechKey(this.#voice, speakable(item.text));
    return this.#prepared.has(key) ? this.#cache.path(key) : null;
  }

  /** Rejects what is being rendered with `closed`, ends the thread and forgets everything. Idempotent. */
  async close(): Promise<void> {
    await this.#thread.close();
    this.#prepared.clear();
    this.#spoken.clear();
    this.#files.clear();
    this.#loops.clear();
  }

  async #resolve(item: AudioItem, persist: boolean): Promise<EncodedPrompt> {
    if ('file' in item) return this.#files.load(item.file);
    const text = speakable(item.text);
    const key = speechKey(this.#voice, text);
    const known = this.#prepared.get(key) ?? (persist ? undefined : this.#spoken.get(key));
    if (known) return known;
    return persist
      ? this.#once(`file ${key}`, () => this.#keep(key, text))
      : this.#once(key, () => this.#speakInMemory(key, text));
  }

  #once(key: string, render: () => Promise<EncodedPrompt>): Promise<EncodedPrompt> {
    const pending = this.#pending.get(key);
    if (pending) return pending;
    const rendering = render().finally(() => this.#pending.delete(key));
    this.#pending.set(key, rendering);
    return rendering;
  }

  async #renderLoop(name: AudioLoop): Promise<EncodedPrompt> {
    const prompt = toPrompt(await this.#thread.run({ do: 'loop', loop: name }));
    this.#loops.set(name, prompt);
    return prompt;
  }

  async #speakInMemory(key: string, text: string): Promise<EncodedPrompt> {
    const prompt = toPrompt(await this.#thread.run({ do: 'speak', text, voice: this.#voice }));
    this.#spoken.set(key, prompt);
    return prompt;
  }

  async #keep(key: string, text: string): Promise<EncodedPrompt> {
    const prompt = (await this.#readKept(key)) ?? (await this.#speakIntoFile(key, text));
    this.#prepared.set(key, prompt);
    this.#spoken.delete(key);
    return prompt;
  }

  /** Null when the file is not there or damaged: then the text is spoken anew. */
  async #readKept(key: string): Promise<EncodedPrompt | null> {
    const bytes = await this.#cache.read(key);
    if (!bytes) return null;
    const name = this.#cache.path(key);
    return this.#thread.run({ do: 'read', bytes, name }).then(toPrompt, () => null);
  }

  async #speakIntoFile(key: string, text: string): Promise<EncodedPrompt> {
    const audio = await this.#thread.run({ do: 'speak', text, voice: this.#voice });
    if (audio.wav) await this.#cache.write(key, audio.wav);
    return toPrompt(audio);
  }
}
