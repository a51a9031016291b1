import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DeadlineError, within } from './deadline.js';
import { freeSipPort, freeTcpPort, onPath } from './programs.js';

/** The configuration that is shipped. */
const CONFIG = fileURLToPath(new URL('../../../config/drachtio/drachtio.conf.xml', import.meta.url));
const START_MS = 10_000;

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

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
  #child: ChildProcess | null = null;
  #output = '';

  private constructor(adminPort: number, sipPort: number) {
    this.adminPort = adminPort;
    this.sipPort = sipPort;
  }

  static async start(): Promise<Drachtio> {
    const drachtio = new Drachtio(await freeTcpPort(), await freeSipPort());
    await drachtio.start();
    return drachtio;
  }

  /** Everything it printed, over all its lives. */
  get output(): string {
    return this.#output;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** The entry of `sip.drachtio` for it. */
  get entry(): { host: string; port: number; secret: string } {
    return { host: '127.0.0.1', port: this.adminPort, secret: this.secret };
  }

  /** Resolves when applications can connect. */
  async start(): Promise<void> {
    const contact = `sip:127.0.0.1:${this.sipPort};transport=udp,tcp`;
    const args = ['-f', CONFIG, '--contact', contact, '--address', '127.0.0.1'];
    const child = spawn('drachtio', [...args, '--port', String(this.adminPort)], {
      env: { PATH: process.env.PATH, DRACHTIO_SECRET: this.secret },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(child);
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.#output += chunk.toString('utf8');
      });
    }
    child.on('close', () => running.delete(child));
    const started = performance.now();
    while (!(await answers(this.adminPort, this.secret))) {
      if (child.exitCode !== null || performance.now() - started > START_MS) {
        throw new DeadlineError(`drachtio on port ${this.adminPort}\n${this.#output}`, START_MS);
      }
      // A program that does not say when it is ready.
      await pause(20);
    }
  }

  /** Ends it without a word to anybody. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  /** Stands still, its sockets open, until {@link resume}. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'close');
    child.kill(signal);
    await within(closed, 10_000, 'the end of drachtio');
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
