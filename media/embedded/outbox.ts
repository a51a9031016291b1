import { PERIOD_MS } from './packet-clock.js';

/** In a turn that takes long, messages are not kept for longer than this, in ms. */
const LONGEST_WAIT_MS = 5;

/**
 * Collects messages for another thread and hands them over together, in their order, at the end of the turn of the
 * event loop: waking a thread costs more than a message.
 */
export class Outbox<Message> {
  readonly #post: (messages: Message[]) => void;
  readonly #now: () => number;
  #messages: Message[] = [];
  /** When the first of them came that cannot wait. */
  #since = 0;
  #soon: NodeJS.Immediate | null = null;
  #later: NodeJS.Timeout | null = null;

  /** `now`: milliseconds on a clock that never goes back. */
  constructor(post: (messages: Message[]) => void, now = () => performance.now()) {
    this.#post = post;
    this.#now = now;
  }

  put(message: Message): void {
    const now = this.#now();
    if (this.#soon === null) this.#since = now;
    this.#messages.push(message);
    if (now - this.#since > LONGEST_WAIT_MS) this.flush();
    else this.#soon ??= setImmediate(() => this.flush());
  }

  /** For what can wait as long as a packet takes: it goes over with the next message that cannot, which wakes the thread anyway. */
  putLater(message: Message): void {
    this.#messages.push(message);
    if (this.#soon === null) this.#later ??= setTimeout(() => this.flush(), PERIOD_MS);
  }

  /** Hands over what there is. */
  flush(): void {
    if (this.#soon) clearImmediate(this.#soon);
    this.#soon = null;
    if (this.#later) clearTimeout(this.#later);
    this.#later = null;
    if (this.#messages.length === 0) return;
    const messages = this.#messages;
    this.#messages = [];
    this.#post(messages);
  }
}
