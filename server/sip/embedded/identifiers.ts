import { randomFillSync, randomUUID } from 'node:crypto';

/** Random bytes are fetched in advance: one by one they would be a twentieth of a call's cost. */
const pool = Buffer.allocUnsafeSlow(4096);
let used = pool.length;

function randomHex(bytes: number): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += bytes;
  return pool.toString('hex', used - bytes, used);
}

/** Random text for a tag: 64 bits (RFC 3261 section 19.3 asks for 32). */
export const newTag = (): string => randomHex(8);

/** A branch that no other transaction has, with the magic cookie (RFC 3261 section 8.1.1.7). */
export const newBranch = (): string => `z9hG4bK${randomHex(10)}`;

/** An identifier of a frame or a transaction in the application protocol. */
export const newId = (): string => randomHex(16);

/** A Call-ID (RFC 3261 section 8.1.1.4). */
export const newCallId = (): string => randomUUID();
