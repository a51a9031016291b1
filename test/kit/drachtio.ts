import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { freePorts } from './ports.js';
import { InstalledProgram, onPath } from './programs.js';

/** The configuration that is shipped. */
const CONFIG = fileURLToPath(new URL('../../../config/drachtio/drachtio.conf.xml', import.meta.url));
const START_MS = 10_000;

/** Whether drachtio-server can be started here. */
export function drachtioInstalled(): boolean {
  return onPath('drachtio');
}

/**
 * A real drachtio-server on free loopback ports, with the shipped configuration and a secret of its own. It ends
 * with {@link stop}, {@link kill}, or this process; {@link start} starts it again on the same ports.
 */
export class Drachtio {
  readonly secret = randomBytes(16).toString('hex');
  readonly adminPort: number;
  readonly sipPort: number;
  readonly #program = new InstalledProgram('drachtio');

  private constructor(adminPort: number, sipPort: number) {
    this.adminPort = adminPort;
    this.sipPort = sipPort;
  }

  static async start(): Promise<Drachtio> {
    const [adminPort = 0, sipPort = 0] = await freePorts(2);
    const drachtio = new Drachtio(adminPort, sipPort);
    await drachtio.start();
    return drachtio;
  }

  /** Everything it printed, over all its lives. */
  get output(): string {
    return this.#program.output;
  }

  get pid(): number {
    return this.#program.pid;
  }

  /** The entry of `sip.drachtio` for it. */
  get entry(): { host: string; port: number; secret: string } {
    return { host: '127.0.0.1', port: this.adminPort, secret: this.secret };
  }

  /** Resolves when applications can connect. */
  async start(): Promise<void> {
    const contact = `sip:127.0.0.1:${this.sipPort};transport=udp,tcp`;
    const args = ['-f', CONFIG, '--contact', contact, '--address', '127.0.0.1'];
    const env = { PATH: process.env.PATH, DRACHTIO_SECRET: this.secret };
    this.#program.spawn([...args, '--port', String(this.adminPort)], env);
    const ready = () => answers(this.adminPort, this.secret);
    await this.#program.until(`on port ${this.adminPort}`, ready, START_MS, 20);
  }

  /** Ends it without a word to anybody. */
  kill(): Promise<void> {
    return this.#program.end('SIGKILL');
  }

  stop(): Promise<void> {
    return this.#program.end('SIGTERM');
  }

  /** Stands still, its sockets open, until {@link resume}. */
  freeze(): void {
    this.#program.freeze();
  }

  resume(): void {
    this.#program.resume();
  }
}

/** It lets applications in before it knows where it listens itself, and serves them ill until then. */
async function answers(port: number, secret: string): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    const hello = `kit|authenticate|${secret}|`;
    socket.write(`${hello.length}#${hello}`);
    const [reply] = (await once(socket, 'data')) as [Buffer];
    return /\|response\|kit\|OK\|[a-z]+\//.test(reply.toString('utf8'));
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
