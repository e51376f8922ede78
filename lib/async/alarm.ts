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
      this.#wake = resolve;
      signal.addEventListener("abort", resolve);
      const timer = setTimeout(resolve, ms);
      await promise;
      clearTimeout(timer);
      signal.removeEventListener("abort", resolve);
    }
    this.#isRung = false;
  }
}
