import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { DeadlineError, within } from '../kit/deadline.js';

/** Debian package that brings each program. */
const PACKAGES = { sipp: 'sip-tester', baresip: 'baresip-core', linphonec: 'linphone-cli' } as const;

export type Program = keyof typeof PACKAGES;

function find(program: Program): string | null {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

/**
 * For the `skip` option of a test: why it cannot run here, or false when it can. With
 * TACET_REQUIRE_CLIENTS=1 nothing is skipped; the test then fails for want of the program.
 */
export function missing(...programs: Program[]): string | false {
  if (process.env.TACET_REQUIRE_CLIENTS === '1') return false;
  const absent = programs.filter((program) => find(program) === null);
  return absent.length > 0 && absent.map(absence).join('; ');
}

function absence(program: Program): string {
  return `${program} is not on the PATH (Debian: apt-get install ${PACKAGES[program]})`;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export interface Exit {
  /** Exit code, or null when a signal ended it. */
  readonly code: number | null;
  /** Everything it printed. */
  readonly output: string;
}

/** A program under test control: it ends with {@link stop}, with its deadline, or with this process. */
export class RunningProgram {
  readonly exited: Promise<Exit>;
  readonly #name: string;
  readonly #child: ChildProcess;
  #output = '';
  #late = false;

  private constructor(name: Program, child: ChildProcess, deadlineMs: number) {
    this.#name = name;
    this.#child = child;
    running.add(child);
    const timer = setTimeout(() => {
      this.#late = true;
      child.kill('SIGKILL');
    }, deadlineMs);
    const take = (chunk: Buffer) => {
      this.#output += chunk.toString('utf8');
    };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
    this.exited = once(child, 'close').then(([code]: (number | null)[]) => {
      clearTimeout(timer);
      running.delete(child);
      if (this.#late) throw new DeadlineError(`the end of ${name}\n${this.#output.slice(-2000)}`, deadlineMs);
      return { code: code ?? null, output: this.#output };
    });
    // Whoever waits sees the failure; nobody has to.
    this.exited.catch(() => undefined);
  }

  /** Throws when the program is not on the PATH. `env`: variables beside those of this process. */
  static start(
    name: Program,
    args: readonly string[],
    deadlineMs: number,
    env: NodeJS.ProcessEnv = {},
  ): RunningProgram {
    const path = find(name);
    if (path === null) throw new Error(absence(name));
    const child = spawn(path, args, { stdio: 'pipe', env: { ...process.env, ...env } });
    // It has no more to read when it has ended; that is seen there.
    child.stdin.on('error', () => {});
    return new RunningProgram(name, child, deadlineMs);
  }

  /** How much it has printed: what is waited for next comes after it. */
  get mark(): number {
    return this.#output.length;
  }

  /** Types a line. */
  type(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Resolves when the output holds `text`, after `since`. Rejects when the program ends before, or after `ms`. */
  async printed(text: string, ms: number, since = 0): Promise<void> {
    let check = () => {};
    const seen = new Promise<void>((resolve, reject) => {
      check = () => {
        if (this.#output.includes(text, since)) resolve();
      };
      this.#child.stdout?.on('data', check);
      this.#child.stderr?.on('data', check);
      check();
      const ended = () => reject(new Error(`${this.#name} ended early: ${this.#output.slice(-2000)}`));
      this.exited.then(ended, ended);
    });
    try {
      await within(seen, ms, `"${text}" from ${this.#name}`);
    } finally {
      this.#child.stdout?.off('data', check);
      this.#child.stderr?.off('data', check);
    }
  }

  /** Ends it: SIGTERM, and SIGKILL a second later. Idempotent. */
  async stop(): Promise<void> {
    if (!running.has(this.#child)) return;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 1000);
    await this.exited.catch(() => undefined);
    clearTimeout(timer);
  }
}
