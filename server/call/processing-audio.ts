import type { AudioItem } from '../../media/endpoint.js';
import { firstOf, pause } from '../abort.js';
import type { Leg } from './leg.js';
import { playTo } from './play.js';

const GAP_MS = 1500;

/** Plays the prompt again and again with a short gap until the work has settled (G12). Settles as the work does. */
export async function withProcessingAudio<T>(
  leg: Leg,
  audio: readonly AudioItem[],
  work: () => Promise<T>,
): Promise<T> {
  const done = new AbortController();
  const processing = repeat(leg, audio, done.signal);
  try {
    return await work();
  } finally {
    done.abort();
    await leg.endpoint.stopPlaying().catch(() => {});
    await processing;
  }
}

async function repeat(leg: Leg, audio: readonly AudioItem[], done: AbortSignal): Promise<void> {
  const over = firstOf(done, leg.gone);
  while (audio.length > 0 && !over.aborted) {
    await playTo(leg, audio).catch(() => {});
    await pause(GAP_MS, over);
  }
}
