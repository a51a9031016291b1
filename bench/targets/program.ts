import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { within } from '../../test/kit/deadline.js';

const OUTPUT_KEPT = 4000;
const RETRY_MS = 100;

/** A program that the bench started and ends. */
export class Program {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<string>;
  #output = '';

  constructor(name: string, command: string, args: readonly string[], options: SpawnOptions = {}) {
    this.#name = name;
    this.#child = spawn(command, args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#output = (this.#output + chunk.toString('utf8')).slice(-OUTPUT_KEPT);
    });
    this.#exited = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve(error.message));
      this.#child.once('exit', (code, signal) => resolve(`ended with ${signal ?? code}`));
    });
    const kill = (): void => void this.#child.kill('SIGKILL');
    process.once('exit', kill);
    void this.#exited.then(() => process.off('exit', kill));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The result of `probe` as soon as it does not reject. Rejects after `deadlineMs`, or when the program ends. */
  async ready<T>(probe: () => Promise<T>, deadlineMs: number): Promise<T> {
    const over = performance.now() + deadlineMs;
    const ended = this.#exited.then((how): never => {
      throw new Error(`${this.#name} ${how} at its start\n${this.#output.trim()}`);
    });
    ended.catch(() => undefined);
    for (;;) {
      const left = over - performance.now();
      const result = await Promise.race([ended, within(attempt(probe), left, `${this.#name} to be ready`)]);
      if ('value' in result) return result.value;
      if (performance.now() > over) throw result.error;
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, RETRY_MS))]);
    }
  }

  /** Asks it to end, and after `graceMs` ends it. Idempotent. */
  async stop(graceMs: number): Promise<void> {
    this.#child.kill('SIGTERM');
    await within(this.#exited, graceMs, this.#name).catch(() => this.#child.kill('SIGKILL'));
    await this.#exited;
  }
}

async function attempt<T>(probe: () => Promise<T>): Promise<{ value: T } | { error: unknown }> {
  return probe().then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
}
