import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { within } from './deadline.js';

const ANSWER_MS = 10_000;

/** One frame of the event socket: a header block, and a body when it has a Content-Length. */
interface Frame {
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export class EslRefused extends Error {
  override name = 'EslRefused';
}

/**
 * A connection to FreeSWITCH's event socket that belongs to a test: commands one at a time, and everything that
 * FreeSWITCH says besides, kept as text. It shares nothing with the adapter that it is a witness of.
 */
export class Esl {
  readonly #socket: Socket;
  readonly #waiting: ((frame: Frame | null) => void)[] = [];
  readonly #events: string[] = [];
  readonly #log: string[] = [];
  readonly #watchers = new Set<() => void>();
  #unread = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', () => {});
    socket.on('close', () => {
      for (const settle of this.#waiting.splice(0)) settle(null);
    });
  }

  /** Rejects with {@link EslRefused} when FreeSWITCH does not take the password, or the address. */
  static async connect(port: number, password: string): Promise<Esl> {
    const socket = connect(port, '127.0.0.1');
    await within(once(socket, 'connect'), ANSWER_MS, `event socket on port ${port}`);
    const esl = new Esl(socket);
    const greeting = await esl.#answer();
    if (greeting.headers.get('content-type') !== 'auth/request') {
      esl.close();
      throw new EslRefused(greeting.body.trim());
    }
    const reply = await esl.command(`auth ${password}`);
    if (reply.startsWith('+OK')) return esl;
    esl.close();
    throw new EslRefused(reply);
  }

  /** Reply-Text of a command, or the body of its answer. */
  async command(line: string): Promise<string> {
    const answer = this.#answer();
    this.#socket.write(`${line}\n\n`);
    const { headers, body } = await answer;
    return headers.get('reply-text') ?? body.trim();
  }

  /** Answer of one API command, without the white space around it. */
  api(line: string): Promise<string> {
    return this.command(`api ${line}`);
  }

  /** Keeps every event from now on. */
  async recordEvents(): Promise<void> {
    await this.command('event plain ALL');
  }

  /**
   * Keeps every line that a log file would have at level `debug` from now on. The shipped configuration prints nothing
   * above `err` whatever happens; here the core itself is turned up, as a careless person would.
   */
  async recordLog(): Promise<void> {
    await this.api('fsctl loglevel debug');
    await this.command('log debug');
  }

  /** Events since {@link recordEvents}, each as FreeSWITCH wrote it. */
  get events(): readonly string[] {
    return this.#events;
  }

  /** Lines since {@link recordLog}. */
  get log(): readonly string[] {
    return this.#log;
  }

  /** The first event, recorded or to come, that is as wanted. */
  event(wanted: RegExp): Promise<string> {
    return this.#first(this.#events, wanted);
  }

  /** The same for a line of the log. */
  logged(wanted: RegExp): Promise<string> {
    return this.#first(this.#log, wanted);
  }

  close(): void {
    this.#socket.destroy();
  }

  #first(from: readonly string[], wanted: RegExp): Promise<string> {
    let look = (): void => {};
    const found = new Promise<string>((resolve) => {
      look = () => {
        const text = from.find((one) => wanted.test(one));
        if (text !== undefined) resolve(text);
      };
    });
    this.#watchers.add(look);
    look();
    return within(found, ANSWER_MS, String(wanted)).finally(() => this.#watchers.delete(look));
  }

  async #answer(): Promise<Frame> {
    const frame = await within(
      new Promise<Frame | null>((resolve) => this.#waiting.push(resolve)),
      ANSWER_MS,
      'an answer of FreeSWITCH',
    );
    if (!frame) throw new EslRefused('the connection is closed');
    return frame;
  }

  #read(chunk: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, chunk]);
    for (;;) {
      const end = this.#unread.indexOf('\n\n');
      if (end < 0) return;
      const headers = headersOf(this.#unread.toString('utf8', 0, end));
      const length = Number(headers.get('content-length') ?? 0);
      if (this.#unread.length < end + 2 + length) return;
      const body = this.#unread.toString('utf8', end + 2, end + 2 + length);
      this.#unread = this.#unread.subarray(end + 2 + length);
      this.#take({ headers, body });
    }
  }

  #take(frame: Frame): void {
    const type = frame.headers.get('content-type');
    if (type === 'text/event-plain') this.#events.push(frame.body);
    else if (type === 'log/data') this.#log.push(frame.body);
    else this.#waiting.shift()?.(frame);
    for (const look of this.#watchers) look();
  }
}

function headersOf(text: string): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(': ');
    if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 2));
  }
  return headers;
}
