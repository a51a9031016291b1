import { open } from 'node:fs/promises';
import { MediaError } from '../media-server.js';
import type { AudioThread } from './audio-thread.js';
import { type EncodedPrompt, toPrompt } from './encoded-prompt.js';

/** So long a file that was just looked at is taken to be the same: calls that begin together look once. */
const FRESH_MS = 1000;

/** Larger than an hour of 8 kHz PCM. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

interface Loaded {
  /** Modification time and size the prompt was read at. */
  readonly version: string;
  readonly prompt: Promise<EncodedPrompt>;
  checkedAt: number;
}

/** Recorded prompts by path, decoded once for all calls, and anew at the latest a second after the file changed. */
export class WavFiles {
  readonly #thread: AudioThread;
  readonly #now: () => number;
  readonly #loaded = new Map<string, Loaded>();

  /** `now`: milliseconds on a clock that never goes back. */
  constructor(thread: AudioThread, now: () => number) {
    this.#thread = thread;
    this.#now = now;
  }

  /** Rejects with MediaError `bad-audio` naming the file. */
  load(path: string): Promise<EncodedPrompt> {
    const known = this.#loaded.get(path);
    if (known && this.#now() - known.checkedAt < FRESH_MS) return known.prompt;
    return this.#check(path);
  }

  clear(): void {
    this.#loaded.clear();
  }

  async #check(path: string): Promise<EncodedPrompt> {
    const checkedAt = this.#now();
    const file = await open(path).catch((cause: NodeJS.ErrnoException) => {
      throw new MediaError('bad-audio', `${path}: cannot be opened (${cause.code})`, { cause });
    });
    try {
      const { mtimeMs, size } = await file.stat();
      const version = `${mtimeMs} ${size}`;
      const known = this.#loaded.get(path);
      if (known?.version === version) {
        known.checkedAt = checkedAt;
        return await known.prompt;
      }
      if (size > MAX_FILE_BYTES) {
        throw new MediaError('bad-audio', `${path}: ${size} bytes (at most ${MAX_FILE_BYTES})`);
      }
      const prompt = this.#read(path, file.readFile());
      this.#remember(path, { version, prompt, checkedAt });
      return await prompt;
    } finally {
      await file.close();
    }
  }

  /** A failure is forgotten, so that a repaired file is read even when its times did not change. */
  #remember(path: string, loaded: Loaded): void {
    this.#loaded.set(path, loaded);
    loaded.prompt.catch(() => {
      if (this.#loaded.get(path) === loaded) this.#loaded.delete(path);
    });
  }

  async #read(path: string, content: Promise<Buffer>): Promise<EncodedPrompt> {
    const bytes = await content.catch((cause: NodeJS.ErrnoException) => {
      throw new MediaError('bad-audio', `${path}: cannot be read (${cause.code})`, { cause });
    });
    return toPrompt(await this.#thread.run({ do: 'read', bytes, name: path }));
  }
}
