import type { AudioItem, PlayOptions } from '../../media/endpoint.js';
import { MediaError } from '../../media/media-server.js';
import type { Leg } from './leg.js';

/**
 * Plays a prompt to its end. One that cannot be rendered is passed over: a missing sentence must not cost the
 * caller the call. Rejects with MediaError when the endpoint is gone.
 */
export async function playTo(
  leg: Leg,
  audio: readonly AudioItem[],
  options: PlayOptions = {},
): Promise<void> {
  if (audio.length === 0) return;
  try {
    await leg.endpoint.play(audio, options);
  } catch (error) {
    if (!(error instanceof MediaError) || error.code !== 'bad-audio') throw error;
  }
}
