/** RFC 4733 event codes (section 3.2) of the sixteen keys, in order, as ASCII. */
const ASCII_BY_EVENT = Uint8Array.from('0123456789*#ABCD', (key) => key.charCodeAt(0));

export const KEY_EVENTS = ASCII_BY_EVENT.length;

/** The ASCII code of an event 0 to 15. */
export function eventToAscii(event: number): number {
  return ASCII_BY_EVENT[event] ?? 0;
}

/** The event of an ASCII code, or -1 when it is no key. Small letters a to d count as A to D. */
export function asciiToEvent(code: number): number {
  return ASCII_BY_EVENT.indexOf(code >= 97 && code <= 100 ? code - 32 : code);
}
