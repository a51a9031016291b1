/** RTP clock units of one 20 ms tick. */
const TICK_UNITS = 160;
const LONGEST_UNITS = 0xffff;
/** The end of an event is sent three times (RFC 4733 section 2.5.1.4): once, and twice again. */
const END_REPEATS = 2;
const SHORTEST_TONE_UNITS = 480;
const LONGEST_QUEUE = 64;

/** Where a {@link KeySender} puts its packets. */
export interface KeyOutput {
  /** One telephone-event packet; all of one key share `startedAt`, the RTP timestamp at which it began. */
  sendEvent(event: number, end: boolean, duration: number, startedAt: number, marker: boolean): void;
  /** Starts the tone of a key that cannot go as an event; it fills the audio of the coming ticks. */
  startTone(event: number, duration: number): void;
}

interface Key {
  readonly event: number;
  /** Clock units; null while a relayed key is still held. */
  duration: number | null;
  readonly gap: number;
  readonly relayed: boolean;
  readonly done: (() => void) | null;
}

/**
 * Presses keys towards the far end, one after the other: as RFC 4733 events when the far end takes them,
 * as tones otherwise. Driven once per 20 ms tick.
 *
 *   idle ──▶ sending (an event packet per tick) ──▶ repeating (the end twice again) ──▶ gap ──▶ idle
 *        └─▶ tone (audio of the tick is the tone) ────────────────────────────────────▶ gap
 */
export class KeySender {
  readonly #output: KeyOutput;
  readonly #queue: Key[] = [];
  #current: Key | null = null;
  #startedAt = 0;
  #sent = 0;
  #asTone = false;
  #ended = false;
  #repeats = 0;
  #gapLeft = 0;

  constructor(output: KeyOutput) {
    this.#output = output;
  }

  get idle(): boolean {
    return this.#current === null && this.#queue.length === 0;
  }

  /** Queues a key press; durations in clock units. `done` is called once it went out whole. */
  press(event: number, duration: number, gap: number, done: (() => void) | null): void {
    this.#queue.push({ event, duration, gap, relayed: false, done });
  }

  /** A key of the bridged peer went down; {@link relayUp} ends it. */
  relayDown(event: number): void {
    if (this.#queue.length >= LONGEST_QUEUE) return;
    this.#queue.push({ event, duration: null, gap: 0, relayed: true, done: null });
  }

  /** The relayed key that is held was released after `duration` clock units. */
  relayUp(duration: number): void {
    const held = this.#queue.findLast((key) => key.relayed) ?? this.#current;
    if (held?.relayed && held.duration === null) held.duration = Math.max(duration, TICK_UNITS);
  }

  /** Drops every relayed key at once, an unfinished one included: nothing of the peer goes out any more. */
  dropRelayed(): void {
    if (this.#current?.relayed) this.#clear();
    const own = this.#queue.filter((key) => !key.relayed);
    this.#queue.length = 0;
    this.#queue.push(...own);
  }

  /** Drops everything: no key goes out any more, and none is done. */
  close(): void {
    this.#queue.length = 0;
    this.#clear();
  }

  /**
   * One tick at RTP time `timestamp`; `events` says whether the far end takes telephone-events. True when
   * an event takes the place of this tick's audio.
   */
  tick(timestamp: number, events: boolean): boolean {
    if (this.#ended && !this.#afterEnd()) return false;
    if (this.#current === null && (this.#queue.length === 0 || !this.#begin(timestamp, events))) return false;
    if (this.#asTone) {
      this.#toneTick();
      return false;
    }
    this.#eventTick(events);
    return true;
  }

  #begin(timestamp: number, events: boolean): boolean {
    const key = this.#queue[0];
    if (!key || (!events && key.duration === null)) return false;
    this.#queue.shift();
    this.#current = key;
    this.#startedAt = timestamp;
    this.#sent = 0;
    this.#ended = false;
    this.#asTone = !events;
    if (this.#asTone) {
      key.duration = Math.max(key.duration ?? 0, SHORTEST_TONE_UNITS);
      this.#output.startTone(key.event, key.duration);
    }
    return true;
  }

  #eventTick(events: boolean): void {
    const key = this.#current;
    if (!key) return;
    const marker = this.#sent === 0;
    const elapsed = Math.min(this.#sent + TICK_UNITS, LONGEST_UNITS);
    // A relayed key is reported no longer than the peer held it; one that was released meanwhile ends now.
    this.#sent = key.duration === null ? elapsed : Math.max(this.#sent, Math.min(elapsed, key.duration));
    const end = !events || (key.duration !== null && this.#sent >= Math.min(key.duration, LONGEST_UNITS));
    if (events) this.#output.sendEvent(key.event, end, this.#sent, this.#startedAt, marker);
    if (!end) return;
    this.#ended = true;
    this.#repeats = events ? END_REPEATS : 0;
    this.#gapLeft = key.gap;
    if (this.#queue.length > 0 && key.gap < END_REPEATS * TICK_UNITS) this.#repeatNow();
  }

  #toneTick(): void {
    this.#sent += TICK_UNITS;
    if (this.#sent < (this.#current?.duration ?? 0)) return;
    this.#ended = true;
    this.#repeats = 0;
    this.#gapLeft = Math.max(this.#current?.gap ?? 0, 2 * TICK_UNITS);
  }

  /** True when the key is over and the next one may begin. */
  #afterEnd(): boolean {
    if (this.#repeats > 0) this.#repeatOnce();
    this.#gapLeft -= TICK_UNITS;
    if (this.#queue.length > 0 && this.#gapLeft <= 0) this.#repeatNow();
    if (this.#repeats > 0 || this.#gapLeft > 0) return false;
    const done = this.#current?.done;
    this.#clear();
    done?.();
    return true;
  }

  #repeatNow(): void {
    while (this.#repeats > 0) this.#repeatOnce();
  }

  #repeatOnce(): void {
    this.#repeats -= 1;
    if (this.#current) this.#output.sendEvent(this.#current.event, true, this.#sent, this.#startedAt, false);
  }

  #clear(): void {
    this.#current = null;
    this.#ended = false;
    this.#asTone = false;
    this.#repeats = 0;
    this.#gapLeft = 0;
  }
}
