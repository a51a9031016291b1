import { parentPort } from 'node:worker_threads';
import { readWav, writeWav } from '../codec/wav.js';
import type { AudioLoop } from '../endpoint.js';
import { MediaError } from '../media-server.js';
import { encodeAudio } from './encoded-prompt.js';
import { loadFlite, type Synthesizer, type Voice } from './flite.js';
import { renderLoop } from './loops.js';
import { normaliseSpeech } from './normalise.js';

/** What the thread is asked: speak a text that `speakable` has passed, read a WAV file's bytes, make a loop. */
export type AudioJob =
  | { readonly do: 'speak'; readonly text: string; readonly voice: Voice }
  | { readonly do: 'read'; readonly bytes: Uint8Array; readonly name: string }
  | { readonly do: 'loop'; readonly loop: AudioLoop };

/** Its answer to each job, in order. `wav` is the audio as an 8 kHz WAV file, for spoken texts only. */
export type AudioReply =
  | {
      readonly ok: true;
      readonly pcmu: Uint8Array;
      readonly pcma: Uint8Array;
      readonly wav: Uint8Array | null;
    }
  | { readonly ok: false; readonly message: string; readonly badAudio: boolean };

// Compiled before it is asked for: the first text of a call shall not wait for it. A failure is met in speak().
const flite: Promise<Synthesizer> = loadFlite();
flite.catch(() => undefined);

async function speak(text: string, voice: Voice): Promise<Int16Array> {
  const synthesize = await flite;
  return normaliseSpeech(readWav(await synthesize(text, voice), 'speech'));
}

async function run(job: AudioJob): Promise<AudioReply> {
  if (job.do === 'read') return { ok: true, ...encodeAudio(readWav(job.bytes, job.name)), wav: null };
  if (job.do === 'loop') return { ok: true, ...encodeAudio(renderLoop(job.loop)), wav: null };
  const pcm = await speak(job.text, job.voice);
  return { ok: true, ...encodeAudio(pcm), wav: writeWav(pcm) };
}

async function answer(job: AudioJob): Promise<AudioReply> {
  try {
    return await run(job);
  } catch (error) {
    const message = error instanceof Error ? error.message : 'unknown failure';
    return { ok: false, message, badAudio: error instanceof MediaError };
  }
}

parentPort?.on('message', async (job: AudioJob) => {
  parentPort?.postMessage(await answer(job));
});
