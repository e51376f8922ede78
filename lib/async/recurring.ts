/**
 * "Look again": work that runs when somebody pokes it and on a timer besides, never twice at once.
 * Messages that may be lost only poke; the timer finds what they missed.
 * @module
 */
import { isAbort } from "../errors.ts";
import type { Log } from "../log.ts";

/** How {@linkcode Recurring} looks again. */
export interface RecurringOptions {
  /** Shown in the log when a look fails. */
  readonly name: string;
  /** Longest time between two looks, in milliseconds. */
  readonly everyMs: number;
  readonly log: Log;
}

/** Runs one function again and again, single-flight, until disposed. */
export class Recurring implements AsyncDisposable {
  readonly #work: (signal: AbortSignal) => Promise<void> | void;
  readonly #options: RecurringOptions;
  readonly #stop = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #current: Promise<void> | undefined;
  #again = false;

  constructor(
    work: (signal: AbortSignal) => Promise<void> | void,
    options: RecurringOptions,
  ) {
    this.#work = work;
    this.#options = options;
  }

  /** Looks again soon: right after the caller, or after the look that is under way. */
  poke(): void {
    if (this.#stop.signal.aborted) return;
    if (this.#current) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    // Not at once: whoever pokes goes on first, and the work may poke in turn.
    this.#current = Promise.resolve().then(() => this.#look()).finally(() => {
      this.#current = undefined;
      if (this.#stop.signal.aborted) return;
      if (this.#again) {
        this.#again = false;
        return this.poke();
      }
      this.#timer = setTimeout(() => this.poke(), this.#options.everyMs);
    });
  }

  /** Stops looking and resolves when the look under way has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#timer);
    await this.#current;
  }

  async #look(): Promise<void> {
    try {
      await this.#work(this.#stop.signal);
    } catch (error) {
      // A loop's edge is where a failure may be swallowed: the next look is the cure.
      if (!isAbort(error)) {
        this.#options.log.warn("look failed", { name: this.#options.name, error });
      }
    }
  }
}
