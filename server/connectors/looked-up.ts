import type { Answer } from './answer.js';

const DIGIT = /[0-9]/;

/** Fewest digits of a card number (ISO/IEC 7812-1). */
const SHORTEST_CARD = 12;

/**
 * Overwrites runs of digits as long as a card number, in place: what was keyed is wiped by now, so an echo of it can be
 * known by its length only.
 */
function maskLongRuns(bytes: Buffer): string {
  let start = 0;
  for (let at = 0; at <= bytes.length; at += 1) {
    if (at < bytes.length && DIGIT.test(String.fromCharCode(bytes[at] ?? 0))) continue;
    if (at - start >= SHORTEST_CARD) bytes.fill('1', start, at);
    start = at + 1;
  }
  return bytes.toString();
}

/**
 * What a gateway says of an earlier charge: 200 with `status` `approved` or `declined`, of this key when one is named.
 * Null: anything else, which is no verdict. Zeroes the body.
 */
export function lookedUp({ http, body }: Answer, idempotencyKey: string): 'approved' | 'declined' | null {
  try {
    if (http !== 200) return null;
    const said: unknown = JSON.parse(maskLongRuns(body));
    if (typeof said !== 'object' || said === null || !('status' in said)) return null;
    const ours = maskLongRuns(Buffer.from(idempotencyKey));
    if ('idempotencyKey' in said && said.idempotencyKey !== ours) return null;
    return said.status === 'approved' || said.status === 'declined' ? said.status : null;
  } catch {
    return null;
  } finally {
    body.fill(0);
  }
}
