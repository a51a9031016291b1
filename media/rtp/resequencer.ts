import { sequenceDistance } from './packet.js';

/** Packets that may wait for a missing one before it counts as lost. */
const WINDOW = 3;
const LARGEST_PAYLOAD = 800;

export interface ResequencerOutput {
  /** The next payload in order; the bytes are only valid during the call. */
  onPayload(bytes: Uint8Array, start: number, end: number): void;
  /** This many samples are missing here. */
  onLost(samples: number): void;
}

interface Slot {
  used: boolean;
  sequence: number;
  timestamp: number;
  length: number;
  readonly bytes: Uint8Array;
}

/** Puts packets back in order for a listener that cannot take them by timestamp (the in-band key detector). */
export class Resequencer {
  readonly #output: ResequencerOutput;
  readonly #slots: Slot[] = Array.from({ length: WINDOW }, () => ({
    used: false,
    sequence: 0,
    timestamp: 0,
    length: 0,
    bytes: new Uint8Array(LARGEST_PAYLOAD),
  }));
  #waiting = 0;
  #started = false;
  #nextSequence = 0;
  #nextTimestamp = 0;

  constructor(output: ResequencerOutput) {
    this.#output = output;
  }

  /** Forgets what waits, bytes included; the next packet starts anew. */
  reset(): void {
    this.#started = false;
    this.#waiting = 0;
    for (const slot of this.#slots) {
      slot.used = false;
      slot.bytes.fill(0);
    }
  }

  push(bytes: Uint8Array, start: number, end: number, sequence: number, timestamp: number): void {
    if (end - start > LARGEST_PAYLOAD) return;
    const ahead = this.#started ? sequenceDistance(this.#nextSequence, sequence) : 0;
    if (ahead < 0 && ahead > -100) return;
    if (ahead === 0) {
      this.#deliver(bytes, start, end, sequence, timestamp);
      this.#drain();
      return;
    }
    if (ahead < 0 || ahead > 2 * WINDOW) {
      this.#drainAll();
      this.#deliver(bytes, start, end, sequence, timestamp);
      return;
    }
    this.#store(bytes, start, end, sequence, timestamp);
    if (this.#waiting === WINDOW) this.#drainAll();
  }

  #store(bytes: Uint8Array, start: number, end: number, sequence: number, timestamp: number): void {
    if (this.#slots.some((slot) => slot.used && slot.sequence === sequence)) return;
    const slot = this.#slots.find((candidate) => !candidate.used);
    if (!slot) return;
    slot.used = true;
    slot.sequence = sequence;
    slot.timestamp = timestamp;
    slot.length = end - start;
    slot.bytes.set(bytes.subarray(start, end));
    this.#waiting += 1;
  }

  /** Delivers what follows without a gap. */
  #drain(): void {
    for (let slot = this.#next(0); slot; slot = this.#next(0)) this.#release(slot);
  }

  /** Gives up waiting: delivers everything, oldest first. */
  #drainAll(): void {
    for (let slot = this.#next(2 * WINDOW); slot; slot = this.#next(2 * WINDOW)) this.#release(slot);
  }

  #next(reach: number): Slot | undefined {
    if (this.#waiting === 0) return undefined;
    let best: Slot | undefined;
    let nearest = reach + 1;
    for (const slot of this.#slots) {
      const ahead = sequenceDistance(this.#nextSequence, slot.sequence);
      if (slot.used && ahead < nearest) {
        best = slot;
        nearest = ahead;
      }
    }
    return best;
  }

  #release(slot: Slot): void {
    slot.used = false;
    this.#waiting -= 1;
    this.#deliver(slot.bytes, 0, slot.length, slot.sequence, slot.timestamp);
    slot.bytes.fill(0);
  }

  #deliver(bytes: Uint8Array, start: number, end: number, sequence: number, timestamp: number): void {
    const missing = this.#started ? (timestamp - this.#nextTimestamp) | 0 : 0;
    if (missing > 0) this.#output.onLost(missing);
    this.#started = true;
    this.#nextSequence = (sequence + 1) & 0xffff;
    this.#nextTimestamp = (timestamp + end - start) >>> 0;
    this.#output.onPayload(bytes, start, end);
  }
}
