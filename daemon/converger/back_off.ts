/**
 * Starts of one component that failed, one after the other: why, and when to try again. Knows
 * nothing of containers.
 * @module
 */
import type { ComponentFailure } from "../../lib/contract/v1.ts";
import type { MaelstromError } from "../../lib/errors.ts";

const WAIT_MS_MIN = 1000;
const WAIT_MS_MAX = 60_000;

/** One failed start. */
export interface FailedStart extends Pick<ComponentFailure, "componentVersion" | "health"> {
  readonly error: MaelstromError;
}

/** When the next start may be tried. */
export class BackOff {
  readonly #now: () => number;
  #last: FailedStart & { readonly attempts: number; readonly retryAtMs: number } | undefined;
  #isOver = true;

  /** `now` is the clock, in milliseconds since 1970. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Takes note of a failure; gives the time until the next try, in milliseconds. */
  fail(start: FailedStart): number {
    const nowMs = this.#now();
    const last = this.#last;
    const isRow = last && nowMs - last.retryAtMs < WAIT_MS_MAX;
    const attempts = isRow ? last.attempts + 1 : 1;
    const waitMs = Math.min(WAIT_MS_MAX, WAIT_MS_MIN * 2 ** (attempts - 1));
    this.#last = { ...start, attempts, retryAtMs: nowMs + waitMs };
    this.#isOver = false;
    return waitMs;
  }

  /** An instance serves. If it does not do so for long, the count of failures goes on. */
  succeed(): void {
    this.#isOver = true;
  }

  /** Another version is wanted: what failed says nothing of it. */
  reset(): void {
    this.#last = undefined;
    this.#isOver = true;
  }

  /** Time until the next try is due, in milliseconds. */
  get leftMs(): number {
    return Math.max(0, (this.#last?.retryAtMs ?? 0) - this.#now());
  }

  /** Why no start is tried now. */
  get blocked(): MaelstromError | undefined {
    return this.leftMs > 0 ? this.#last?.error : undefined;
  }

  /** What keeps instances from starting; undefined while they start. */
  get failure(): Omit<ComponentFailure, "componentName"> | undefined {
    if (!this.#last || this.#isOver) return undefined;
    const { componentVersion, error, attempts, retryAtMs, health } = this.#last;
    const lines = error.detail?.lines;
    return {
      componentVersion,
      message: error.message,
      attempts,
      retryAt: retryAtMs,
      lines: Array.isArray(lines) ? lines : [],
      health,
    };
  }
}
