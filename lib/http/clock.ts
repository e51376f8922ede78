/**
 * One coarse clock for every limit of every connection: a sweep instead of a timer per request.
 * Limits are counted in ticks, not milliseconds, so that a process that was stopped or busy for a
 * while does not wake up to find all its peers overdue.
 * @module
 */

/** Length of a tick, in milliseconds. */
export const TICK_MS = 100;

/** A tick that never comes: the limit is off. */
export const NEVER = 0x3fffffff;

/** Something with limits to look at. */
export interface Watched {
  /** Looks at its limits. `nowMs` is `performance.now()`. */
  onTick(tick: number, nowMs: number): void;
}

/** Calls everything watched once a tick; sleeps when nothing is watched. */
export class Clock {
  /** Ticks so far. */
  tick = 0;
  readonly #watched = new Set<Watched>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Looks at `watched` from now on. */
  watch(watched: Watched): void {
    this.#watched.add(watched);
    this.#timer ??= setInterval(() => this.#sweep(), TICK_MS);
  }

  /** Looks at `watched` no more. */
  unwatch(watched: Watched): void {
    this.#watched.delete(watched);
    if (this.#watched.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #sweep(): void {
    this.tick++;
    const nowMs = performance.now();
    for (const watched of this.#watched) watched.onTick(this.tick, nowMs);
  }
}

/** The clock of this process. */
export const clock = new Clock();

/** Ticks that surely last `ms` milliseconds. */
export function ticksFor(ms: number): number {
  return Math.min(Math.ceil(ms / TICK_MS) + 1, NEVER >> 1);
}
