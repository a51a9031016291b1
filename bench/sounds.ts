import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodePcmu } from '../media/codec/g711.js';
import { writeWav } from '../media/codec/wav.js';

const RATE = 8000;
const AMPLITUDE = 6000;

/** What the two prompts of the key test sound like: each key is answered with the other one. */
export const PROMPT_HZ = [550, 850] as const;
/** The caller's voice. Fills a 20 ms packet with whole periods, so that one packet can be sent over and over. */
export const VOICE_HZ = 1850;

function tone(hz: number, seconds: number): Int16Array {
  const samples = seconds * RATE;
  return Int16Array.from(
    { length: samples },
    (_, at) => AMPLITUDE * Math.sin((2 * Math.PI * hz * at) / RATE),
  );
}

/** A voice-like melody: a buzz whose pitch and loudness move, so that no two packets are alike. */
function melody(seconds: number): Int16Array {
  let phase = 0;
  return Int16Array.from({ length: seconds * RATE }, (_, at) => {
    const time = at / RATE;
    phase += (2 * Math.PI * (140 + 40 * Math.sin(5 * time))) / RATE;
    const loudness = AMPLITUDE * (0.6 + 0.4 * Math.sin(9 * time));
    return loudness * (0.5 * Math.sin(phase) + 0.3 * Math.sin(2 * phase) + 0.2 * Math.sin(5 * phase));
  });
}

/** One packet of the caller's voice, PCMU. */
export function voiceFrame(): Uint8Array {
  return encodePcmu(tone(VOICE_HZ, 0.02));
}

/** Seconds of the prompt that measured calls play in a loop. */
export const LONG_PROMPT_SECONDS = 20;

/** The WAV files of all targets, by absolute path: 8 kHz, mono, 16 bits. */
export interface PromptFiles {
  readonly long: string;
  /** Two seconds. */
  readonly short: string;
  readonly tones: readonly string[];
}

export function writePrompts(directory: string): PromptFiles {
  const write = (name: string, pcm: Int16Array): string => {
    const file = join(directory, name);
    writeFileSync(file, writeWav(pcm));
    return file;
  };
  return {
    long: write('long.wav', melody(LONG_PROMPT_SECONDS)),
    short: write('short.wav', melody(2)),
    tones: PROMPT_HZ.map((hz) => write(`tone-${hz}.wav`, tone(hz, 5))),
  };
}
