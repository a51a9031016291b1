const SEQUENCES = 65_536;
const HALF = SEQUENCES / 2;
/** Packets behind the newest one that are still taken, each once (RFC 3711 section 3.3.2 wants at least 64). */
const WINDOW = 128;

/** The 48-bit index of a packet: its rollover counter and its sequence number. */
export function packetIndex(rollover: number, sequence: number): number {
  return rollover * SEQUENCES + sequence;
}

export function rolloverOf(index: number): number {
  return Math.floor(index / SEQUENCES);
}

/** Which packets of one stream have come (RFC 3711 sections 3.3.1 and 3.3.2). Told of authenticated packets only. */
export class ReplayWindow {
  #newest: number;
  readonly #seen = new Uint8Array(WINDOW);

  /** `first` is the index of the first packet, which has come. */
  constructor(first: number) {
    this.#newest = first;
    this.#seen[first % WINDOW] = 1;
  }

  /** The likeliest index of a packet with this sequence number; negative when it would be from before the start. */
  estimate(sequence: number): number {
    const rollover = rolloverOf(this.#newest);
    const step = sequence - (this.#newest % SEQUENCES);
    if (step > HALF) return packetIndex(rollover - 1, sequence);
    return packetIndex(step < -HALF ? rollover + 1 : rollover, sequence);
  }

  /** False for a packet that came before, or that is too old to know. */
  isFresh(index: number): boolean {
    if (index > this.#newest) return true;
    return index >= 0 && this.#newest - index < WINDOW && this.#seen[index % WINDOW] === 0;
  }

  add(index: number): void {
    if (index > this.#newest) {
      const skipped = Math.min(index - this.#newest, WINDOW);
      for (let step = 0; step < skipped; step += 1) this.#seen[(index - step) % WINDOW] = 0;
      this.#newest = index;
    }
    this.#seen[index % WINDOW] = 1;
  }
}
