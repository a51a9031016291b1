import { asciiToEvent, eventToAscii } from './keys.js';

/** A key press in the body of a SIP INFO. `code` is ASCII. */
export interface InfoKey {
  readonly code: number;
  readonly durationMs: number;
}

const LONGEST_BODY = 256;
const DEFAULT_DURATION_MS = 160;
const LONGEST_DURATION_MS = 10_000;

/**
 * Reads `application/dtmf-relay` ("Signal=5", "Duration=160", one per line, any case and spacing) and
 * `application/dtmf` (the key alone, or the same lines). Signals 10 to 15 are `*`, `#`, A to D. Null for
 * anything else.
 */
export function readInfoKey(contentType: string, body: string): InfoKey | null {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase();
  if (body.length > LONGEST_BODY) return null;
  if (type === 'application/dtmf-relay') return readRelay(body);
  if (type !== 'application/dtmf') return null;
  return readRelay(body) ?? key(body.trim(), DEFAULT_DURATION_MS);
}

function readRelay(body: string): InfoKey | null {
  const signal = /^[ \t]*signal[ \t]*[=:][ \t]*(\d{1,2}|[*#a-d])[ \t]*$/im.exec(body)?.[1];
  if (signal === undefined) return null;
  const duration = /^[ \t]*duration[ \t]*[=:][ \t]*(\d{1,6})[ \t]*$/im.exec(body)?.[1];
  return key(signal, duration === undefined ? DEFAULT_DURATION_MS : Number(duration));
}

function key(signal: string, durationMs: number): InfoKey | null {
  const event = /^\d{2}$/.test(signal) ? Number(signal) : asciiToEvent(signal.charCodeAt(0));
  if (signal.length > 2 || (signal.length === 2 && !/^1[0-5]$/.test(signal))) return null;
  const code = eventToAscii(event);
  return code === 0 ? null : { code, durationMs: Math.min(durationMs, LONGEST_DURATION_MS) };
}
