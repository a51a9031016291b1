import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { DeadlineError, within } from './deadline.js';

/** What a test needs to start a program that is installed on the machine. */

export function onPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A program that is installed on the machine, in one or several lives. It ends with this process at the latest. */
export class InstalledProgram {
  readonly #name: string;
  #child: ChildProcess | null = null;
  #output = '';

  constructor(name: string) {
    this.#name = name;
  }

  /** Everything it printed, over all its lives. */
  get output(): string {
    return this.#output;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  spawn(args: readonly string[], env: NodeJS.ProcessEnv): void {
    const child = spawn(this.#name, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.#output += chunk.toString('utf8');
      });
    }
    child.on('close', () => running.delete(child));
  }

  /** Asks it again and again until it is so; ends it and rejects with all it printed when it ends, or takes too long. */
  async until(
    what: string,
    probe: () => Promise<boolean>,
    deadlineMs: number,
    everyMs: number,
  ): Promise<void> {
    const started = performance.now();
    while (!(await probe())) {
      if (this.#child?.exitCode !== null || performance.now() - started > deadlineMs) {
        this.#child?.kill('SIGKILL');
        throw new DeadlineError(`${this.#name} ${what}\n${this.#output}`, deadlineMs);
      }
      // A program that does not say when it is ready.
      await pause(everyMs);
    }
  }

  /** Stands still, its sockets open, until {@link resume}. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Resolves when it is over. With `graceMs` one that was asked to end is ended after so long; without, it must end. */
  async end(signal: 'SIGTERM' | 'SIGKILL', graceMs?: number): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'close');
    child.kill(signal);
    if (graceMs !== undefined) {
      await within(closed, graceMs, `the end of ${this.#name}`).catch(() => child.kill('SIGKILL'));
    }
    await within(closed, 10_000, `the end of ${this.#name}`);
  }
}
