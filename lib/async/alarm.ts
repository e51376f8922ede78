/** A wait until a moment that somebody may cut short. @module */

/** Wakes one waiter. A ring that nobody waited for cuts the next wait short. */
export class Alarm {
  #isRung = false;
  #wake: () => void = () => {};

  /** Ends the wait that goes on, or else the next one. */
  ring(): void {
    this.#isRung = true;
    this.#wake();
  }

  /** Resolves after `ms` milliseconds, when it rings, or when `signal` aborts. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#isRung && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const done = () => resolve();
      this.#wake = done;
      signal.addEventListener("abort", done);
      const timer = setTimeout(done, ms);
      await promise;
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
    }
    this.#isRung = false;
  }
}
