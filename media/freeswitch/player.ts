import { randomUUID } from 'node:crypto';
import type { EslEvent } from 'drachtio-modesl';
import type { PlayOutcome } from '../endpoint.js';
import { MediaError } from '../media-server.js';
import type { EslLine } from './esl-line.js';
import { soundPath } from './words.js';

/** What a loop executes beside it can swallow an order to stop: it is given again after this. */
const BREAK_AGAIN_MS = 60;
/** Ends a prompt, and nothing else. No phone can press it: it is none of the events of RFC 4733. */
export const STOP_KEY = 'W';
/** Longest time for FreeSWITCH to begin or to end an application. */
const STEP_MS = 1500;

interface Prompt {
  readonly bargeIn: boolean;
  readonly settle: (outcome: PlayOutcome) => void;
  readonly fail: (error: Error) => void;
}

/** What FreeSWITCH executes on the channel by our order. */
interface Run {
  readonly id: string;
  readonly argument: string;
  /** Null for a loop. */
  readonly prompt: Prompt | null;
  /** It plays: an order to stop would not be lost any more. */
  begun: boolean;
  stopping: boolean;
  /** It was ended in place of one that had ended by itself just then, and must begin anew. */
  again: boolean;
  over: boolean;
}

/**
 * What one channel plays. FreeSWITCH plays one thing at a time: a prompt interrupts the loop, which begins anew behind it.
 * A prompt in place of another is ordered before FreeSWITCH has ended that one, which takes it up to 20 ms.
 *
 * ```
 * silent ──▶ loop ◀──▶ prompt ──▶ prompt
 *    └──▶ set aside for a bridge: no loop ──▶ parked: the loop again
 * ```
 */
export class Player {
  readonly #channel: string;
  readonly #line: EslLine;
  #loop: string | null = null;
  #bridge: 'none' | 'comes' | 'stands' = 'none';
  /** What was ordered last; null when that is over. */
  #run: Run | null = null;
  /** By identifier, all that are not over. */
  readonly #runs = new Map<string, Run>();
  /** The prompt asked for last; one before it that has not begun does not any more. */
  #latest = 0;
  #orders: Promise<void> = Promise.resolve();
  /** The prompt that was sent the last STOP_KEY; null when FreeSWITCH has taken that. */
  #signalled: Run | null = null;
  /** What FreeSWITCH executed last. */
  #executed: Run | null = null;
  readonly #waiting = new Set<() => void>();
  #closed = false;

  constructor(channel: string, line: EslLine) {
    this.#channel = channel;
    this.#line = line;
  }

  /** FreeSWITCH said that it is bridged, and not yet that it is parked. */
  get bridged(): boolean {
    return this.#bridge === 'stands';
  }

  /** Argument of the prompt that FreeSWITCH plays now. */
  get prompt(): string | null {
    return this.#run?.prompt && this.#run.begun ? this.#run.argument : null;
  }

  /** Argument of the loop that FreeSWITCH plays now. */
  get loop(): string | null {
    return this.#run && !this.#run.prompt && this.#run.begun ? this.#run.argument : null;
  }

  /** Plays the files, one after the other. */
  play(files: readonly string[], bargeIn: boolean): Promise<PlayOutcome> {
    if (this.#closed) return Promise.resolve('closed');
    this.#latest += 1;
    const mine = this.#latest;
    const argument = files.length === 1 ? soundPath(files[0] ?? '') : inARow(files);
    return new Promise((resolve, reject) => {
      const prompt: Prompt = { bargeIn, settle: resolve, fail: reject };
      this.#order(async () => {
        const run = this.#run;
        if (run?.prompt) await this.#tellToStop(run);
        else await this.#stop();
        if (mine !== this.#latest) return resolve('interrupted');
        await this.#begin(argument, prompt);
      }).catch((error: Error) => (this.#closed ? resolve('closed') : reject(error)));
    });
  }

  /** Resolves when no prompt plays any more. */
  async stop(): Promise<void> {
    this.#latest += 1;
    const run = this.#run;
    if (run?.prompt) {
      await this.#order(() => this.#tellToStop(run));
      await this.#until(() => run.over, STEP_MS);
    }
    await this.#order(() => this.#resume());
  }

  /** Resolves when it plays, unless a prompt or a bridge is before it; or, for null, when none plays any more. */
  async setLoop(argument: string | null): Promise<void> {
    this.#loop = argument;
    await this.#order(async () => {
      const run = this.#run;
      if (run && !run.prompt && run.argument !== this.#loop) await this.#stop();
      await this.#resume();
    });
  }

  /** Plays nothing from now on: a bridge comes. */
  async makeWay(): Promise<void> {
    this.#bridge = 'comes';
    this.#latest += 1;
    await this.#order(() => this.#stop());
  }

  /** The bridge stands: the next park is its end. */
  joined(): void {
    this.#bridge = 'stands';
  }

  /** There is no bridge. Resolves when the loop plays again. */
  async parted(): Promise<void> {
    this.#bridge = 'none';
    await this.#order(() => this.#resume());
  }

  /** A key was pressed at the far end. */
  key(): void {
    if (this.#run?.prompt?.bargeIn) this.stop().catch(() => {});
  }

  onEvent(name: string, event: EslEvent): void {
    if (name === 'CHANNEL_PARK' && this.#bridge === 'stands') this.parted().catch(() => {});
    const run = this.#runs.get(event.getHeader('Application-UUID') ?? '');
    if (run && name === 'CHANNEL_EXECUTE') this.#executed = run;
    else if (run && name === 'CHANNEL_EXECUTE_COMPLETE') {
      // It did not come to its end when the channel did: what is left to come is the channel's own.
      if (event.getHeader('Answer-State') === 'hangup') return;
      this.#completed(run, event.getHeader('Application-Response'));
    } else if (name === 'DTMF' && event.getHeader('DTMF-Digit') === STOP_KEY) this.#stopKey();
    // It does not say which one.
    else if (name === 'PLAYBACK_START' && this.#executed) this.#executed.begun = true;
    this.#wake();
  }

  /** The channel is over. */
  close(): void {
    this.#closed = true;
    for (const { prompt } of this.#runs.values()) prompt?.settle('closed');
    this.#runs.clear();
    this.#run = null;
    this.#wake();
  }

  /** FreeSWITCH takes one from its queue, and then ends what it executes. */
  #stopKey(): void {
    const meant = this.#signalled;
    this.#signalled = null;
    const hit = this.#executed;
    if (!hit || hit === meant || hit.over || hit.stopping) return;
    if (hit.prompt) hit.again = true;
    else this.#restart(hit);
  }

  /** One round of it has ended, and whether another one begins by itself cannot be known. */
  #restart(loop: Run): void {
    loop.stopping = true;
    this.#order(async () => {
      await this.#stop();
      await this.#resume();
    }).catch(() => {});
  }

  #completed(run: Run, response = ''): void {
    // One round of a loop; the next one begins by itself.
    if (run.prompt === null && !run.stopping) return;
    this.#end(run);
    if (run.prompt === null) return;
    if (run.again && !run.stopping) this.#anew(run.argument, run.prompt);
    else this.#settle(run.prompt, run, response);
  }

