/**
 * Remembers a component's demand for a minute, so that the autoscaler acts on what lasts and not on
 * what one look happens to see. Pure: the time is an argument. Record several times a second:
 * demand counts as lasting once it was seen half a second apart.
 * @module
 */

const SUSTAIN_MS = 500;
const GRAIN_MS = 50;
const SLICE_MS = 1000;
const PEAK_MS = 60_000;

interface Sample {
  readonly atMs: number;
  readonly demand: number;
}

/** Demand of one component: requests in progress and waiting. */
export class DemandWindow {
  /** Oldest first; the first is the newest of those at least {@linkcode SUSTAIN_MS} old. */
  #recent: Sample[] = [];
  /** Highest demand of each second, oldest first. */
  #peaks: Sample[] = [];

  /** Takes note of the demand at `atMs` (milliseconds since 1970). */
  record(demand: number, atMs: number): void {
    // After a clock was set back, what was seen before cannot be placed in time.
    if (atMs < (this.#recent.at(-1)?.atMs ?? 0)) [this.#recent, this.#peaks] = [[], []];
    this.#recordRecent(demand, atMs);
    this.#recordPeak(demand, atMs);
  }

  /** Lowest demand of the last half second; 0 until that much has been seen. */
  get sustained(): number {
    const [first] = this.#recent;
    if (first === undefined || this.#recent.at(-1)!.atMs - first.atMs < SUSTAIN_MS) return 0;
    return Math.min(...this.#recent.map(({ demand }) => demand));
  }

  /** Highest demand of the last minute. */
  get peak(): number {
    return Math.max(0, ...this.#peaks.map(({ demand }) => demand));
  }

  #recordRecent(demand: number, atMs: number): void {
    const last = this.#recent.at(-1);
    if (last && atMs - last.atMs < GRAIN_MS) {
      this.#recent[this.#recent.length - 1] = {
        atMs: last.atMs,
        demand: Math.min(last.demand, demand),
      };
      return;
    }
    this.#recent.push({ atMs, demand });
    const start = this.#recent.findLastIndex((sample) => atMs - sample.atMs >= SUSTAIN_MS);
    this.#recent = this.#recent.slice(Math.max(0, start));
  }

  #recordPeak(demand: number, atMs: number): void {
    const newest = this.#peaks.at(-1);
    if (newest === undefined || atMs - newest.atMs >= SLICE_MS) {
      this.#peaks = [
        ...this.#peaks.filter((peak) => atMs - peak.atMs < PEAK_MS),
        { atMs, demand },
      ];
    } else if (demand > newest.demand) {
      this.#peaks[this.#peaks.length - 1] = { atMs: newest.atMs, demand };
    }
  }
}
