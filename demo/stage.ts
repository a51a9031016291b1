import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadLibrary } from '../flows/loader.js';
import type { App } from '../server/app.js';
import type { CallEvent } from '../server/call/events.js';
import { Phone } from '../test/kit/phone.js';
import { TestTacet } from '../test/kit/tacet.js';
import { Backstage } from './backstage.js';
import { judge, type Verdict } from './judge.js';
import { Narrator } from './narrator.js';
import type { Capture, Engine, Method } from './options.js';
import { CALLER_HZ, KNOWN, Payment } from './payment.js';
import type { Screen } from './screen.js';
import { SessionWatch } from './session-watch.js';

const LIBRARY = fileURLToPath(new URL('../../flows/library/', import.meta.url));

export interface StageOptions {
  readonly method: Method;
  readonly engine: Engine;
  readonly capture: Capture | null;
  /** Absolute directory of the WAV files. */
  readonly out: string;
  readonly screen: Screen;
  /** Told each event as it is published, with the server: tests plant faults there. */
  readonly onEvent?: ((event: CallEvent, app: App) => void) | undefined;
}

/** Absolute paths of the WAV files. */
export interface SoundFiles {
  readonly agent: string;
  readonly caller: string;
}

/** Seconds of the timeline, which are those of the WAV files too; null for what did not happen. */
export interface Seconds {
  readonly secureFrom: number | null;
  readonly secureUntil: number | null;
  readonly now: number;
}

/** A server and two phones on free loopback ports, and the payment they play. */
export class Stage {
  readonly #options: StageOptions;
  readonly #watch = new SessionWatch();
  readonly #closers: (() => Promise<unknown>)[] = [];
  #payment: Payment | null = null;

  constructor(options: StageOptions) {
    this.#options = options;
  }

  /** Rejects when the payment does not come to its end. */
  async play(): Promise<void> {
    const { method, engine, capture, out, screen } = this.#options;
    await mkdir(out, { recursive: true });
    screen.plain('Starting a server and two phones (the first time, prompts are rendered to speech).\n');
    const telephoneEvent = method !== 'in-band';
    const agentPhone = await this.#own(Phone.start({ user: 'anna' }));
    const callerPhone = await this.#own(Phone.start({ user: 'caller', telephoneEvent }));
    const agents = [{ id: 'anna', uri: agentPhone.uri }];
    let config: Readonly<Record<string, unknown>> = { agents };
    if (engine === 'freeswitch') {
      const backstage = await this.#own(Backstage.open(screen));
      config = { agents, ...backstage.config, secure: { capture } };
    }
    const tacet = await this.#own(TestTacet.start({ config }));
    await this.#listen(tacet.app);
    const payment = new Payment({ tacet, callerPhone, agentPhone, watch: this.#watch, screen, method });
    this.#closers.push(() => payment.close());
    this.#payment = payment;
    await payment.run();
  }

  /** Judges what was heard so far. */
  judge(): Verdict & { readonly confirmationDelivered: boolean } {
    const { agent, confirmationDelivered } = this.#payment ?? { agent: null, confirmationDelivered: false };
    const heard = { packets: agent?.heard.packets ?? [], digits: () => agent?.heardDigits() ?? [] };
    return { ...judge(heard, CALLER_HZ, this.#watch.moments), confirmationDelivered };
  }

  get seconds(): Seconds {
    const zero = this.#payment?.dialledAt ?? performance.now();
    const { activeAt, shieldedUntil } = this.#watch.moments;
    const second = (at: number | null) => (at === null ? null : (at - zero) / 1000);
    return {
      secureFrom: second(activeAt),
      secureUntil: second(shieldedUntil),
      now: (performance.now() - zero) / 1000,
    };
  }

  /** Writes what both heard, from second 0 of the timeline; null when they never talked. */
  async saveSounds(): Promise<SoundFiles | null> {
    const { dialledAt, agent, caller } = this.#payment ?? {};
    if (typeof dialledAt !== 'number' || !agent || !caller) return null;
    const { out } = this.#options;
    const files = { agent: join(out, 'agent-heard.wav'), caller: join(out, 'caller-heard.wav') };
    await agent.saveHeard(files.agent, dialledAt);
    await caller.saveHeard(files.caller, dialledAt);
    return files;
  }

  /** Ends everything, the last begun first, and waits for what is just beginning. */
  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close();
  }

  /** Closes it in the end, also when it is given up while it starts. */
  #own<T extends { close(): Promise<void> }>(opening: Promise<T>): Promise<T> {
    this.#closers.push(async () => {
      const opened = await opening.catch(() => null);
      await opened?.close();
    });
    return opening;
  }

  async #listen(app: App): Promise<void> {
    const { screen, onEvent } = this.#options;
    const narrator = new Narrator(screen, await loadLibrary([LIBRARY]), KNOWN);
    app.events.subscribe((event) => {
      this.#watch.see(event);
      narrator.tell(event);
      onEvent?.(event, app);
    });
  }
}
