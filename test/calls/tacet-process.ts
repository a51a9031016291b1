import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import type { CallEvent, CallEventBody } from '../../server/call/events.js';
import { DeadlineError, within } from '../kit/deadline.js';

const MAIN = fileURLToPath(new URL('../../server/main.js', import.meta.url));
/** As the tests in one process have it, so that no text is spoken twice. */
const PROMPT_CACHE = fileURLToPath(new URL('../../prompt-cache/', import.meta.url));

type EventOf<T extends CallEventBody['type']> = Extract<CallEvent, { type: T }>;

/** Tacet as `npm start` runs it, in a process of its own on free loopback ports; its events are read over HTTP. */
export class TacetProcess {
  readonly events: CallEvent[] = [];
  readonly pid: number;
  /** Everything it writes is in here: its log, its data. Removed by {@link stop}. */
  readonly directory: string;
  readonly #process: ChildProcess;
  readonly #sipPort: string;
  readonly #httpUrl: string;
  readonly #token: string;
  readonly #waiting = new Set<() => void>();
  readonly #reading = new AbortController();

  private constructor(child: ChildProcess, directory: string, greeting: string) {
    this.#process = child;
    this.directory = directory;
    this.pid = child.pid ?? 0;
    this.#sipPort = /sip:\S+@127\.0\.0\.1:(\d+)/.exec(greeting)?.[1] ?? '';
    this.#httpUrl = /(http:\/\/\S+)\/docs/.exec(greeting)?.[1] ?? '';
    this.#token = readFileSync(join(directory, 'data', 'api-token'), 'utf8').trim();
  }

  /** `config` as in tacet.yaml, over the defaults section by section; `flows` by name. Rejects with what it printed. */
  static async start(
    config: Readonly<Record<string, unknown>>,
    flows: Readonly<Record<string, string>> = {},
  ): Promise<TacetProcess> {
    const directory = mkdtempSync(join(tmpdir(), 'tacet-process-'));
    mkdirSync(join(directory, 'data'), { mode: 0o700 });
    mkdirSync(PROMPT_CACHE, { recursive: true });
    symlinkSync(PROMPT_CACHE, join(directory, 'data', 'prompts'));
    mkdirSync(join(directory, 'flows'));
    for (const [name, text] of Object.entries(flows)) {
      writeFileSync(join(directory, 'flows', `${name}.yaml`), text);
    }
    const all = {
      sip: { address: '127.0.0.1', port: 0, floodLimit: { requestsPerSecond: 0 } },
      media: { address: '127.0.0.1', rtpPorts: { from: 20000, to: 29999 } },
      http: { port: 0 },
      flows: { directories: [join(directory, 'flows')] },
      ...config,
    };
    writeFileSync(join(directory, 'tacet.yaml'), stringify(all));
    return TacetProcess.#launch(directory);
  }

  static async #launch(directory: string): Promise<TacetProcess> {
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !name.startsWith('TACET_')),
    );
    const log = openSync(join(directory, 'log'), 'a');
    const child = spawn(process.execPath, [MAIN], { cwd: directory, env, stdio: ['ignore', log, 'pipe'] });
    closeSync(log);
    try {
      const tacet = new TacetProcess(child, directory, await greetingOf(child));
      await tacet.#follow();
      return tacet;
    } catch (error) {
      child.kill('SIGKILL');
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  uri(user: string): string {
    return `sip:${user}@127.0.0.1:${this.#sipPort}`;
  }

  /** The text of a page of the API. Rejects when the answer is no success. */
  async get(path: string): Promise<string> {
    const headers = { authorization: `Bearer ${this.#token}` };
    const response = await fetch(this.#httpUrl + path, { headers, signal: AbortSignal.timeout(10_000) });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return response.text();
  }

  /** What the API answers to a body. Rejects when the answer is no success. */
  async post<T>(path: string, body: unknown): Promise<T> {
    const response = await fetch(this.#httpUrl + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }

  /** The first event of this type that matches, past or to come. */
  async event<T extends CallEventBody['type']>(
    type: T,
    matches: (event: EventOf<T>) => boolean = () => true,
    deadlineMs = 20_000,
  ): Promise<EventOf<T>> {
    const find = () =>
      this.events.find((event): event is EventOf<T> => event.type === type && matches(event as EventOf<T>));
    await this.until(() => find() !== undefined, `event ${type}`, deadlineMs);
    return find() as EventOf<T>;
  }

  /** Waits, event by event, until the condition holds. */
  until(condition: () => boolean, what: string, deadlineMs = 20_000): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const settle = (error?: Error) => {
        clearTimeout(late);
        this.#waiting.delete(look);
        if (error) reject(error);
        else resolve();
      };
      const look = () => condition() && settle();
      const late = setTimeout(() => settle(new DeadlineError(what, deadlineMs)), deadlineMs);
      this.#waiting.add(look);
    });
  }

  /** Sends SIGTERM and resolves with the exit code, which is 0 when it ended in order. */
  async stop(): Promise<number | null> {
    this.#reading.abort();
    const exit = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    try {
      const [code] = (await within(exit, 45_000, 'the exit of Tacet')) as [number | null];
      return code;
    } finally {
      this.#process.kill('SIGKILL');
      rmSync(this.directory, { recursive: true, force: true });
    }
  }

  /** Ends it with SIGKILL: it can do nothing more. */
  async kill(): Promise<void> {
    this.#reading.abort();
    const exit = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await within(exit, 10_000, 'the exit of Tacet');
  }

  /** Another process with the configuration and the data of this one, which was killed. */
  again(): Promise<TacetProcess> {
    return TacetProcess.#launch(this.directory);
  }

  /** Resolves when the stream of events stands; events are then taken in until {@link stop}. */
  async #follow(): Promise<void> {
    const response = await fetch(`${this.#httpUrl}/api/v1/events`, {
      headers: { authorization: `Bearer ${this.#token}`, 'last-event-id': '0' },
      signal: this.#reading.signal,
    });
    if (!response.body) throw new Error(`no events: ${response.status}`);
    // The end of the stream, wanted or not, leaves those who wait to their deadlines.
    void this.#read(response.body).catch(() => {});
  }

  async #read(body: AsyncIterable<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = '';
    for await (const chunk of body) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line.startsWith('data: ')) this.events.push(JSON.parse(line.slice(6)) as CallEvent);
      }
      for (const look of [...this.#waiting]) look();
    }
  }
}

/** What it says on standard error up to `ready` and where it listens. */
function greetingOf(child: ChildProcess): Promise<string> {
  let said = '';
  const greeted = new Promise<string>((resolve, reject) => {
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (/\/docs.*\n/.test(said)) resolve(said);
    });
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`Tacet ended with ${code}: ${said}`)));
  });
  return within(greeted, 60_000, 'Tacet ready');
}
