import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** Bytes that must not be found, and what they are. `what` never holds a digit of them. */
export interface Pattern {
  readonly what: string;
  readonly bytes: Buffer;
}

export interface MemorySearch {
  /** How many copies of all patterns together. */
  readonly found: number;
  /** One line for each copy: the pattern, where it lies, and the text around it with digits as `#`. */
  readonly places: readonly string[];
  /** How much memory was read. */
  readonly bytes: number;
}

/** Why memory cannot be searched here, or false; for `{ skip }`. */
export const memoryUnreadable = process.platform !== 'linux' && 'needs /proc/<pid>/mem of Linux';

const CHUNK = 1 << 20;
const OVERLAP = 256;
const CONTEXT = 48;

/** Digits in the middle of a number that show any copy of it, whole or cut off at either end. */
const TELLING = 8;

/**
 * A number as each thing it could have become: text, telephone-event codes, arrays of keys as V8 and typed arrays hold
 * them, a number. Of a long one its middle digits are looked for.
 */
export function digitPatterns(digits: string): Pattern[] {
  const start = Math.max(0, (digits.length - TELLING) >> 1);
  const keys = [...digits.slice(start, start + TELLING)].map(Number);
  const codes = keys.map((key) => key + 0x30);
  const wide = (values: number[], bytes: number, at = 0) => {
    const out = Buffer.alloc(values.length * bytes);
    for (const [index, value] of values.entries()) out.writeUInt32LE(value, index * bytes + at);
    return out;
  };
  const doubles = (values: number[]) => Buffer.from(Float64Array.from(values).buffer);
  const whole = Buffer.alloc(8);
  whole.writeBigUInt64LE(BigInt(digits));
  const patterns = [
    { what: 'ASCII', bytes: Buffer.from(codes) },
    { what: 'UTF-16', bytes: Buffer.from(Uint16Array.from(codes).buffer) },
    { what: 'telephone-event codes', bytes: Buffer.from(keys) },
    { what: 'ASCII codes of 32 bits', bytes: wide(codes, 4) },
    { what: 'digits of 32 bits', bytes: wide(keys, 4) },
    // V8 keeps a small integer in the upper half of a word.
    { what: 'array of ASCII codes', bytes: wide(codes, 8, 4) },
    { what: 'array of digits', bytes: wide(keys, 8, 4) },
    { what: 'doubles of ASCII codes', bytes: doubles(codes) },
    { what: 'doubles of digits', bytes: doubles(keys) },
    { what: 'one double', bytes: doubles([Number(digits)]) },
    { what: 'one 64-bit integer', bytes: whole },
  ];
  // Zeros at the front match half the memory and make the search slow.
  return patterns.map(({ what, bytes }) => ({ what, bytes: bytes.subarray(bytes.findIndex(Boolean)) }));
}

/** Searches everything that the process has mapped readable, but for its programs. Linux only; needs the same user. */
export function searchMemory(pid: number, patterns: readonly Pattern[]): MemorySearch {
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const chunk = Buffer.alloc(CHUNK + OVERLAP);
  const zeros = Buffer.alloc(CHUNK + OVERLAP);
  const places: string[] = [];
  let bytes = 0;
  for (const { start, end, name } of readableMaps(pid)) {
    for (let at = start; at < end; at += CHUNK) {
      const length = Math.min(chunk.length, end - at);
      // A mapping without pages behind it cannot be read (EIO), nor can it hold anything.
      const read = attempt(() => readSync(memory, chunk, 0, length, at));
      bytes += Math.min(read, CHUNK);
      if (zeros.compare(chunk, 0, read, 0, read) === 0) continue;
      places.push(
        ...findings(chunk.subarray(0, read), patterns, `${name || 'anonymous'} ${at.toString(16)}`),
      );
    }
  }
  closeSync(memory);
  chunk.fill(0);
  return { found: places.length, places, bytes };
}

function* readableMaps(pid: number): Generator<{ start: number; end: number; name: string }> {
  for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
    const map = /^([0-9a-f]+)-([0-9a-f]+) r(.)\S+ \S+ \S+ \S+ *(.*)$/.exec(line);
    if (map === null) continue;
    const [, start = '', end = '', writable, name = ''] = map;
    // The kernel's own pages, and what was read from a program's file and never written to.
    if (name.startsWith('[v') || (name.startsWith('/') && writable === '-')) continue;
    yield { start: Number.parseInt(start, 16), end: Number.parseInt(end, 16), name };
  }
}

function findings(bytes: Buffer, patterns: readonly Pattern[], where: string): string[] {
  const found: string[] = [];
  for (const { what, bytes: wanted } of patterns) {
    // What begins in the overlap is found at the beginning of the next chunk.
    for (let at = bytes.indexOf(wanted); at >= 0 && at < CHUNK; at = bytes.indexOf(wanted, at + 1)) {
      const around = bytes.toString('latin1', Math.max(0, at - CONTEXT), at + wanted.length + CONTEXT);
      const shown = around.replace(/[0-9]/g, '#').replace(/[^\x20-\x7e]/g, '.');
      found.push(`${what} in ${where}+${at.toString(16)}: ${shown}`);
    }
  }
  return found;
}

function attempt(read: () => number): number {
  try {
    return read();
  } catch {
    return 0;
  }
}
