import type { Connection, EslEvent } from 'drachtio-modesl';
import { MediaError } from '../media-server.js';
import { word } from './words.js';

/** FreeSWITCH refused a command, or did not confirm it. The text is FreeSWITCH's own. */
export class EslRefusal extends Error {
  constructor(command: string, answer: string) {
    super(`${command}: ${answer.slice(0, 200).trim() || 'no answer'}`);
    this.name = 'EslRefusal';
  }
}

export interface EslLineOptions {
  /** Longest time for an answer, in milliseconds. */
  readonly deadlineMs: number;
  /** Called once, when the connection is gone. */
  readonly onGone: () => void;
}

/**
 * Commands over one event socket that drachtio-modesl reads and writes. Answers carry no number, so their order is
 * all there is: after a missed deadline nobody knows which answer is whose, and the connection is given up.
 */
export class EslLine {
  readonly #connection: Connection;
  readonly #options: EslLineOptions;
  readonly #waiting = new Set<(error: Error) => void>();
  #gone = false;

  constructor(connection: Connection, options: EslLineOptions) {
    this.#connection = connection;
    this.#options = options;
    connection.on('error', () => this.close());
    connection.on('esl::end', () => this.#end());
  }

  get up(): boolean {
    return !this.#gone;
  }

  /** The answer to an API command, as it is. Rejects with MediaError `engine-lost`. */
  api(...words: readonly string[]): Promise<string> {
    const command = words.map(word).join(' ');
    return this.#ask((reply) => this.#connection.api(command, (event) => reply(event.getBody())));
  }

  /** An API command that answers `+OK`. Rejects with EslRefusal otherwise. */
  async confirmed(...words: readonly string[]): Promise<string> {
    const answer = await this.api(...words);
    if (!answer.startsWith('+OK')) throw new EslRefusal(words[0] ?? '', answer);
    return answer;
  }

  /** Has a channel execute an application; resolves when FreeSWITCH has taken the order. `id` comes back in its events. */
  execute(channel: string, id: string, application: string, argument = ''): Promise<void> {
    return this.#execute(channel, id, application, argument, {});
  }

  /** Like {@link execute}; what the channel is told to execute after it waits for its end, instead of running inside it. */
  executeAlone(channel: string, id: string, application: string, argument: string): Promise<void> {
    return this.#execute(channel, id, application, argument, { 'event-lock': 'true' });
  }

  /** Like {@link execute}, again and again until it is stopped. */
  repeat(channel: string, id: string, application: string, argument: string): Promise<void> {
    return this.#execute(channel, id, application, argument, { loops: '-1' });
  }

  async subscribe(events: readonly string[]): Promise<void> {
    const answer = await this.#ask((reply) =>
      this.#connection.subscribe([...events], (event) => reply(event.getHeader('Reply-Text') ?? '')),
    );
    if (!answer.startsWith('+OK')) throw new EslRefusal('event', answer);
  }

  /** Calls the listener for each event of a channel. */
  onEvent(channel: string, listener: (name: string, event: EslEvent) => void): void {
    this.#connection.on(`esl::event::*::${channel}`, (event) =>
      listener(event.getHeader('Event-Name') ?? '', event),
    );
  }

  /** Ends the connection at once. Idempotent. */
  close(): void {
    this.#connection.socket?.destroy();
    this.#end();
  }

  async #execute(
    channel: string,
    id: string,
    application: string,
    argument: string,
    more: Readonly<Record<string, string>>,
  ): Promise<void> {
    const headers = {
      'call-command': 'execute',
      'execute-app-name': word(application),
      ...(argument === '' ? {} : { 'execute-app-arg': word(argument) }),
      ...more,
      'Event-UUID': word(id),
    };
    const answer = await this.#ask((reply) =>
      this.#connection.sendRecv(`sendmsg ${word(channel)}`, headers, (event) =>
        reply(event.getHeader('Reply-Text') ?? ''),
      ),
    );
    if (!answer.startsWith('+OK')) throw new EslRefusal('sendmsg', answer);
  }

  #ask(send: (reply: (answer: string) => void) => void): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#gone) return reject(lost());
      const done = () => {
        clearTimeout(late);
        this.#waiting.delete(fail);
      };
      const fail = (error: Error) => {
        done();
        reject(error);
      };
      const late = setTimeout(() => this.close(), this.#options.deadlineMs);
      this.#waiting.add(fail);
      send((answer) => {
        done();
        resolve(answer);
      });
    });
  }

  #end(): void {
    if (this.#gone) return;
    this.#gone = true;
    for (const fail of [...this.#waiting]) fail(lost());
    this.#options.onGone();
  }
}

function lost(): MediaError {
  return new MediaError('engine-lost', 'the connection to FreeSWITCH is lost');
}
