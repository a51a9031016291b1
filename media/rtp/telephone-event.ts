import { clockDistance } from './packet.js';

/** What a {@link TelephoneEventReceiver} found out. `event` is 0 to 15; durations are in RTP clock units (1/8 ms). */
export interface KeyEvents {
  onKeyDown(event: number): void;
  onKeyUp(event: number, duration: number, startedAt: number): void;
}

/** A key whose end packets were all lost counts as released this long after its last packet. */
export const LOST_END_MS = 100;
/** A packet up to this much older than the newest event is a straggler; beyond it the clock was restarted. */
const STRAGGLER_UNITS = 16_000;
/** A segment of a long event ends here and the next begins that much later (RFC 4733 section 2.5.1.3). */
const SEGMENT_UNITS = 0xffff;
const REMEMBERED = 16;
const KEYS = 16;

/**
 * Turns telephone-event packets into key presses, one per event timestamp, whatever was repeated, lost
 * or reordered on the way (RFC 4733 section 2.5). Times are handed in, in milliseconds.
 *
 *   idle ──first packet──▶ down ──end packet | newer event | 100 ms without a packet──▶ idle
 */
export class TelephoneEventReceiver {
  readonly #events: KeyEvents;
  #down = false;
  #event = 0;
  #ssrc = 0;
  #timestamp = 0;
  #duration = 0;
  #priorSegments = 0;
  #startedAt = 0;
  #lastPacketAt = 0;
  /** Events already reported, by source and timestamp, as a ring. */
  readonly #doneTimestamps = new Uint32Array(REMEMBERED);
  readonly #doneSources = new Uint32Array(REMEMBERED);
  #doneCount = 0;

  constructor(events: KeyEvents) {
    this.#events = events;
  }

  get keyDown(): boolean {
    return this.#down;
  }

  /** Takes the payload `bytes[start..end)` of one packet. Events that are no key, and short payloads, are ignored. */
  push(bytes: Uint8Array, start: number, end: number, ssrc: number, timestamp: number, now: number): void {
    if (end - start < 4) return;
    const event = bytes[start] ?? 0;
    if (event >= KEYS) return;
    const ended = ((bytes[start + 1] ?? 0) & 0x80) !== 0;
    const duration = ((bytes[start + 2] ?? 0) << 8) | (bytes[start + 3] ?? 0);

    if (this.#down && ssrc === this.#ssrc && timestamp === this.#timestamp) {
      this.#continue(duration, ended, now);
      return;
    }
    if (this.#isDone(ssrc, timestamp)) return;
    if (this.#continuesSegment(event, ssrc, timestamp)) {
      this.#priorSegments += SEGMENT_UNITS;
      this.#timestamp = timestamp;
      this.#duration = 0;
      this.#continue(duration, ended, now);
      return;
    }
    if (this.#isStraggler(ssrc, timestamp)) return;
    if (this.#down) this.#finish();
    this.#begin(event, ssrc, timestamp, now);
    this.#continue(duration, ended, now);
  }

  /** Ends a key whose end was lost. Called at least every 20 ms while {@link keyDown}. */
  tick(now: number): void {
    if (this.#down && now - this.#lastPacketAt >= LOST_END_MS) this.#finish();
  }

  #begin(event: number, ssrc: number, timestamp: number, now: number): void {
    this.#down = true;
    this.#event = event;
    this.#ssrc = ssrc;
    this.#timestamp = timestamp;
    this.#duration = 0;
    this.#priorSegments = 0;
    this.#startedAt = now;
    this.#events.onKeyDown(event);
  }

  #continue(duration: number, ended: boolean, now: number): void {
    this.#lastPacketAt = now;
    if (duration > this.#duration) this.#duration = duration;
    if (ended) this.#finish();
  }

  #finish(): void {
    this.#down = false;
    const slot = this.#doneCount++ % REMEMBERED;
    this.#doneTimestamps[slot] = this.#timestamp;
    this.#doneSources[slot] = this.#ssrc;
    this.#events.onKeyUp(this.#event, this.#priorSegments + this.#duration, this.#startedAt);
    this.#event = 0;
  }

  #isDone(ssrc: number, timestamp: number): boolean {
    const known = Math.min(this.#doneCount, REMEMBERED);
    for (let i = 0; i < known; i += 1) {
      if (this.#doneTimestamps[i] === timestamp && this.#doneSources[i] === ssrc) return true;
    }
    return false;
  }

  #continuesSegment(event: number, ssrc: number, timestamp: number): boolean {
    return (
      this.#down &&
      event === this.#event &&
      ssrc === this.#ssrc &&
      clockDistance(this.#timestamp, timestamp) === SEGMENT_UNITS
    );
  }

  /** Older than what was seen last: reporting it now would put keys in the wrong order. */
  #isStraggler(ssrc: number, timestamp: number): boolean {
    if (ssrc !== this.#ssrc || (this.#doneCount === 0 && !this.#down)) return false;
    const distance = clockDistance(this.#timestamp, timestamp);
    return distance < 0 && distance > -STRAGGLER_UNITS;
  }
}
