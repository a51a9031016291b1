import type { PlainValue } from '../commands.js';

/** An expression that failed while a call ran. The message names the expression, never a value. */
export class ExpressionError extends Error {
  constructor(source: string, reason: string) {
    super(`expression '${source}' failed: ${reason}`);
    this.name = 'ExpressionError';
  }
}

const LONGEST_TEXT = 10_000;

/** Whole numbers are `int` (bigint) in CEL, all others `double`. Works through maps and lists. */
export function toCel(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(toCel);
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toCel(inner)]));
  }
  return value;
}

/** The reverse of {@link toCel} for what a variable can hold. Throws {@link ExpressionError} for all else. */
export function fromCel(source: string, value: unknown): PlainValue {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'string') {
    if (value.length > LONGEST_TEXT) {
      throw new ExpressionError(source, `text longer than ${LONGEST_TEXT} characters`);
    }
    return value;
  }
  if (typeof value === 'number' || typeof value === 'bigint') return plainNumber(source, value);
  throw new ExpressionError(source, 'the result is not a text, a number, a boolean or null');
}

function plainNumber(source: string, value: number | bigint): number {
  const number = Number(value);
  const exact = typeof value === 'bigint' ? Number.isSafeInteger(number) : Number.isFinite(number);
  if (!exact) throw new ExpressionError(source, 'the number is out of range');
  return number;
}
