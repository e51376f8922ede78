/**
 * One writer at a time, in order of arrival. Owns the waiting and its limits; knows nothing of
 * databases.
 * @module
 */
import { setImmediate } from "node:timers";
import { MaelstromError } from "../../lib/errors.ts";

/** Limits of a {@linkcode WriteQueue}. */
export interface WriteQueueOptions {
  /** Writers that may wait. @default {4096} */
  readonly waitingMax?: number;
  /** Longest wait for a turn, in milliseconds. @default {30_000} */
  readonly waitMaxMs?: number;
}

interface Waiting {
  readonly start: () => void;
  readonly fail: (error: Error) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** Runs pieces of work one after another. */
export class WriteQueue implements AsyncDisposable {
  readonly #waitingMax: number;
  readonly #waitMaxMs: number;
  readonly #waiting = new Set<Waiting>();
  readonly #idle: (() => void)[] = [];
  #busy = false;
  #closed = false;

  constructor({ waitingMax = 4096, waitMaxMs = 30_000 }: WriteQueueOptions = {}) {
    this.#waitingMax = waitingMax;
    this.#waitMaxMs = waitMaxMs;
  }

  /**
   * Performs `work` when its turn has come.
   *
   * @throws whatever `work` throws
   * @throws {MaelstromError} store_unavailable: too many wait already, or the turn did not come
   * @throws {MaelstromError} stopping: the queue is closed
   */
  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.#turn();
    try {
      return await work();
    } finally {
      this.#handOn();
    }
  }

  /** Refuses whoever waits and resolves when the work under way has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const entry of this.#waiting) this.#drop(entry).fail(closed());
    if (this.#busy) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #turn(): Promise<void> {
    if (this.#closed) return Promise.reject(closed());
    if (!this.#busy) {
      this.#busy = true;
      return Promise.resolve();
    }
    if (this.#waiting.size >= this.#waitingMax) {
      return Promise.reject(unavailable(`${this.#waitingMax} writes are waiting`));
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#drop(entry);
        reject(unavailable(`no turn within ${this.#waitMaxMs} ms`));
      }, this.#waitMaxMs);
      const entry: Waiting = { start: resolve, fail: reject, timer };
      this.#waiting.add(entry);
    });
  }

  #handOn(): void {
    const [next] = this.#waiting;
    if (next) {
      // Writes of an embedded database never leave the microtask queue by themselves: without this
      // turn of the event loop a long queue of them would hold up every socket.
      setImmediate(this.#drop(next).start);
      return;
    }
    this.#busy = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #drop(entry: Waiting): Waiting {
    clearTimeout(entry.timer);
    this.#waiting.delete(entry);
    return entry;
  }
}

function closed(): MaelstromError {
  return new MaelstromError("stopping", "Cannot write to the store: it is closed");
}

function unavailable(found: string): MaelstromError {
  return new MaelstromError("store_unavailable", `Cannot write to the store: ${found}`);
}
