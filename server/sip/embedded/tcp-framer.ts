/** What the framer found in the stream, in order. */
export type Frame =
  | { readonly kind: 'message'; readonly data: Buffer }
  /** A double CRLF, which the peer wants answered by one CRLF (RFC 5626 section 4.4.1). */
  | { readonly kind: 'ping' }
  /** The next message cannot be found any more; `data` is what there is of the broken one. Nothing follows. */
  | { readonly kind: 'broken'; readonly data: Buffer };

const EMPTY = Buffer.alloc(0);
const LENGTH_FIELD = /\r\n(?:content-length|l)[ \t]*:(?:[ \t]|\r\n[ \t])*([^\r\n]*)/gi;

/**
 * Cuts a TCP stream into SIP messages by Content-Length (RFC 3261 section 18.3). Messages may come split at
 * any byte or several at once. Scans every byte once.
 */
export class TcpFramer {
  readonly #mostBytes: number;
  #buffer: Buffer = EMPTY;
  /** Backing store of the buffer once chunks had to be joined; grows by doubling, so joining is linear. */
  #store: Buffer = EMPTY;
  #storeEnd = 0;
  /** Where the search for the end of the header section goes on. */
  #scanned = 0;
  /** Length of the message at the head of the buffer, once its header section is complete. */
  #need = 0;
  #broken = false;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** Whether part of a message waits for its rest. */
  get partial(): boolean {
    return this.#buffer.length > 3;
  }

  push(chunk: Buffer): Frame[] {
    if (this.#broken) return [];
    this.#append(chunk);
    const frames: Frame[] = [];
    for (let frame = this.#next(); frame; frame = this.#next()) {
      frames.push(frame);
      if (frame.kind === 'broken') {
        this.#broken = true;
        this.#buffer = EMPTY;
        this.#store = EMPTY;
        break;
      }
    }
    return frames;
  }

  #append(chunk: Buffer): void {
    const held = this.#buffer.length;
    if (held === 0) {
      this.#buffer = chunk;
      this.#store = EMPTY;
      this.#storeEnd = 0;
      return;
    }
    if (this.#storeEnd + chunk.length > this.#store.length) {
      const grown = Buffer.allocUnsafeSlow(2 * (held + chunk.length));
      this.#buffer.copy(grown);
      this.#store = grown;
      this.#storeEnd = held;
    }
    chunk.copy(this.#store, this.#storeEnd);
    this.#storeEnd += chunk.length;
    this.#buffer = this.#store.subarray(this.#storeEnd - held - chunk.length, this.#storeEnd);
  }

  #next(): Frame | undefined {
    if (this.#need === 0) {
      const ping = this.#skipLineEnds();
      if (ping) return ping;
      const broken = this.#measure();
      if (broken) return broken;
    }
    if (this.#need === 0 || this.#buffer.length < this.#need) return undefined;
    return { kind: 'message', data: this.#take(this.#need) };
  }

  /** Line ends before a start line are ignored (RFC 3261 section 7.5); two together are a ping. */
  #skipLineEnds(): Frame | undefined {
    let at = 0;
    while (this.#buffer[at] === 0x0d && this.#buffer[at + 1] === 0x0a) {
      at += 2;
      if (at === 4) {
        this.#take(at);
        return { kind: 'ping' };
      }
    }
    if (at > 0 && this.#buffer.length > at && this.#buffer[at] !== 0x0d) this.#take(at);
    return undefined;
  }

  #measure(): Frame | undefined {
    if (this.#buffer.length > 0 && this.#buffer.length <= 3) return undefined;
    const headEnd = this.#buffer.indexOf('\r\n\r\n', this.#scanned);
    if (headEnd < 0) {
      this.#scanned = Math.max(0, this.#buffer.length - 3);
      return this.#buffer.length > this.#mostBytes ? { kind: 'broken', data: this.#buffer } : undefined;
    }
    const lengths = [...this.#buffer.toString('latin1', 0, headEnd).matchAll(LENGTH_FIELD)];
    const value = (lengths[0]?.[1] ?? '').trim();
    const total = headEnd + 4 + Number(value);
    if (lengths.length !== 1 || !/^\d{1,9}$/.test(value) || total > this.#mostBytes) {
      return { kind: 'broken', data: this.#buffer };
    }
    this.#need = total;
    return undefined;
  }

  #take(bytes: number): Buffer {
    const taken = this.#buffer.subarray(0, bytes);
    this.#buffer = this.#buffer.subarray(bytes);
    this.#scanned = 0;
    this.#need = 0;
    return taken;
  }
}
