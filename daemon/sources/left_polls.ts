/**
 * Polls that nobody waits for any more. A service may give a message to a poll that was broken off,
 * where it would be lost until its visibility ends; so a poll is left to come to its end, and what it
 * brings is given back at once.
 * @module
 */
import { pause } from "../../lib/async/pause.ts";
import { unlessAborted } from "../../lib/async/unless_aborted.ts";
import type { Message } from "./message_source.ts";

/** Longest wait for them when their source is closed, in milliseconds. */
const END_LIMIT_MS = 6000;

/** The polls of one source. */
export class LeftPolls {
  readonly #left = new Set<Promise<void>>();
  readonly #giveBack: (message: Message) => Promise<void>;

  constructor(giveBack: (message: Message) => Promise<void>) {
    this.#giveBack = giveBack;
  }

  /**
   * What `poll` brings.
   *
   * @throws the reason of `signal` when it aborts first; the poll goes on
   */
  async wait(poll: Promise<readonly Message[]>, signal: AbortSignal): Promise<readonly Message[]> {
    try {
      return await unlessAborted(poll, signal);
    } catch (error) {
      if (signal.aborted) this.#leave(poll);
      throw error;
    }
  }

  /** Waits for those that are left, for a while. */
  async end(): Promise<void> {
    const over = new AbortController();
    await Promise.race([Promise.all(this.#left), pause(END_LIMIT_MS, over.signal)]);
    over.abort();
  }

  #leave(poll: Promise<readonly Message[]>): void {
    const left: Promise<void> = poll
      .then(async (messages) => {
        await Promise.all(messages.map((message) => this.#giveBack(message)));
      })
      // What cannot be given back comes again when its visibility ends.
      .catch(() => {})
      .finally(() => this.#left.delete(left));
    this.#left.add(left);
  }
}
