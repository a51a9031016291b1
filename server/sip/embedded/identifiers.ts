import { randomBytes, randomUUID } from 'node:crypto';

/** Random text for a tag: 64 bits (RFC 3261 section 19.3 asks for 32). */
export const newTag = (): string => randomBytes(8).toString('hex');

/** A branch that no other transaction has, with the magic cookie (RFC 3261 section 8.1.1.7). */
export const newBranch = (): string => `z9hG4bK${randomBytes(10).toString('hex')}`;

/** A Call-ID or drachtio transaction identifier. */
export const newId = (): string => randomUUID();
