/**
 * Many small calls as few large ones: what arrives while calls are under way goes along with the
 * next. Nothing waits for a timer.
 * @module
 */

/** How {@linkcode Batcher} collects. */
export interface BatcherOptions<T> {
  /** Most items of one call. */
  readonly max: number;
  /** Most calls under way. */
  readonly parallel: number;
  /** Makes one call; gives the items that failed and why. What it throws is for all of them. */
  readonly send: (items: readonly T[]) => Promise<ReadonlyMap<T, Error>>;
}

interface Waiting<T> {
  readonly item: T;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Collects items for calls. */
export class Batcher<T> {
  readonly #options: BatcherOptions<T>;
  #waiting: Waiting<T>[] = [];
  #running = 0;

  constructor(options: BatcherOptions<T>) {
    this.#options = options;
  }

  /** Resolves when a call has done `item`, rejects when it has not. */
  add(item: T): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (this.#running < this.#options.parallel) void this.#send();
    });
  }

  async #send(): Promise<void> {
    this.#running += 1;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#options.max);
      try {
        const failures = await this.#options.send(batch.map(({ item }) => item));
        for (const { item, resolve, reject } of batch) {
          const error = failures.get(item);
          if (error) reject(error);
          else resolve();
        }
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#running -= 1;
  }
}
