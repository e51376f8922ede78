/**
 * Telling receivers that there may be something in a queue: those of this node at once, those of
 * others by the database. News may be lost, and whoever waits for them looks on a timer as well.
 * Walk: queue → **queue_news** ⇒ sources.
 * @module
 */
import type { Driver } from "./driver.ts";

/** Other nodes are told at once, and then at most so often of the same queue, in milliseconds. */
const TELL_EVERY_MS = 50;

interface Rest {
  readonly timer: ReturnType<typeof setTimeout>;
  /** There were more news since. */
  isDue: boolean;
}

/** Who wants to know of which queue. */
export class QueueNews implements AsyncDisposable {
  readonly #driver: Pick<Driver, "tell" | "hear">;
  readonly #listeners = new Map<string, Set<() => void>>();
  readonly #resting = new Map<string, Rest>();
  readonly #telling = new Set<Promise<void>>();
  readonly #unhear: () => void;

  constructor(driver: Pick<Driver, "tell" | "hear">) {
    this.#driver = driver;
    this.#unhear = driver.hear((queue) => this.#ring(queue));
  }

  /** Calls `listener` when there may be something in `queue`. It may be missed: look again. */
  subscribe(queue: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(queue) ?? new Set();
    this.#listeners.set(queue, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(queue);
    };
  }

  /** There is something in `queue`. */
  announce(queue: string): void {
    this.#ring(queue);
    this.#tell(queue);
  }

  /** Ends telling and listening; the driver stays open. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#unhear();
    this.#listeners.clear();
    for (const { timer } of this.#resting.values()) clearTimeout(timer);
    this.#resting.clear();
    await Promise.all(this.#telling);
  }

  #ring(queue: string | undefined): void {
    const meant = queue === undefined
      ? [...this.#listeners.values()]
      : [this.#listeners.get(queue) ?? []];
    for (const listener of meant.flatMap((listeners) => [...listeners])) listener();
  }

  #tell(queue: string): void {
    const resting = this.#resting.get(queue);
    if (resting) {
      resting.isDue = true;
      return;
    }
    const timer = setTimeout(() => {
      const isDue = this.#resting.get(queue)?.isDue;
      this.#resting.delete(queue);
      if (isDue) this.#tell(queue);
    }, TELL_EVERY_MS);
    this.#resting.set(queue, { isDue: false, timer });
    // Receivers that hear nothing look again on a timer.
    const telling = this.#driver.tell(queue).catch(() => {}).finally(() =>
      this.#telling.delete(telling)
    );
    this.#telling.add(telling);
  }
}
