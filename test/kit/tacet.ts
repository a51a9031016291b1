import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { loadConfig } from '../../config/config.js';
import { type App, buildApp, type Listening } from '../../server/app.js';
import type { CallEvent } from '../../server/call/events.js';
import { Drachtio } from './drachtio.js';
import { Freeswitch } from './freeswitch.js';

/** Spoken prompts are shared by all tests of a checkout, so that each text is rendered once. */
const PROMPT_CACHE = fileURLToPath(new URL('../../prompt-cache/', import.meta.url));

/** What the tests of this process run on. */
export const STACK = {
  freeswitch: process.env.TACET_TEST_MEDIA === 'freeswitch',
  /** The customer leaves the media server while a secure session lasts. */
  vault: process.env.TACET_TEST_MEDIA === 'freeswitch' && process.env.TACET_TEST_CAPTURE !== 'media-server',
};

/** The FreeSWITCH of this process, for all its Tacets: with TACET_TEST_MEDIA=freeswitch. It takes seconds to start. */
let freeswitch: Promise<Freeswitch> | null = null;
// Outside of tests, as in the demo, a hook would print a report of no tests.
if (STACK.freeswitch) after(async () => (await freeswitch)?.stop());

export interface TacetOptions {
  /** Merged over the test defaults, section by section; keys as in tacet.yaml. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Flow documents by name, beside the library. */
  readonly flows?: Readonly<Record<string, string>>;
}

/** What the API answered. */
export interface Answer<T = unknown> {
  readonly status: number;
  readonly body: T;
}

type EventOf<T extends CallEvent['type']> = Extract<CallEvent, { type: T }>;

/** A whole Tacet in this process on free loopback ports, with what tests need to look at. */
export class TestTacet {
  readonly app: App;
  readonly listening: Listening;
  /** Every line the log wrote. */
  readonly logLines: string[];
  readonly events: CallEvent[] = [];
  readonly dataDirectory: string;
  readonly token: string;
  /** The real drachtio-server under it, with TACET_TEST_SIP=drachtio; otherwise null. */
  readonly drachtio: Drachtio | null;
  readonly #waiting = new Set<() => void>();

  private constructor(
    app: App,
    listening: Listening,
    logLines: string[],
    dataDirectory: string,
    drachtio: Drachtio | null,
  ) {
    this.app = app;
    this.listening = listening;
    this.logLines = logLines;
    this.dataDirectory = dataDirectory;
    this.drachtio = drachtio;
    this.token = readFileSync(join(dataDirectory, 'api-token'), 'utf8').trim();
    app.events.subscribe((event) => {
      this.events.push(event);
      // What an event announces may be done a few promise turns later.
      setImmediate(() => {
        for (const wake of [...this.#waiting]) wake();
      });
    });
  }

  static async start(options: TacetOptions = {}): Promise<TestTacet> {
    const directory = mkdtempSync(join(tmpdir(), 'tacet-test-'));
    const dataDirectory = join(directory, 'data');
    mkdirSync(dataDirectory, { mode: 0o700 });
    mkdirSync(PROMPT_CACHE, { recursive: true });
    symlinkSync(PROMPT_CACHE, join(dataDirectory, 'prompts'));
    const flows = join(directory, 'flows');
    mkdirSync(flows);
    for (const [name, text] of Object.entries(options.flows ?? {})) {
      writeFileSync(join(flows, `${name}.yaml`), text);
    }
    const file = join(directory, 'tacet.yaml');
    const drachtio = process.env.TACET_TEST_SIP === 'drachtio' ? await Drachtio.start() : null;
    if (STACK.freeswitch) freeswitch ??= Freeswitch.start();
    const defaults: Record<string, unknown> = {
      sip: { address: '127.0.0.1', port: 0, ...(drachtio ? { drachtio: [drachtio.entry] } : {}) },
      media: {
        address: '127.0.0.1',
        rtpPorts: { from: 20000, to: 29999 },
        ...(freeswitch ? { engine: 'freeswitch', freeswitch: [(await freeswitch).entry] } : {}),
      },
      secure: process.env.TACET_TEST_CAPTURE ? { capture: process.env.TACET_TEST_CAPTURE } : {},
      http: { port: 0 },
      flows: { directories: [flows] },
      dataDirectory,
    };
    const merged: Record<string, unknown> = { ...defaults };
    for (const [key, value] of Object.entries(options.config ?? {})) {
      const base = defaults[key];
      merged[key] = isSection(base) && isSection(value) ? { ...base, ...value } : value;
    }
    writeFileSync(file, stringify(merged));
    const logLines: string[] = [];
    try {
      const config = loadConfig({ file, env: {}, cwd: directory });
      const app = await buildApp(config, { logDestination: { write: (line) => logLines.push(line) } });
      return new TestTacet(app, await app.start(), logLines, dataDirectory, drachtio);
    } catch (error) {
      await drachtio?.stop();
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  uri(user: string): string {
    return `sip:${user}@127.0.0.1:${this.listening.sipPort}`;
  }

  /** `seq` of the newest event: those that are still to come have a greater one. */
  get mark(): number {
    return this.events.at(-1)?.seq ?? 0;
  }

  async api<T>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    const response = await fetch(`${this.listening.httpUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    return { status: response.status, body: (text === '' ? null : JSON.parse(text)) as T };
  }

  /** The first event of this type that matches, past or to come. Rejects after `deadlineMs` with what did happen. */
  async event<T extends CallEvent['type']>(
    type: T,
    matches: (event: EventOf<T>) => boolean = () => true,
    deadlineMs = 15_000,
  ): Promise<EventOf<T>> {
    const find = () =>
      this.events.find((event): event is EventOf<T> => event.type === type && matches(event as EventOf<T>));
    await this.until(() => find() !== undefined, `event ${type}`, deadlineMs);
    return find() as EventOf<T>;
  }

  /** Waits, event by event, until the condition holds. */
  until(condition: () => boolean, what: string, deadlineMs = 15_000): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const wake = () => {
        if (!condition()) return;
        clearTimeout(late);
        this.#waiting.delete(wake);
        resolve();
      };
      const late = setTimeout(() => {
        this.#waiting.delete(wake);
        const happened = this.events.map((event) => JSON.stringify(event)).join('\n  ');
        reject(new Error(`${what} did not happen within ${deadlineMs} ms. What did:\n  ${happened}`));
      }, deadlineMs);
      this.#waiting.add(wake);
    });
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.drachtio?.stop();
    rmSync(join(this.dataDirectory, '..'), { recursive: true, force: true });
  }
}

function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
