import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MediaError } from '../media-server.js';

/** Part of every name: change it when the same text would sound different. */
const RENDERING = 'flite 0.1.1, -19 dBm0';

/** Name of one rendering of a text: a hash, so that no text can be read from memory or a directory listing. */
export function speechKey(voice: string, text: string): string {
  return createHash('sha256')
    .update(JSON.stringify([RENDERING, voice, text]))
    .digest('hex')
    .slice(0, 40);
}

/** Rendered texts as 8 kHz WAV files in one directory, written whole or not at all; safe to share by several processes. */
export class SpeechCache {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  path(key: string): string {
    return join(this.#directory, `${key}.wav`);
  }

  /** The file's bytes, or null when it cannot be read. */
  async read(key: string): Promise<Uint8Array | null> {
    return await readFile(this.path(key)).catch(() => null);
  }

  /** Rejects with MediaError `bad-audio` naming the directory when it cannot be written. */
  async write(key: string, wav: Uint8Array): Promise<void> {
    const partial = join(this.#directory, `${key}.${randomUUID()}.wav.tmp`);
    try {
      await mkdir(this.#directory, { recursive: true });
      await writeFile(partial, wav, { flush: true });
      await rename(partial, this.path(key));
    } catch (cause) {
      await rm(partial, { force: true }).catch(() => undefined);
      const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
      throw new MediaError('bad-audio', `prompts cannot be kept in ${this.#directory}: ${reason}`, { cause });
    }
  }
}
