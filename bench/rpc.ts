import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { within } from '../test/kit/deadline.js';

/** What a child process can be asked for: one plain argument, one plain result. */
export type Operations = Readonly<Record<string, (args: never) => unknown>>;

interface Request {
  readonly seq: number;
  readonly op: string;
  readonly args: unknown;
}

interface Reply {
  readonly seq: number;
  readonly value?: unknown;
  readonly error?: string;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** A child process that serves {@link Operations}; it ends with this process. */
export class Child<Ops extends Operations> {
  readonly #process: ChildProcess;
  readonly #name: string;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited: Promise<void>;
  #seq = 0;

  constructor(name: string, entry: URL) {
    this.#name = name;
    this.#process = fork(fileURLToPath(entry), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#process.on('message', (reply: Reply) => this.#take(reply));
    this.#exited = new Promise((resolve) => {
      this.#process.once('exit', (code, signal) => {
        const error = new Error(`the process ${name} ended (${signal ?? code})`);
        for (const { reject } of this.#waiting.values()) reject(error);
        this.#waiting.clear();
        resolve();
      });
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Rejects when the operation fails, the process ends, or after `deadlineMs`. */
  request<Op extends keyof Ops & string>(
    op: Op,
    args: Parameters<Ops[Op]>[0],
    deadlineMs = 60_000,
  ): Promise<Awaited<ReturnType<Ops[Op]>>> {
    this.#seq += 1;
    const request: Request = { seq: this.#seq, op, args };
    const answered = new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(request.seq, { resolve, reject });
      this.#process.send(request, (error) => {
        if (error) reject(error);
      });
    });
    return within(answered, deadlineMs, `${this.#name}: ${op}`) as Promise<Awaited<ReturnType<Ops[Op]>>>;
  }

  /** Resolves when the process is gone. Idempotent. */
  close(): Promise<void> {
    this.#process.kill('SIGKILL');
    return this.#exited;
  }

  #take(reply: Reply): void {
    const waiting = this.#waiting.get(reply.seq);
    this.#waiting.delete(reply.seq);
    if (reply.error === undefined) waiting?.resolve(reply.value);
    else waiting?.reject(new Error(`${this.#name}: ${reply.error}`));
  }
}

/** In the child process: answers requests until the parent is gone. */
export function serve(operations: Operations): void {
  process.on('disconnect', () => process.exit(0));
  // A Ctrl-C in the terminal reaches the whole group; the parent decides when this process ends.
  process.on('SIGINT', () => undefined);
  process.on('message', (request: Request) => void answer(operations, request));
}

async function answer(operations: Operations, { seq, op, args }: Request): Promise<void> {
  const operation = operations[op];
  const reply: Reply = await Promise.resolve()
    .then(() => operation?.(args as never))
    .then(
      (value) => ({ seq, value }),
      (error: unknown) => ({ seq, error: error instanceof Error ? error.message : String(error) }),
    );
  process.send?.(reply);
}
