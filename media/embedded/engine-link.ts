import { Worker } from 'node:worker_threads';
import { MediaError } from '../media-server.js';
import type {
  EngineMessage,
  EngineNews,
  EngineOptions,
  EngineRequest,
  EngineResults,
  RequestMessage,
} from './messages.js';
import { Outbox } from './outbox.js';

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: MediaError) => void;
  readonly deadline: NodeJS.Timeout;
}

export interface EngineLinkEvents {
  onNews(news: EngineNews): void;
  /** Ports that the next legs may be created with. */
  onOpenedAhead(ports: readonly number[]): void;
  /** The thread is gone, unasked; called once. Every request has been rejected with `engine-lost` by then. */
  onLost(): void;
}

/** An engine that does not answer for this long counts as lost. */
const REPLY_DEADLINE_MS = 5000;
const EXIT_DEADLINE_MS = 2000;

/**
 * The main side of the worker thread: numbered requests, each with one reply and a deadline, and those that nobody waits
 * for. Waking a thread costs more than most requests, so those of one turn of the event loop go over together, in their
 * order.
 */
export class EngineLink {
  readonly #worker: Worker;
  readonly #events: EngineLinkEvents;
  readonly #waiting = new Map<number, Waiting>();
  readonly #outbox = new Outbox<RequestMessage>((messages) => this.#worker.postMessage(messages));
  #seq = 0;
  #up = true;
  readonly #exited: Promise<void>;
  /** What the thread died of. */
  #cause: unknown;

  constructor(options: EngineOptions, events: EngineLinkEvents) {
    this.#events = events;
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), {
      name: 'media',
      workerData: options,
    });
    this.#exited = new Promise((resolve) => this.#worker.once('exit', () => resolve()));
    this.#worker.on('message', (messages: readonly EngineMessage[]) => {
      for (const message of messages) this.#receive(message);
    });
    this.#worker.on('error', (error) => {
      this.#cause = error;
      this.#lose();
    });
    this.#worker.on('exit', () => this.#lose());
  }

  get up(): boolean {
    return this.#up;
  }

  /** Rejects with the engine's verdict, or `engine-lost`. */
  request<R extends EngineRequest>(request: R): Promise<EngineResults[R['op']]> {
    if (!this.#up) return Promise.reject(this.#lostError());
    this.#seq += 1;
    const seq = this.#seq;
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => this.#overdue(seq), REPLY_DEADLINE_MS);
      this.#waiting.set(seq, { resolve, reject, deadline });
      this.#outbox.put({ seq, request });
    });
  }

  /**
   * Asks for what cannot be refused, and is done before anything that is asked for later. Dropped when the engine is
   * lost, which its owner is told by `onLost`.
   */
  tell(request: EngineRequest): void {
    if (this.#up) this.#outbox.put({ seq: null, request });
  }

  /** {@link tell} for what may be done a packet later: sent with whatever is asked for next, or after 20 ms. */
  tellLater(request: EngineRequest): void {
    if (this.#up) this.#outbox.putLater({ seq: null, request });
  }

  /** Ends the thread and with it every socket. Idempotent. */
  async close(): Promise<void> {
    this.#up = false;
    this.#rejectAll();
    await this.#end();
  }

  /** Asks the thread to end and, should it not, ends it. */
  async #end(): Promise<void> {
    this.#outbox.put({ seq: null, request: { op: 'exit' } });
    this.#outbox.flush();
    const deadline = setTimeout(() => void this.#worker.terminate(), EXIT_DEADLINE_MS);
    await this.#exited;
    clearTimeout(deadline);
  }

  #receive(message: EngineMessage): void {
    if (message.type === 'fault') {
      this.#cause = message.error;
      this.#lose();
      return;
    }
    if (message.type === 'openedAhead') {
      this.#events.onOpenedAhead(message.ports);
      return;
    }
    if (message.type !== 'reply' && message.type !== 'refusal') {
      this.#events.onNews(message);
      return;
    }
    const waiting = this.#waiting.get(message.seq);
    if (!waiting) return;
    this.#waiting.delete(message.seq);
    clearTimeout(waiting.deadline);
    if (message.type === 'reply') waiting.resolve(message.value as never);
    else waiting.reject(new MediaError(message.code, message.message));
  }

  /** When this thread was the one that stood still, the reply is already there to be read: look once more. */
  #overdue(seq: number): void {
    setImmediate(() => {
      if (!this.#waiting.has(seq)) return;
      this.#lose();
      void this.#end();
    });
  }

  #lose(): void {
    if (!this.#up) return;
    this.#up = false;
    this.#rejectAll();
    this.#events.onLost();
  }

  #rejectAll(): void {
    for (const { reject, deadline } of this.#waiting.values()) {
      clearTimeout(deadline);
      reject(this.#lostError());
    }
    this.#waiting.clear();
  }

  #lostError(): MediaError {
    return new MediaError('engine-lost', 'the media engine is gone', { cause: this.#cause });
  }
}
