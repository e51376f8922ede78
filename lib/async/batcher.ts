/**
 * Many small pieces of work done together: what arrives while a batch is under way makes up the next
 * one, so that a slow step, such as a commit, is paid once for all of them. Nobody waits for a timer
 * unless that is asked for. Knows nothing of the work.
 * @module
 */
import { pause } from "./pause.ts";

const NEVER = new AbortController().signal;

/** How {@linkcode Batcher} works. */
export interface BatcherOptions<T, R> {
  /** Does `items`; one result for each, in their order. */
  readonly work: (items: readonly T[]) => Promise<readonly R[]>;
  /** Most items of one batch. */
  readonly batchMax: number;
  /** Most batches under way. @default {1} */
  readonly parallel?: number;
  /** Time that a batch which is not full waits for more, in milliseconds. @default {0} */
  readonly gatherMs?: number;
  /** What an item counts against `waitingMax`. */
  readonly weigh: (item: T) => number;
  /** Most that may wait, in weight. */
  readonly waitingMax: number;
  /** What a caller is told when so much waits already. */
  readonly full: () => Error;
}

interface Waiting<T, R> {
  readonly item: T;
  readonly done: (result: R) => void;
  readonly fail: (error: unknown) => void;
}

/** Does items in batches. */
export class Batcher<T, R> {
  readonly #options: BatcherOptions<T, R>;
  #waiting: Waiting<T, R>[] = [];
  #weight = 0;
  #running = 0;

  constructor(options: BatcherOptions<T, R>) {
    this.#options = options;
  }

  /**
   * The result of `item`, once its batch is done.
   *
   * @throws what `work` throws, to everyone in the batch; what `full` gives when too much waits
   */
  add(item: T): Promise<R> {
    const { parallel = 1, weigh, waitingMax, full } = this.#options;
    if (this.#weight >= waitingMax) return Promise.reject(full());
    this.#weight += weigh(item);
    return new Promise((done, fail) => {
      this.#waiting.push({ item, done, fail });
      if (this.#running < parallel) void this.#run();
    });
  }

  async #run(): Promise<void> {
    const { work, batchMax, gatherMs = 0, weigh } = this.#options;
    this.#running += 1;
    // Those that come within the same turn go together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      if (gatherMs > 0 && this.#waiting.length < batchMax) await pause(gatherMs, NEVER);
      const batch = this.#waiting.slice(0, batchMax);
      this.#waiting = this.#waiting.slice(batchMax);
      for (const { item } of batch) this.#weight -= weigh(item);
      try {
        const results = await work(batch.map(({ item }) => item));
        for (const [index, { done }] of batch.entries()) done(results[index]!);
      } catch (error) {
        for (const { fail } of batch) fail(error);
      }
    }
    this.#running -= 1;
  }
}
