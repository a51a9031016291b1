import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { FlowSet } from '../../flows/flow.js';
import { interfaceOf } from '../../flows/flow-interface.js';
import type { DocumentCheck, FlowProblem, Surroundings } from '../../flows/loader.js';
import type { Known } from '../../flows/uses.js';
import { TacetError } from '../errors.js';

/** What a thread is started with. */
export interface CheckJob {
  readonly document: string;
  readonly fileName: string;
  readonly surroundings: Surroundings;
}

export interface CheckLimits {
  /** Longest check in milliseconds. Default 5000; an honest document takes well below one second. */
  readonly deadlineMs: number;
  /** Most that a check may hold, in MiB. Default 256. */
  readonly memoryMb: number;
  /** Most checks under way or waiting. Default 8. */
  readonly most: number;
}

const LIMITS: CheckLimits = { deadlineMs: 5000, memoryMb: 256, most: 8 };
const SCRIPT = new URL('./flow-checker.worker.js', import.meta.url);

/**
 * Checks documents that nobody vouches for beside the flows of a library. Each has a thread of its own that can be
 * stopped: whatever a document costs, calls go on. One at a time, so that no more than one core is ever taken.
 */
export class FlowChecker {
  readonly #flows: Pick<FlowSet, 'values'>;
  readonly #directory: string;
  readonly #known: Known | null;
  readonly #limits: CheckLimits;
  #last: Promise<unknown> = Promise.resolve();
  #pending = 0;
  #running: Worker | null = null;
  #closed = false;

  /**
   * Prompt files of a flow that is not in the library are relative to `directory`. Without `known`, what the
   * configuration has is not looked up.
   */
  constructor(
    flows: Pick<FlowSet, 'values'>,
    directory: string,
    limits: Partial<CheckLimits> = {},
    known: Known | null = null,
  ) {
    this.#flows = flows;
    this.#directory = directory;
    this.#known = known;
    this.#limits = { ...LIMITS, ...limits };
  }

  /** Every problem in the document. Rejects with TacetError `busy` when too many wait, `draining` when closed. */
  async check(document: string): Promise<readonly FlowProblem[]> {
    return (await this.load(document)).problems;
  }

  /** As {@link check}, with the flow when nothing is wrong: reading it here too would hold calls up. */
  async load(
    document: string,
    needs: Pick<Surroundings, 'name' | 'needs'> = {},
    fileName = join(this.#directory, 'document.yaml'),
  ): Promise<DocumentCheck> {
    if (this.#pending >= this.#limits.most) throw new TacetError('busy', 'flows are checked one at a time');
    this.#pending += 1;
    const turn = this.#last.then(() => this.#run(document, needs, fileName));
    this.#last = turn
      .catch(() => {})
      .finally(() => {
        this.#pending -= 1;
      });
    return turn;
  }

  /** Stops the check under way; those that wait are refused. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running?.terminate();
    await this.#last;
  }

  async #run(
    document: string,
    needs: Pick<Surroundings, 'name' | 'needs'>,
    fileName: string,
  ): Promise<DocumentCheck> {
    if (this.#closed) throw new TacetError('draining');
    // Not whole flows: a thread is given a copy.
    const library = new Map([...this.#flows.values()].map((flow) => [flow.name, interfaceOf(flow)]));
    const surroundings = { library, known: this.#known, directory: this.#directory, ...needs };
    const job: CheckJob = { document, fileName, surroundings };
    const worker = new Worker(SCRIPT, {
      name: 'flow-check',
      workerData: job,
      resourceLimits: { maxOldGenerationSizeMb: this.#limits.memoryMb },
    });
    this.#running = worker;
    const deadline = setTimeout(() => void worker.terminate(), this.#limits.deadlineMs);
    const found = await outcome(worker).finally(() => {
      clearTimeout(deadline);
      this.#running = null;
    });
    if (found !== null) return found;
    if (this.#closed) throw new TacetError('draining');
    const message = 'the document takes more time or memory to check than it may';
    const problem = { file: fileName, line: 1, column: 1, message, remedy: 'split it into several flows' };
    return { problems: [problem], flow: null };
  }
}

/** What the thread found, once it has ended; null when it was stopped or ran out of memory or stack. */
function outcome(worker: Worker): Promise<DocumentCheck | null> {
  return new Promise((resolve, reject) => {
    let found: DocumentCheck | null = null;
    worker.once('message', (check: DocumentCheck) => {
      found = check;
    });
    worker.once('error', (error: NodeJS.ErrnoException) => {
      const tooMuch = error.code === 'ERR_WORKER_OUT_OF_MEMORY' || error instanceof RangeError;
      if (!tooMuch) reject(error);
    });
    worker.once('exit', () => resolve(found));
  });
}
