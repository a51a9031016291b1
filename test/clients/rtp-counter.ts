import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { within } from '../kit/deadline.js';

/** What came from one RTP port. Times in ms. */
export interface StreamCount {
  readonly packets: number;
  readonly audible: number;
  readonly lost: number;
  readonly longestGapMs: number;
  readonly firstAt: number;
  readonly lastAt: number;
  /** Of the last packet. */
  readonly sequence: number;
}

/** The audio of many calls on one port, in a thread of its own so that counting delays no packet of the server. */
export class RtpCounter {
  readonly port: number;
  readonly #worker: Worker;

  private constructor(worker: Worker, port: number) {
    this.#worker = worker;
    this.port = port;
  }

  static async open(): Promise<RtpCounter> {
    const worker = new Worker(new URL('./rtp-counter.worker.js', import.meta.url));
    const [{ port }] = await within(once(worker, 'message'), 5000, 'the port of the counter');
    return new RtpCounter(worker, port);
  }

  /** One for each port that something came from. */
  async streams(): Promise<readonly StreamCount[]> {
    this.#worker.postMessage('streams');
    const [{ streams }] = await within(once(this.#worker, 'message'), 5000, 'the counts');
    return streams;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
