import { Socket } from 'node:net';

/** What a stream hands down: a net.Socket gets its texts as they are. */
interface Chunk {
  readonly chunk: Buffer | string;
  readonly encoding: BufferEncoding;
}

/**
 * One end of a connection inside the process; what is written to it is read at the other end, later in the same turn of
 * the event loop. A net.Socket, because drachtio-srf takes nothing else. A chunk is handed over as it is, not copied, and
 * its writer told when it has been read: whoever writes a digit can wipe it then.
 */
class LocalSocket extends Socket {
  #peer: LocalSocket | null = null;

  join(peer: LocalSocket): void {
    this.#peer = peer;
  }

  override _read(): void {}

  override _write(chunk: Chunk['chunk'], encoding: BufferEncoding, done: () => void): void {
    this._writev([{ chunk, encoding }], done);
  }

  override _writev(chunks: readonly Chunk[], done: () => void): void {
    process.nextTick(() => {
      for (const { chunk, encoding } of chunks) {
        this.#peer?.push(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk);
      }
      done();
    });
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
