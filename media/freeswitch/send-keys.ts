import { setTimeout as pause } from 'node:timers/promises';
import { eventToAscii, KEY_EVENTS } from '../rtp/keys.js';
import type { Channel } from './channel.js';

const DEFAULT_PRESS_MS = 100;
const DEFAULT_GAP_MS = 80;

/**
 * Presses keys towards the far end. Each is an argument of a command to FreeSWITCH, so these are keys that the program
 * itself chose, never ones that a caller pressed.
 */
export async function pressKeys(
  channel: Channel,
  codes: readonly number[],
  { durationMs = DEFAULT_PRESS_MS, gapMs = DEFAULT_GAP_MS }: { durationMs?: number; gapMs?: number },
): Promise<void> {
  const known = Array.from({ length: KEY_EVENTS }, (_, event) => eventToAscii(event));
  if (!codes.every((code) => known.includes(code))) throw new RangeError('not the codes of keys');
  for (const code of codes) {
    const key = `${String.fromCharCode(code)}@${Math.round(durationMs)}`;
    await channel.line.confirmed('uuid_send_dtmf', channel.uuid, key);
    await pause(durationMs + gapMs);
  }
}
