import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { decodePcmu } from '../codec/g711.js';
import { writeWav } from '../codec/wav.js';
import type { AudioItem, AudioLoop } from '../endpoint.js';
import { MediaError } from '../media-server.js';
import type { EncodedPrompt, PromptStore } from '../prompts/prompt-store.js';
import { isSoundPath } from './words.js';

/** What is needed of a PromptStore. */
export type SoundSource = Pick<PromptStore, 'resolve' | 'loop' | 'prepare' | 'release' | 'wavPath'>;

export interface SoundsOptions {
  readonly source: SoundSource;
  /** The folder that FreeSWITCH shares with us, which prepared texts are kept in. */
  readonly directory: string;
  /** The same folder as FreeSWITCH sees it. */
  readonly seenAs: string;
}

/** Files for one prompt, as FreeSWITCH sees them. */
export interface Sound {
  readonly files: readonly string[];
  /** Removes what was made for this once. */
  done(): void;
}

const SPOKEN_ONCE = 'once-';
export const LOOPS: readonly AudioLoop[] = ['comfort-tone', 'hold-music', 'ringback'];

/** Prompts and loops as WAV files in the folder that FreeSWITCH plays from. */
export class Sounds {
  readonly #options: SoundsOptions;
  /** File names as FreeSWITCH sees them, with what they are to people. */
  readonly #known = new Map<string, string>();

  /** Throws MediaError `bad-audio` when the folder's name is none that FreeSWITCH can be told. */
  constructor(options: SoundsOptions) {
    if (!isSoundPath(options.seenAs)) {
      throw new MediaError(
        'bad-audio',
        `${options.seenAs}: FreeSWITCH plays from absolute paths of letters, digits and _ . + - / only`,
      );
    }
    this.#options = options;
  }

  /** Every file that calls will want, as FreeSWITCH sees them. */
  get known(): readonly string[] {
    return [...this.#known.keys()];
  }

  /** What a known file is, for people. */
  describe(file: string): string {
    return this.#known.get(file) ?? file;
  }

  /** Writes the loops, and removes what a process before left behind. */
  async open(): Promise<void> {
    const { directory, source } = this.#options;
    await mkdir(directory, { recursive: true });
    const left = (await readdir(directory)).filter((name) => name.startsWith(SPOKEN_ONCE));
    await Promise.all(left.map((name) => rm(join(directory, name), { force: true })));
    for (const loop of LOOPS) await this.#write(`loop-${loop}.wav`, await source.loop(loop));
    for (const loop of LOOPS) this.#known.set(this.loop(loop), `the ${loop}`);
  }

  loop(name: AudioLoop): string {
    return this.#seen(`loop-${name}.wav`);
  }

  /** Makes the files of these items ahead of calls. Rejects with `bad-audio`. */
  async prepare(
    items: readonly AudioItem[],
    onProgress: (done: number, total: number) => void,
  ): Promise<void> {
    await this.#options.source.prepare(items, onProgress);
    for (const item of items) this.#known.set(await this.#kept(item), nameOf(item));
  }

  /** No call needs these any more. The copy of somebody's own file stays known: another item may be the same audio. */
  release(items: readonly AudioItem[]): void {
    for (const item of items) {
      const path = 'text' in item ? this.#options.source.wavPath(item) : null;
      if (path !== null) this.#known.delete(this.#seen(basename(path)));
    }
    this.#options.source.release(items);
  }

  /** Rejects with `bad-audio`. */
  async resolve(items: readonly AudioItem[]): Promise<Sound> {
    const made: string[] = [];
    const files: string[] = [];
    const done = () => {
      for (const file of made) void rm(file, { force: true });
    };
    try {
      for (const item of items) {
        if ('file' in item || this.#options.source.wavPath(item) !== null) files.push(await this.#kept(item));
        else files.push(await this.#spokenOnce(item, made));
      }
    } catch (error) {
      done();
      throw error;
    }
    return { files, done };
  }

  /** The file of a prepared text, or a copy of somebody's own file, named after what is in it. */
  async #kept(item: AudioItem): Promise<string> {
    if ('text' in item) return this.#seen(basename(this.#options.source.wavPath(item) ?? ''));
    const [prompt] = await this.#options.source.resolve([item]);
    if (!prompt) throw new Error('a prompt resolves to one piece of audio');
    const name = `file-${createHash('sha256').update(prompt.pcmu).digest('hex').slice(0, 40)}.wav`;
    if (!this.#known.has(this.#seen(name))) await this.#write(name, prompt);
    return this.#seen(name);
  }

  /** A text that was not known ahead may hold a caller's data: its file is gone when it has been played. */
  async #spokenOnce(item: AudioItem, made: string[]): Promise<string> {
    const [prompt] = await this.#options.source.resolve([item]);
    if (!prompt) throw new Error('a prompt resolves to one piece of audio');
    const name = `${SPOKEN_ONCE}${randomUUID()}.wav`;
    made.push(join(this.#options.directory, name));
    await this.#write(name, prompt);
    return this.#seen(name);
  }

  /** Whole or not at all: FreeSWITCH must not play a half. */
  async #write(name: string, prompt: EncodedPrompt): Promise<void> {
    const file = join(this.#options.directory, name);
    const draft = `${file}.${randomUUID()}.tmp`;
    await writeFile(draft, writeWav(decodePcmu(prompt.pcmu)));
    await rename(draft, file);
  }

  #seen(name: string): string {
    return `${this.#options.seenAs}/${name}`;
  }
}

/** Of a prompt that is known ahead, and so holds no data of a caller. */
function nameOf(item: AudioItem): string {
  return 'file' in item ? item.file : `the prompt "${item.text}"`;
}
