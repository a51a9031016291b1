/** Something that sends one packet each 20 ms. */
export interface Ticker {
  /** `now` is the time at which its turn came, on the clock's own clock. */
  tick(now: number): void;
  /** This many packets were skipped: time passed without them. */
  skip(packets: number): void;
}

export interface PacketClockOptions {
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number;
  readonly setTimer: (run: () => void, ms: number) => unknown;
  readonly clearTimer: (timer: never) => void;
  /** Told how late each group of packets left, in ms, once per 20 ms and group. */
  readonly onLateness: (ms: number) => void;
}

export const PERIOD_MS = 20;
/** Tickers are spread over this many groups, so that the packets of many do not leave in one burst. */
const GROUPS = 4;
/** A group takes so many before the next one is opened: each has to be woken for, and a burst of them takes a millisecond. */
const WORTH_A_GROUP = 128;
/** Packets sent at most at once by one ticker after a stall; the rest is skipped. */
const MOST_CATCH_UP = 3;
/** Timers have a resolution of 1 ms: a packet leaves this much early rather than by a timer of its own. */
const EARLY_MS = 1;

interface Group {
  due: number;
  readonly tickers: Ticker[];
}

/** One timer for all tickers, corrected for drift: each is due at a fixed phase, whatever the timer did before. */
export class PacketClock {
  readonly #options: PacketClockOptions;
  readonly #groups: Group[];
  readonly #groupOf = new Map<Ticker, Group>();
  #timer: unknown = null;
  /** When the timer fires, at the latest. */
  #timerDue = Number.POSITIVE_INFINITY;

  constructor(options: PacketClockOptions) {
    this.#options = options;
    this.#groups = Array.from({ length: GROUPS }, () => ({ due: 0, tickers: [] }));
  }

  get size(): number {
    return this.#groupOf.size;
  }

  /** Starts ticking within 20 ms, in the first group that has room, in the emptiest when none has. Adding twice does nothing. */
  add(ticker: Ticker): void {
    if (this.#groupOf.has(ticker)) return;
    if (this.#groupOf.size === 0) this.#align();
    const group =
      this.#groups.find(({ tickers }) => tickers.length < WORTH_A_GROUP) ??
      this.#groups.reduce((best, other) => (other.tickers.length < best.tickers.length ? other : best));
    if (group.tickers.length === 0) this.#catchUpIdle(group);
    group.tickers.push(ticker);
    this.#groupOf.set(ticker, group);
    if (group.due < this.#timerDue) this.#schedule();
  }

  remove(ticker: Ticker): void {
    const group = this.#groupOf.get(ticker);
    if (!group) return;
    this.#groupOf.delete(ticker);
    const last = group.tickers.pop();
    if (last && last !== ticker) group.tickers[group.tickers.indexOf(ticker)] = last;
    // A timer that finds nothing to do costs less than one for each call that ends.
    if (this.#groupOf.size === 0) this.#schedule();
  }

  #align(): void {
    const now = this.#options.now();
    for (const [index, group] of this.#groups.entries()) group.due = now + (index * PERIOD_MS) / GROUPS;
  }

  /** A group without tickers is not served; its phase is kept. */
  #catchUpIdle(group: Group): void {
    const behind = this.#options.now() - group.due;
    if (behind > 0) group.due += Math.ceil(behind / PERIOD_MS) * PERIOD_MS;
  }

  #schedule(): void {
    if (this.#timer !== null) this.#options.clearTimer(this.#timer as never);
    this.#timer = null;
    let due = Number.POSITIVE_INFINITY;
    for (const group of this.#groups) if (group.tickers.length > 0 && group.due < due) due = group.due;
    this.#timerDue = due;
    if (due === Number.POSITIVE_INFINITY) return;
    const wait = Math.max(1, Math.ceil(due - this.#options.now()));
    this.#timer = this.#options.setTimer(this.#fire, wait);
  }

  readonly #fire = (): void => {
    this.#timer = null;
    for (const group of this.#groups) {
      const now = this.#options.now();
      if (group.tickers.length > 0 && group.due <= now + EARLY_MS) this.#serve(group, now);
    }
    this.#schedule();
  };

  #serve(group: Group, now: number): void {
    const missed = Math.max(0, Math.floor((now - group.due) / PERIOD_MS));
    const sent = Math.min(missed + 1, MOST_CATCH_UP);
    for (let packet = 0; packet < sent; packet += 1) {
      for (const ticker of group.tickers) ticker.tick(now);
    }
    const skipped = missed + 1 - sent;
    if (skipped > 0) for (const ticker of group.tickers) ticker.skip(skipped);
    this.#options.onLateness(Math.max(0, this.#options.now() - group.due));
    group.due += (missed + 1) * PERIOD_MS;
  }
}
