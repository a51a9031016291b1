import type { Cancel, SipClock } from './clock.js';

/**
 * An explicit transition table: for each state, what each event leads to and which actions run on the way.
 * An event without a row is illegal in that state.
 */
export type TransitionTable<S extends string, E extends string, A extends string> = {
  readonly [state in S]: { readonly [event in E]?: readonly [next: S, ...actions: A[]] };
};

/** Thrown for an event that the table does not allow in the present state. */
export class IllegalTransition extends Error {
  constructor(state: string, event: string) {
    super(`event ${event} is not allowed in state ${state}`);
    this.name = 'IllegalTransition';
  }
}

/**
 * Runs a transition table. Messages, timers and failures are all events. A timer belongs to the state that
 * armed it: leaving the state stops it. An event raised by an action is handled after the present one.
 */
export class Machine<S extends string, E extends string, A extends string> {
  readonly #table: TransitionTable<S, E, A>;
  readonly #perform: (action: A) => void;
  readonly #clock: SipClock;
  readonly #timers = new Map<E, Cancel>();
  readonly #queue: E[] = [];
  #state: S;
  #running = false;

  constructor(table: TransitionTable<S, E, A>, initial: S, clock: SipClock, perform: (action: A) => void) {
    this.#table = table;
    this.#state = initial;
    this.#clock = clock;
    this.#perform = perform;
  }

  get state(): S {
    return this.#state;
  }

  /** Whether the table has a row for the event in the present state. */
  allows(event: E): boolean {
    return this.#table[this.#state][event] !== undefined;
  }

  /** @throws IllegalTransition */
  fire(event: E): void {
    this.#queue.push(event);
    if (this.#running) return;
    this.#running = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) this.#step(next);
    } finally {
      this.#running = false;
    }
  }

  /** Raises `event` after `ms` unless the state is left before; at once when `ms` is 0. */
  arm(event: E, ms: number): void {
    this.#timers.get(event)?.();
    if (ms <= 0) {
      this.fire(event);
      return;
    }
    const fired = () => {
      this.#timers.delete(event);
      this.fire(event);
    };
    this.#timers.set(event, this.#clock.after(ms, fired));
  }

  /** Stops every timer; for a machine that is thrown away. */
  stop(): void {
    this.#stopTimers();
    this.#queue.length = 0;
  }

  #stopTimers(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  #step(event: E): void {
    const row = this.#table[this.#state][event];
    if (!row) throw new IllegalTransition(this.#state, event);
    const [next, ...rest] = row;
    const actions = rest as A[];
    if (next !== this.#state) {
      this.#stopTimers();
      this.#state = next;
    }
    for (const action of actions) this.#perform(action);
  }
}
