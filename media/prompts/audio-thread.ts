import { Worker } from 'node:worker_threads';
import { MediaError } from '../media-server.js';
import type { AudioJob, AudioReply } from './audio-worker.js';
import type { EncodedAudio } from './encoded-prompt.js';

export interface AudioThreadOptions {
  /** Longest time for one job once the thread has taken it, in ms. Default 10,000. */
  readonly deadlineMs?: number;
  /** Jobs that may wait. Default 1,000. */
  readonly maxWaiting?: number;
  /** Script of the thread; tests put in one that fails. */
  readonly script?: URL;
}

export type Rendered = EncodedAudio & { readonly wav: Uint8Array | null };

interface Entry {
  readonly job: AudioJob;
  readonly resolve: (audio: Rendered) => void;
  readonly reject: (error: Error) => void;
  /** Times the thread died on it. */
  deaths: number;
}

const MAX_DEATHS = 2;

/**
 * Speech and decoding in a thread of their own, one job at a time, first come first served. A job past its
 * deadline is rejected and its thread ended; a thread that dies takes its job up again once. Threads
 * start when there is work.
 */
export class AudioThread {
  readonly #deadlineMs: number;
  readonly #maxWaiting: number;
  readonly #script: URL;
  readonly #waiting: Entry[] = [];
  #worker: Worker | null = null;
  #current: Entry | null = null;
  #deadline: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: AudioThreadOptions = {}) {
    this.#deadlineMs = options.deadlineMs ?? 10_000;
    this.#maxWaiting = options.maxWaiting ?? 1000;
    this.#script = options.script ?? new URL('./audio-worker.js', import.meta.url);
  }

  /** Rejects with MediaError: `bad-audio` for what cannot be rendered, `closed` after {@link close}. */
  run(job: AudioJob): Promise<Rendered> {
    if (this.#closed) return Promise.reject(closedError());
    if (this.#waiting.length >= this.#maxWaiting) {
      return Promise.reject(new MediaError('bad-audio', 'too many prompts are waiting to be rendered'));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, resolve, reject, deaths: 0 });
      this.#next();
    });
  }

  /** Rejects what is waiting and ends the thread. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const entry of this.#waiting.splice(0)) entry.reject(closedError());
    this.#finish()?.reject(closedError());
    await this.#drop();
  }

  #next(): void {
    if (this.#current || this.#closed) return;
    const entry = this.#waiting.shift();
    if (!entry) {
      this.#worker?.unref();
      return;
    }
    this.#current = entry;
    this.#worker ??= this.#start();
    this.#worker.ref();
    this.#deadline = setTimeout(() => this.#expire(), this.#deadlineMs);
    this.#worker.postMessage(entry.job);
  }

  #start(): Worker {
    const worker = new Worker(this.#script);
    worker.on('message', (reply: AudioReply) => {
      if (worker === this.#worker) this.#settle(reply);
    });
    // An 'error' is always followed by 'exit', which decides.
    worker.on('error', () => {});
    worker.on('exit', () => {
      if (worker === this.#worker) this.#died();
    });
    return worker;
  }

  /** Takes the job in hand out of it. */
  #finish(): Entry | null {
    const entry = this.#current;
    this.#current = null;
    clearTimeout(this.#deadline);
    return entry;
  }

  #settle(reply: AudioReply): void {
    const entry = this.#finish();
    if (reply.ok) entry?.resolve(reply);
    else if (reply.badAudio) entry?.reject(new MediaError('bad-audio', reply.message));
    else entry?.reject(new MediaError('bad-audio', `rendering failed: ${reply.message}`));
    this.#next();
  }

  #expire(): void {
    const message = `rendering took longer than ${this.#deadlineMs} ms`;
    this.#finish()?.reject(new MediaError('bad-audio', message));
    void this.#drop();
    this.#next();
  }

  #died(): void {
    this.#worker = null;
    const entry = this.#finish();
    if (entry) {
      entry.deaths += 1;
      if (entry.deaths < MAX_DEATHS) this.#waiting.unshift(entry);
      else entry.reject(new MediaError('bad-audio', 'rendering ended its thread twice'));
    }
    this.#next();
  }

  async #drop(): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    await worker?.terminate();
  }
}

function closedError(): MediaError {
  return new MediaError('closed', 'the prompt store is closed');
}
