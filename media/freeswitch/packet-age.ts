/** How long ago the last packet came, as far as a counter tells that is looked at now and then. */
export class PacketAge {
  readonly #now: () => number;
  #count = 0;
  #changedAt: number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#changedAt = now();
  }

  /** Milliseconds since the counter was first seen at this value. */
  of(count: number): number {
    const now = this.#now();
    if (count !== this.#count) {
      this.#count = count;
      this.#changedAt = now;
    }
    return now - this.#changedAt;
  }
}
