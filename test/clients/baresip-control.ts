import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { within } from '../kit/deadline.js';

/** An event of baresip's ctrl_tcp module, such as `CALL_ESTABLISHED`. */
export interface BaresipEvent {
  readonly type: string;
  readonly param: string;
}

interface Message {
  readonly event?: boolean;
  readonly type?: string;
  readonly param?: string;
  readonly ok?: boolean;
  readonly data?: string;
}

/** Takes the complete netstrings (`<length>:<bytes>,`) off the front of a buffer. */
export function readNetstrings(buffer: Buffer): { texts: string[]; rest: Buffer } {
  const texts: string[] = [];
  let rest = buffer;
  for (;;) {
    const colon = rest.indexOf(':');
    const end = colon + 1 + Number(rest.subarray(0, Math.max(0, colon)).toString('ascii'));
    if (colon < 1 || rest.length <= end) return { texts, rest };
    texts.push(rest.subarray(colon + 1, end).toString('utf8'));
    rest = rest.subarray(end + 1);
  }
}

/** The control connection of a running baresip: commands one after the other, and its events. */
export class BaresipControl {
  readonly events: BaresipEvent[] = [];
  readonly #socket: Socket;
  readonly #listeners = new Set<() => void>();
  readonly #answers: ((message: Message) => void)[] = [];
  #received: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      const { texts, rest } = readNetstrings(Buffer.concat([this.#received, chunk]));
      this.#received = rest;
      for (const text of texts) this.#take(JSON.parse(text));
    });
  }

  static async open(port: number): Promise<BaresipControl> {
    const socket = connect(port, '127.0.0.1');
    try {
      await within(once(socket, 'connect'), 2000, 'the control connection of baresip');
    } catch (error) {
      socket.destroy();
      throw error;
    }
    return new BaresipControl(socket);
  }

  /** Rejects when baresip says no, or nothing for two seconds. */
  async command(command: string, params = ''): Promise<string> {
    const body = JSON.stringify({ command, params, token: command });
    const answered = new Promise<Message>((resolve) => this.#answers.push(resolve));
    this.#socket.write(`${Buffer.byteLength(body)}:${body},`);
    const answer = await within(answered, 2000, `baresip's answer to ${command}`);
    if (answer.ok !== true) throw new Error(`baresip refused ${command} ${params}: ${answer.data ?? ''}`);
    return answer.data ?? '';
  }

  /** The first event of one of these types at or after `from` in {@link events}; waits for it at most `ms`. */
  async waitFor(types: readonly string[], ms: number, from = 0): Promise<BaresipEvent> {
    let check = () => {};
    const seen = new Promise<BaresipEvent>((resolve) => {
      check = () => {
        const event = this.events.slice(from).find(({ type }) => types.includes(type));
        if (event) resolve(event);
      };
      this.#listeners.add(check);
      check();
    });
    try {
      return await within(seen, ms, `${types.join(' or ')} from baresip`);
    } finally {
      this.#listeners.delete(check);
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(message: Message): void {
    if (message.event !== true) {
      this.#answers.shift()?.(message);
      return;
    }
    this.events.push({ type: message.type ?? '', param: message.param ?? '' });
    for (const listener of [...this.#listeners]) listener();
  }
}
