import { Socket } from 'node:net';

/** What was written and not read yet. */
interface Written {
  readonly chunk: Buffer;
  readonly done: (() => void) | undefined;
}

/**
 * One end of a connection inside the process; what is written to it is read at the other end, later in the same turn of
 * the event loop. A net.Socket, because drachtio-srf takes nothing else. A chunk is handed over as it is, not copied, and
 * its writer told when it has been read: whoever writes a digit can wipe it then.
 */
class LocalSocket extends Socket {
  #peer: LocalSocket | null = null;
  #written: Written[] = [];

  join(peer: LocalSocket): void {
    this.#peer = peer;
  }

  override _read(): void {}

  /** Past the queue of a stream: what is written here never waits for a reader that is slow. */
  override write(chunk: Buffer | string, ...rest: readonly unknown[]): boolean {
    if (!this.writable) return super.write(chunk, ...(rest as [() => void]));
    const [first, second] = rest;
    const encoding = typeof first === 'string' ? (first as BufferEncoding) : 'utf8';
    this.#put(chunk, encoding, (typeof first === 'function' ? first : second) as Written['done']);
    return true;
  }

  /** What is written with the end comes here. */
  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: () => void): void {
    this.#put(chunk, encoding, done);
  }

  #put(chunk: Buffer | string, encoding: BufferEncoding, done: Written['done']): void {
    if (this.#written.length === 0) process.nextTick(() => this.#handOver());
    this.#written.push({ chunk: typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk, done });
  }

  #handOver(): void {
    const written = this.#written;
    this.#written = [];
    for (const { chunk, done } of written) {
      this.#peer?.receive(chunk);
      done?.();
    }
  }

  /** Past the queue here too, while somebody listens and nothing waits in it. */
  private receive(chunk: Buffer): void {
    if (this.readableFlowing && this.readableLength === 0) this.emit('data', chunk);
    else this.push(chunk);
  }

  override _final(done: () => void): void {
    process.nextTick(() => {
      this.#peer?.push(null);
      done();
    });
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const peer = this.#peer;
    this.#peer = null;
    done(error);
    process.nextTick(() => {
      peer?.destroy();
      // A net.Socket leaves it to its handle, which this one has not.
      this.emit('close', error !== null);
    });
  }

  /** System calls are what corking saves; there are none here. */
  override cork(): void {}

  override uncork(): void {}
}

/** Two ends of a connection inside the process. Destroying one destroys the other. */
export function localConnection(): [Socket, Socket] {
  const ends: [LocalSocket, LocalSocket] = [new LocalSocket(), new LocalSocket()];
  ends[0].join(ends[1]);
  ends[1].join(ends[0]);
  return ends;
}
