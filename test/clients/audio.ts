import type { PhoneCodec } from '../kit/g711.js';
import { AUDIBLE } from '../kit/heard.js';
import { PhoneMedia } from '../kit/phone-media.js';
import { tones } from '../kit/sounds.js';
import { hasTone } from '../kit/spectrum.js';

/** Voices, far from every DTMF frequency and from each other. */
export const CALLER_HZ = 1900;
export const AGENT_HZ = 2200;

/**
 * The audio of a call that SIPp signals: everything that comes is kept, and a voice is sent back to where the
 * first packet came from. SIPp itself records nothing.
 */
export async function openAudio(
  voiceHz: number,
  codec: PhoneCodec = 'PCMU',
  eventPayloadType = 96,
): Promise<PhoneMedia> {
  const audio = await PhoneMedia.open('127.0.0.1');
  audio.sound = tones([voiceHz], -10);
  const stop = audio.heard.onChange(() => {
    const [address = '', port] = audio.heard.packets.at(-1)?.source.split(':') ?? [];
    stop();
    audio.sendTo({ address, port: Number(port) }, { codec, eventPayloadType });
  });
  return audio;
}

/** Resolves when 100 ms of a voice have come from now on. */
export async function hears(audio: PhoneMedia, hz: number): Promise<void> {
  await audio.waits.audio(100, 10_000, AUDIBLE, hz);
}

/** When the first packet without a voice came that it was waited for from now on, ms of `performance.now()`. */
export async function deafFrom(audio: PhoneMedia, hz: number): Promise<number> {
  const since = performance.now();
  const first = () =>
    audio.heard.packets.find(({ at, pcm }) => at >= since && pcm !== null && !hasTone(pcm, hz, AUDIBLE));
  await audio.waits.until(() => first() !== undefined, 5000, `a packet without ${hz} Hz`);
  return first()?.at ?? since;
}
