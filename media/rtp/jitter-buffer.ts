import { clockDistance } from './packet.js';

/** Samples kept at most; a power of two. */
const CAPACITY = 2048;
const MASK = CAPACITY - 1;
/** Silence put in front when a talk-spurt starts, so that the second packet may be late by this much: 20 ms. */
const CUSHION = 160;
/** Beyond this much after a packet went in, the oldest samples go: 60 ms for a peer that sends 20 ms packets. */
const EXCESS = 320;
/** A gap up to this long is loss and is kept as silence; a longer one is a new talk-spurt. */
const LONGEST_GAP = 800;

/**
 * G.711 samples (one byte each) between an uneven arrival and an even departure, placed by RTP
 * timestamp: reordering sorts itself out, loss becomes silence, any packet length goes. Bytes are
 * stored in the codec they leave in.
 */
export class JitterBuffer {
  readonly #ring = new Uint8Array(CAPACITY);
  #read = 0;
  #write = 0;
  #running = false;

  /** Samples waiting. */
  get depth(): number {
    return this.#running ? clockDistance(this.#read, this.#write) : 0;
  }

  /** Forgets everything, bytes included. */
  flush(): void {
    this.#running = false;
    this.#ring.fill(0);
  }

  /** Translates what is waiting when the departing codec changes. */
  translate(table: Uint8Array): void {
    for (let i = 0; i < CAPACITY; i += 1) this.#ring[i] = table[this.#ring[i] ?? 0] ?? 0;
  }

  /** Takes `bytes[start..end)` that belongs at `timestamp`; `table` translates each byte, null for none. */
  push(
    bytes: Uint8Array,
    start: number,
    end: number,
    timestamp: number,
    table: Uint8Array | null,
    silence: number,
  ): void {
    const length = end - start;
    if (length <= 0 || length > CAPACITY / 2) return;
    let gap = this.#running ? clockDistance(this.#write, timestamp) : LONGEST_GAP + 1;
    if (gap > LONGEST_GAP || gap < -CAPACITY) {
      this.#restart(timestamp, silence);
      gap = 0;
    }
    if (clockDistance(this.#read, timestamp) < 0) return;
    for (; gap > 0; gap -= 1) this.#append(silence);
    let at = timestamp;
    for (let i = start; i < end; i += 1) {
      const byte = bytes[i] ?? silence;
      this.#ring[at & MASK] = table === null ? byte : (table[byte] ?? silence);
      at = (at + 1) >>> 0;
    }
    if (clockDistance(this.#write, at) > 0) this.#write = at;
    const excess = clockDistance(this.#read, this.#write) - (EXCESS + length);
    if (excess > 0) this.#read = (this.#read + excess) >>> 0;
  }

  /**
   * Moves `length` samples to `target[at..]`. When fewer are waiting the rest is silence and the next packet
   * starts a new talk-spurt; false when nothing at all was waiting (then `target` is untouched).
   */
  read(target: Uint8Array, at: number, length: number, silence: number): boolean {
    const waiting = Math.min(this.depth, length);
    if (waiting < length) this.#running = false;
    if (waiting === 0) return false;
    for (let i = 0; i < waiting; i += 1) target[at + i] = this.#ring[(this.#read + i) & MASK] ?? 0;
    for (let i = waiting; i < length; i += 1) target[at + i] = silence;
    this.#read = (this.#read + waiting) >>> 0;
    return true;
  }

  #restart(timestamp: number, silence: number): void {
    this.#running = true;
    this.#read = (timestamp - CUSHION) >>> 0;
    this.#write = this.#read;
    for (let i = 0; i < CUSHION; i += 1) this.#append(silence);
  }

  #append(byte: number): void {
    this.#ring[this.#write & MASK] = byte;
    this.#write = (this.#write + 1) >>> 0;
  }
}
