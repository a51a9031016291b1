const BUCKET_MS = 0.25;
const BUCKETS = 400;

/** Histogram of how late packets left: 0 to 100 ms in steps of 0.25 ms. */
export class Lateness {
  readonly #counts = new Uint32Array(BUCKETS);
  #total = 0;
  #max = 0;

  add(ms: number): void {
    const bucket = Math.min(BUCKETS - 1, Math.floor(ms / BUCKET_MS));
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#total += 1;
    if (ms > this.#max) this.#max = ms;
  }

  /** 99th percentile and maximum in ms since the last call; 0 when nothing was sent. */
  take(): { p99: number; max: number } {
    const rank = Math.ceil(this.#total * 0.99);
    let seen = 0;
    let bucket = -1;
    while (seen < rank && bucket < BUCKETS - 1) {
      bucket += 1;
      seen += this.#counts[bucket] ?? 0;
    }
    const max = this.#max;
    const p99 = rank === 0 ? 0 : Math.min(max, (bucket + 1) * BUCKET_MS);
    this.#counts.fill(0);
    this.#total = 0;
    this.#max = 0;
    return { p99, max };
  }
}
