/**
 * Counts of durations in buckets that widen with the value, so that percentiles stay within 1 % at
 * any size and memory stays fixed. Pure.
 * @module
 */

/** Buckets per doubling: a bucket is at most 1/64 wide, so its middle is off by less than 1 %. */
const STEPS = 64;
/** Durations from a second on share what resolution is left; 2^36 ns is 68 s. */
const DOUBLINGS = 36;

/** Filled buckets: `[[bucket, count], …]`. It goes between processes as JSON. */
export type Buckets = readonly (readonly [number, number])[];

/** Durations in milliseconds, counted. */
export class Histogram {
  readonly #counts = new Float64Array((DOUBLINGS + 1) * STEPS);
  #total = 0;
  #max = 0;

  /** Durations counted. */
  get total(): number {
    return this.#total;
  }

  /** The longest duration, exactly where it was recorded here, else the end of its bucket. */
  get maxMs(): number {
    return this.#max;
  }

  /** Counts one duration; a negative one counts as 0. */
  record(ms: number): void {
    this.#counts[bucketOf(ms)]!++;
    this.#total++;
    if (ms > this.#max) this.#max = ms;
  }

  /** Adds what another histogram counted. */
  add(buckets: Buckets, maxMs: number): void {
    for (const [bucket, count] of buckets) {
      this.#counts[bucket]! += count;
      this.#total += count;
    }
    this.#max = Math.max(this.#max, maxMs);
  }

  /** The filled buckets, in order. */
  buckets(): Buckets {
    return Array.from(this.#counts, (count, bucket) => [bucket, count] as const)
      .filter(([, count]) => count > 0);
  }

  /**
   * The duration, in milliseconds, that `share` of all durations do not exceed; 0.99 is the 99th
   * percentile. 0 when nothing was counted.
   */
  percentile(share: number): number {
    const rank = Math.ceil(share * this.#total);
    let seen = 0;
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= rank && seen > 0) return Math.min(middleMs(bucket), this.#max);
    }
    return this.#max;
  }
}

/** Nanoseconds below 64 have a bucket each; above, each doubling has 64. */
function bucketOf(ms: number): number {
  const ns = Math.max(0, Math.round(ms * 1e6));
  if (ns < STEPS) return ns;
  const doubling = Math.min(DOUBLINGS, Math.floor(Math.log2(ns)) - 5);
  const step = Math.min(STEPS - 1, Math.floor(ns / 2 ** (doubling - 1)) - STEPS);
  return doubling * STEPS + Math.max(0, step);
}

function middleMs(bucket: number): number {
  if (bucket < STEPS) return bucket / 1e6;
  const doubling = Math.floor(bucket / STEPS);
  const width = 2 ** (doubling - 1);
  return ((STEPS + bucket % STEPS) * width + width / 2) / 1e6;
}
