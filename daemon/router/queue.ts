/**
 * Requests that wait for an instance: first come first served, with a limit on the number and a
 * deadline on each. A waiter whose client left gives its place back at once.
 * @module
 */
import type { MaelstromError } from "../../lib/errors.ts";
import type { Wait as AdmissionWait } from "./admission.ts";
import type { Instance } from "./instance.ts";

/** How a wait for a place on an instance ended. */
export type Wait = AdmissionWait<Instance>;

interface Waiter {
  readonly settle: (wait: Wait) => void;
}

/** What all queues together may hold. */
export class QueueBudget {
  waiting = 0;

  constructor(readonly max: number) {}
}

/** One component's waiting requests. */
export class Queue {
  // A Set keeps order and removes from the middle in constant time.
  readonly #waiters = new Set<Waiter>();

  readonly #budget: QueueBudget;

  /** At most `max` requests wait here, and no more than the budget allows in all queues. */
  constructor(readonly max: number, budget: QueueBudget) {
    this.#budget = budget;
  }

  get length(): number {
    return this.#waiters.size;
  }

  /**
   * Waits for a place until `deadline` (on the `performance.now()` clock) or until `signal`
   * aborts.
   */
  admit(deadline: number, signal: AbortSignal): Promise<Wait> {
    const budget = this.#budget;
    if (this.#waiters.size >= this.max || budget.waiting >= budget.max) {
      return Promise.resolve({ kind: "full" });
    }
    if (signal.aborted) return Promise.resolve({ kind: "left" });
    return new Promise((resolve) => {
      const settle = (wait: Wait) => {
        clearTimeout(timer);
        signal.removeEventListener("abort", leave);
        if (this.#waiters.delete(waiter)) budget.waiting -= 1;
        resolve(wait);
      };
      const waiter: Waiter = { settle };
      const leave = () => settle({ kind: "left" });
      const remaining = Math.max(0, deadline - performance.now());
      const timer = setTimeout(() => settle({ kind: "timed_out" }), remaining);
      signal.addEventListener("abort", leave);
      this.#waiters.add(waiter);
      budget.waiting += 1;
    });
  }

  /** Hands the oldest waiters the places that `claim` gives, until it gives none. */
  dispatch(claim: () => Instance | undefined): void {
    while (this.#waiters.size > 0) {
      const instance = claim();
      if (!instance) return;
      const [oldest] = this.#waiters;
      oldest!.settle({ kind: "instance", instance });
    }
  }

  /** Ends every wait with `error`. */
  fail(error: MaelstromError): void {
    for (const waiter of [...this.#waiters]) waiter.settle({ kind: "failed", error });
  }
}
