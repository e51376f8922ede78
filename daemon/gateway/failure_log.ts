/** Tells the log of failed requests, by id, without letting a flood of them fill it. @module */
import type { Log, LogFields } from "../../lib/log.ts";

const LINES_PER_SECOND_MAX = 50;

/** Failed requests, at most fifty lines a second; the rest is counted. */
export class FailureLog {
  readonly #log: Log;
  readonly #now: () => number;
  #second = 0;
  #lines = 0;
  #untold = 0;

  /** `now` is in milliseconds. */
  constructor(log: Log, now: () => number = Date.now) {
    this.#log = log;
    this.#now = now;
  }

  /** Tells of one failure; gives the id under which it is found. */
  add(message: string, fields: LogFields): string {
    const id = crypto.randomUUID().slice(0, 8);
    const second = Math.floor(this.#now() / 1000);
    if (second !== this.#second) {
      if (this.#untold > 0) {
        this.#log.warn("more requests failed than are told", { untold: this.#untold });
      }
      this.#second = second;
      this.#lines = this.#untold = 0;
    }
    if (this.#lines < LINES_PER_SECOND_MAX) this.#log.warn(message, { id, ...fields });
    else this.#untold += 1;
    this.#lines += 1;
    return id;
  }
}
