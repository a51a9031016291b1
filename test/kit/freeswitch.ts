import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Esl, EslRefused } from './esl.js';
import { freePorts } from './ports.js';
import { InstalledProgram, onPath } from './programs.js';

/** The configuration that is shipped. */
const CONFIG = fileURLToPath(new URL('../../../config/freeswitch/', import.meta.url));
const START_MS = 30_000;
/** It takes 6 s to unload; nothing of it is kept. */
const GRACE_MS = 500;
const PLACES = [
  ...['log', 'db', 'run', 'temp', 'cache', 'storage'],
  ...['recordings', 'scripts', 'htdocs', 'certs', 'sounds', 'grammar'],
];
/** Ports for RTP of each server; below those that the system gives away. */
const RTP_PORTS = { first: 20_000, blocks: 20, size: 600 };

const folders = new Set<string>();
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Whether FreeSWITCH can be started here. */
export function freeswitchInstalled(): boolean {
  return onPath('freeswitch');
}

export interface FreeswitchOptions {
  /** Replaces or removes (undefined) variables of its environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * A real FreeSWITCH on free loopback ports, with the shipped configuration and secrets of its own, in a directory of
 * its own. It ends with {@link stop}, {@link kill}, or this process; {@link start} starts it again on the same ports.
 */
export class Freeswitch {
  /** Password of the event socket. */
  readonly eslPassword = randomBytes(16).toString('hex');
  /** What the dialplan wants in the header X-Tacet-Key. */
  readonly key = randomBytes(16).toString('hex');
  readonly eslPort: number;
  readonly sipPort: number;
  /** Where it writes whatever it writes: logs, databases, certificates. Removed with this process. */
  readonly directory: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #program = new InstalledProgram('freeswitch');

  private constructor(eslPort: number, sipPort: number, options: FreeswitchOptions) {
    this.eslPort = eslPort;
    this.sipPort = sipPort;
    this.directory = mkdtempSync(join(tmpdir(), 'tacet-freeswitch-'));
    folders.add(this.directory);
    const rtp = RTP_PORTS.first + RTP_PORTS.size * Math.floor(Math.random() * RTP_PORTS.blocks);
    this.#env = {
      PATH: process.env.PATH,
      FREESWITCH_ESL_PASSWORD: this.eslPassword,
      FREESWITCH_ESL_PORT: String(eslPort),
      FREESWITCH_TACET_KEY: this.key,
      FREESWITCH_SIP_PORT: String(sipPort),
      FREESWITCH_RTP_ADDRESS: '127.0.0.1',
      FREESWITCH_RTP_PORTS_FROM: String(rtp),
      FREESWITCH_RTP_PORTS_TO: String(rtp + RTP_PORTS.size - 1),
      ...options.env,
    };
  }

  /** Resolves when it takes calls. */
  static async start(options: FreeswitchOptions = {}): Promise<Freeswitch> {
    const freeswitch = await Freeswitch.launch(options);
    await freeswitch.#ready();
    return freeswitch;
  }

  /** Starts it and waits for its event socket only: for one that lets nobody in. */
  static async launch(options: FreeswitchOptions = {}): Promise<Freeswitch> {
    const [eslPort = 0, sipPort = 0] = await freePorts(2);
    const freeswitch = new Freeswitch(eslPort, sipPort, options);
    freeswitch.#spawn();
    await freeswitch.#until('listening', () => greeted(freeswitch.eslPort));
    return freeswitch;
  }

  /** Everything it printed, over all its lives. */
  get output(): string {
    return this.#program.output;
  }

  get pid(): number {
    return this.#program.pid;
  }

  /** The entry of `media.freeswitch` for it. */
  get entry(): { host: string; port: number; secret: string; key: string } {
    return { host: '127.0.0.1', port: this.eslPort, secret: this.eslPassword, key: this.key };
  }

  async start(): Promise<void> {
    this.#spawn();
    await this.#ready();
  }

  /** A connection for the test itself. */
  esl(): Promise<Esl> {
    return Esl.connect(this.eslPort, this.eslPassword);
  }

  /** Answer of one API command. */
  async api(line: string): Promise<string> {
    const esl = await this.esl();
    try {
      return await esl.api(line);
    } finally {
      esl.close();
    }
  }

  /** Number of channels that it has now. */
  async channels(): Promise<number> {
    // Its tables of channels and calls are filled later, by another thread.
    const count = /^(\d+) session\(s\) - peak/m.exec(await this.api('status'))?.[1];
    if (count === undefined) throw new Error('freeswitch status: the count of sessions is not where it was');
    return Number(count);
  }

  /** Names of the modules that are loaded, as the system sees them (Linux). */
  get modules(): string[] {
    const files = readFileSync(`/proc/${this.pid}/maps`, 'utf8').matchAll(/\/(mod_\w+)\.so/g);
    return [...new Set([...files].map(([, name = '']) => name))].sort();
  }

  /** Ends it without a word to anybody. */
  kill(): Promise<void> {
    return this.#program.end('SIGKILL');
  }

  /** Ends it; calls are hung up. */
  stop(): Promise<void> {
    return this.#program.end('SIGTERM', GRACE_MS);
  }

  /** Stands still, its sockets open, until {@link resume}. */
  freeze(): void {
    this.#program.freeze();
  }

  resume(): void {
    this.#program.resume();
  }

  #spawn(): void {
    const places = PLACES.flatMap((place) => {
      const path = join(this.directory, place);
      mkdirSync(path, { recursive: true });
      return [`-${place}`, path];
    });
    const flags = ['-conf', CONFIG, ...places, '-nonat', '-nonatmap', '-np', '-nf', '-c'];
    this.#program.spawn(flags, this.#env);
  }

  #ready(): Promise<void> {
    return this.#until('ready', async () => {
      const status = await this.api('sofia status');
      if (!/drachtio_mrf\s.*RUNNING/.test(status)) throw new Error(status);
    });
  }

  #until(what: string, probe: () => Promise<unknown>): Promise<void> {
    const succeeds = () =>
      probe().then(
        () => true,
        () => false,
      );
    return this.#program.until(`${what} on port ${this.eslPort}`, succeeds, START_MS, 50);
  }
}

/** Rejects as long as nothing speaks on the event socket. */
async function greeted(port: number): Promise<void> {
  try {
    (await Esl.connect(port, 'nobody')).close();
  } catch (error) {
    if (!(error instanceof EslRefused)) throw error;
  }
}
