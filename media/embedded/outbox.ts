/** How long a message that nobody waits for may stay, in ms: far below any deadline. */
const LATER_MS = 500;

/**
 * Collects messages for another thread and hands them over together, in their order, at the end of the turn of the
 * event loop: waking a thread costs more than a message.
 */
export class Outbox<Message> {
  readonly #post: (messages: Message[]) => void;
  #messages: Message[] = [];
  #soon: NodeJS.Immediate | null = null;
  #later: NodeJS.Timeout | null = null;

  constructor(post: (messages: Message[]) => void) {
    this.#post = post;
  }

  put(message: Message): void {
    this.#messages.push(message);
    this.#soon ??= setImmediate(() => this.flush());
  }

  /** For a message that may wait for the next one, or for half a second. */
  putLater(message: Message): void {
    this.#messages.push(message);
    this.#later ??= setTimeout(() => this.flush(), LATER_MS);
  }

  /** Hands over what there is. */
  flush(): void {
    if (this.#soon) clearImmediate(this.#soon);
    if (this.#later) clearTimeout(this.#later);
    this.#soon = null;
    this.#later = null;
    if (this.#messages.length === 0) return;
    const messages = this.#messages;
    this.#messages = [];
    this.#post(messages);
  }
}
