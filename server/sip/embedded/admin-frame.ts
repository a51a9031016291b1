import { newId } from './identifiers.js';
import type { TransportProtocol } from './options.js';

/**
 * Framing of drachtio's application protocol: `<length in bytes>#<payload>`. A payload is one line of tokens
 * separated by `|`, then optionally CRLF and a SIP message.
 */
const MOST_LENGTH_DIGITS = 5;
const HASH = 0x23;

/** Thrown when the stream is not the application protocol; the connection must be dropped. */
export class AdminProtocolError extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'AdminProtocolError';
  }
}

/** Cuts the stream of an application into payloads. */
export class AdminFramer {
  #buffer: Buffer = Buffer.alloc(0);

  /** @throws AdminProtocolError */
  push(chunk: Buffer): Buffer[] {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    const payloads: Buffer[] = [];
    for (let payload = this.#next(); payload; payload = this.#next()) payloads.push(payload);
    return payloads;
  }

  #next(): Buffer | undefined {
    const hash = this.#buffer.subarray(0, MOST_LENGTH_DIGITS + 1).indexOf(HASH);
    const digits = this.#buffer.toString('latin1', 0, hash < 0 ? MOST_LENGTH_DIGITS + 1 : hash);
    if (!/^\d*$/.test(digits) || digits.length > MOST_LENGTH_DIGITS || hash === 0) {
      throw new AdminProtocolError('invalid message length');
    }
    if (hash < 0 || this.#buffer.length < hash + 1 + Number(digits)) return undefined;
    const end = hash + 1 + Number(digits);
    const payload = this.#buffer.subarray(hash + 1, end);
    this.#buffer = this.#buffer.subarray(end);
    return payload;
  }
}

/** Makes one frame: a fresh identifier, the tokens, and the SIP message if there is one. */
export function adminFrame(tokens: string, message?: Buffer): Buffer {
  const head = `${newId()}|${tokens}${message ? '\r\n' : ''}`;
  const length = `${head.length + (message?.length ?? 0)}#`;
  const frame = Buffer.allocUnsafeSlow(length.length + head.length + (message?.length ?? 0));
  frame.write(length + head, 0, 'latin1');
  message?.copy(frame, length.length + head.length);
  return frame;
}

/** Where a message came from or went to, and its length in bytes. */
export interface Passage {
  readonly source: 'network' | 'application';
  readonly bytes: number;
  readonly protocol: TransportProtocol;
  readonly address: string;
  readonly port: number;
}

/** The six tokens drachtio writes about a message: source, bytes, protocol, address, port, time of day. */
export function passageTokens({ source, bytes, protocol, address, port }: Passage): string {
  return `${source}|${bytes}|${protocol}|${address}|${port}|${timeOfDay()}000`;
}

const DAY_MS = 86_400_000;

/** The time of day (UTC) to the millisecond, without a Date, which would write the day too. */
function timeOfDay(): string {
  const ms = Date.now() % DAY_MS;
  const seconds = Math.floor(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const clock = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return `${clock}.${String(ms % 1000).padStart(3, '0')}`;
}
