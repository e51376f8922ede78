/**
 * Background work with a name and an end: what is started here is awaited when its owner stops, and
 * a failure nobody caught is logged instead of lost.
 * @module
 */
import { isAbort } from "../errors.ts";
import type { Log } from "../log.ts";

/** A set of running background tasks that share one stop signal. */
export class Tasks implements AsyncDisposable {
  readonly #running = new Map<Promise<void>, string>();
  readonly #stop = new AbortController();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Aborts when the owner stops. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Starts `work` in the background under `name`. */
  run(name: string, work: (signal: AbortSignal) => Promise<void>): void {
    const task: Promise<void> = work(this.#stop.signal)
      .catch((error: unknown) => {
        if (!isAbort(error)) this.#log.error("background task failed", { task: name, error });
      })
      .finally(() => this.#running.delete(task));
    this.#running.set(task, name);
  }

  /** Names of the tasks that have not ended. */
  names(): string[] {
    return [...this.#running.values()];
  }

  /** Aborts the signal and resolves when every task has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    while (this.#running.size > 0) await Promise.all(this.#running.keys());
  }
}