  #settle(prompt: Prompt, run: Run, response: string): void {
    if (run.stopping) prompt.settle('interrupted');
    else if (response === 'FILE PLAYED') prompt.settle('finished');
    else prompt.fail(new MediaError('bad-audio', `FreeSWITCH could not play a prompt: ${response}`));
    if (!run.stopping) this.#order(() => this.#resume()).catch(() => {});
  }

  #anew(argument: string, prompt: Prompt): void {
    this.#order(async () => {
      if (this.#run) prompt.settle('interrupted');
      else await this.#begin(argument, prompt);
    }).catch((error: Error) => prompt.fail(error));
  }

  async #begin(argument: string, prompt: Prompt | null): Promise<void> {
    if (this.#closed) return prompt?.settle('closed');
    const run: Run = {
      id: randomUUID(),
      argument,
      prompt,
      begun: false,
      stopping: false,
      again: false,
      over: false,
    };
    this.#run = run;
    this.#runs.set(run.id, run);
    try {
      if (prompt) await this.#line.executeAlone(this.#channel, run.id, 'playback', argument);
      else await this.#line.repeat(this.#channel, run.id, 'playback', argument);
      await this.#until(() => run.begun || run.over, STEP_MS);
    } catch (error) {
      this.#end(run);
      throw error;
    }
  }

  #end(run: Run): void {
    run.over = true;
    this.#runs.delete(run.id);
    if (this.#run === run) this.#run = null;
  }

  /** What is ordered behind a prompt begins in the very moment that FreeSWITCH ends it: `uuid_break` would make it wait. */
  async #tellToStop(run: Run): Promise<void> {
    if (run.stopping || run.over) return;
    run.stopping = true;
    if (run.prompt === null) return void (await this.#line.confirmed('uuid_break', this.#channel, 'all'));
    this.#signalled = run;
    await this.#line.confirmed('uuid_recv_dtmf', this.#channel, STOP_KEY);
  }

  /** Ends what plays; resolves when nothing does. */
  async #stop(): Promise<void> {
    const run = this.#run;
    if (!run) return;
    const started = performance.now();
    await this.#tellToStop(run);
    for (;;) {
      await this.#until(() => run.over, BREAK_AGAIN_MS).catch(() => {});
      if (run.over || this.#closed) return;
      if (performance.now() - started > STEP_MS) {
        throw new MediaError('engine-lost', 'FreeSWITCH goes on playing');
      }
      await this.#line.confirmed('uuid_break', this.#channel, 'all');
    }
  }

  async #resume(): Promise<void> {
    if (this.#run || this.#loop === null || this.#bridge !== 'none' || this.#closed) return;
    await this.#begin(this.#loop, null);
  }

  /** Waits for an event that brings the condition about. */
  #until(condition: () => boolean, ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = () => {
        if (!condition() && !this.#closed) return;
        done();
        resolve();
      };
      const done = () => {
        clearTimeout(late);
        this.#waiting.delete(check);
      };
      const late = setTimeout(() => {
        done();
        reject(new MediaError('engine-lost', 'FreeSWITCH does not do what it was told'));
      }, ms);
      this.#waiting.add(check);
      check();
    });
  }

  #wake(): void {
    for (const check of [...this.#waiting]) check();
  }

  #order(carryOut: () => Promise<void>): Promise<void> {
    const done = this.#orders.then(carryOut);
    this.#orders = done.catch(() => {});
    return done;
  }
}

/** Several files as one to FreeSWITCH, with one end. */
function inARow(files: readonly string[]): string {
  return `file_string://${files.map(soundPath).join('!')}`;
}
