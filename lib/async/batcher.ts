/**
 * Many small pieces of work done together: what arrives while a batch is under way makes up the next
 * one, so that a slow step, such as a commit, is paid once for all of them and nobody waits for a
 * timer. Knows nothing of the work.
 * @module
 */

/** How {@linkcode Batcher} works. */
export interface BatcherOptions<T, R> {
  /** Does `items`; one result for each, in their order. */
  readonly work: (items: readonly T[]) => Promise<readonly R[]>;
  /** Most items of one batch. */
  readonly batchMax: number;
  /** Most items that may wait. */
  readonly waitingMax: number;
  /** What a caller is told when so many wait already. */
  readonly full: () => Error;
}

interface Waiting<T, R> {
  readonly item: T;
  readonly done: (result: R) => void;
  readonly fail: (error: unknown) => void;
}

/** Does items in batches, one batch after another. */
export class Batcher<T, R> {
  readonly #options: BatcherOptions<T, R>;
  readonly #waiting: Waiting<T, R>[] = [];
  #isBusy = false;

  constructor(options: BatcherOptions<T, R>) {
    this.#options = options;
  }

  /**
   * The result of `item`, once its batch is done.
   *
   * @throws what `work` throws, to everyone in the batch; what `full` gives when too many wait
   */
  add(item: T): Promise<R> {
    const { waitingMax, full } = this.#options;
    if (this.#waiting.length >= waitingMax) return Promise.reject(full());
    return new Promise((done, fail) => {
      this.#waiting.push({ item, done, fail });
      if (!this.#isBusy) void this.#run();
    });
  }

  async #run(): Promise<void> {
    const { work, batchMax } = this.#options;
    this.#isBusy = true;
    // Those that come within the same turn go together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, batchMax);
      try {
        const results = await work(batch.map(({ item }) => item));
        for (const [index, { done }] of batch.entries()) done(results[index]!);
      } catch (error) {
        for (const { fail } of batch) fail(error);
      }
    }
    this.#isBusy = false;
  }
}
