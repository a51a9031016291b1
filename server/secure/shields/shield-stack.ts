import { withDeadline } from '../../abort.js';
import { type Shield, ShieldRefusal } from './shield.js';

export type ShieldChange = 'engaged' | 'released' | 'failed';

/** A shield did not do as told. `shield` names it. */
export class ShieldError extends Error {
  readonly shield: string;
  constructor(shield: string, change: 'engage' | 'release', cause: unknown) {
    const why = cause instanceof ShieldRefusal ? `: ${cause.message}` : '';
    super(`the shield ${shield} did not ${change}${why}`, { cause });
    this.name = 'ShieldError';
    this.shield = shield;
  }
}

/**
 * Engages shields in order, each confirmed before the next, and releases what was engaged in reverse order
 * (DESIGN.md section 2, rules 1, 2 and 6).
 */
export class ShieldStack {
  readonly #shields: readonly Shield[];
  readonly #deadlineMs: number;
  readonly #onChange: (shield: string, change: ShieldChange) => void;
  readonly #engaged: Shield[] = [];
  /** Settles when a change that missed its deadline can have no effect any more. */
  #overdue: Promise<unknown> = Promise.resolve();

  /** `deadlineMs` holds for each shield by itself. */
  constructor(
    shields: readonly Shield[],
    deadlineMs: number,
    onChange: (shield: string, change: ShieldChange) => void,
  ) {
    this.#shields = shields;
    this.#deadlineMs = deadlineMs;
    this.#onChange = onChange;
  }

  /** Names of the engaged shields, in order of engagement. */
  get engaged(): readonly string[] {
    return this.#engaged.map((shield) => shield.name);
  }

  /** Rejects with ShieldError at the first one that fails; that one too counts as engaged, so that it is released. */
  async engage(): Promise<void> {
    for (const shield of this.#shields) {
      this.#engaged.push(shield);
      await this.#change(shield, 'engage');
      this.#onChange(shield.name, 'engaged');
    }
  }

  /**
   * Releases in reverse order. One that fails stops there and rejects with ShieldError: the ones before it,
   * the agent leg among them, stay engaged and the caller must end the call.
   */
  async release(): Promise<void> {
    for (let shield = this.#engaged.at(-1); shield; shield = this.#engaged.at(-1)) {
      await this.#change(shield, 'release');
      this.#engaged.pop();
      this.#onChange(shield.name, 'released');
    }
  }

  /** For when everybody is gone: releases what is engaged in reverse order, past those that fail. Never rejects. */
  async discard(): Promise<void> {
    for (let shield = this.#engaged.pop(); shield; shield = this.#engaged.pop()) {
      const { name } = shield;
      const released = await this.#inTime(shield.release()).catch(() => 'failed' as const);
      this.#onChange(name, released ?? 'released');
    }
  }

  async #change(shield: Shield, change: 'engage' | 'release'): Promise<void> {
    // What comes late must not undo what was asked for after it.
    const work = this.#overdue.then(() => shield[change]());
    try {
      await this.#inTime(work);
    } catch (error) {
      this.#overdue = work.catch(() => {});
      this.#onChange(shield.name, 'failed');
      throw new ShieldError(shield.name, change, error);
    }
  }

  #inTime(work: Promise<void>): Promise<void> {
    return withDeadline(work, this.#deadlineMs, `no confirmation within ${this.#deadlineMs} ms`);
  }
}
