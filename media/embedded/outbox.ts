/**
 * Collects messages for another thread and hands them over together, in their order, at the end of the turn of the
 * event loop: waking a thread costs more than a message.
 */
export class Outbox<Message> {
  readonly #post: (messages: Message[]) => void;
  #messages: Message[] = [];
  #soon: NodeJS.Immediate | null = null;

  constructor(post: (messages: Message[]) => void) {
    this.#post = post;
  }

  put(message: Message): void {
    this.#messages.push(message);
    this.#soon ??= setImmediate(() => this.flush());
  }

  /** Hands over what there is. */
  flush(): void {
    if (this.#soon) clearImmediate(this.#soon);
    this.#soon = null;
    if (this.#messages.length === 0) return;
    const messages = this.#messages;
    this.#messages = [];
    this.#post(messages);
  }
}
