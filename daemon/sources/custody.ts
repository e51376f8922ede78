/**
 * Messages that are ours until we say otherwise: the queue hears so twice in the time that one stays
 * ours without word. Knows nothing of what becomes of them. Walk: poller → **custody** → message
 * source.
 * @module
 */
import { Alarm } from "../../lib/async/alarm.ts";
import { MaelstromError } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { Message, MessageSource } from "./message_source.ts";
import type { Polling } from "./polling.ts";

/** Longest time for one word to the queue, in milliseconds. */
const WORD_LIMIT_MS = 10_000;
const NEVER = new AbortController().signal;

/** What {@linkcode Custody} needs. */
export interface CustodyOptions {
  readonly polling: Pick<Polling, "source" | "visibilitySeconds">;
  readonly source: Pick<MessageSource, "extend">;
  readonly log: Log;
}

/** The messages of one poller. */
export class Custody {
  /** Time between two words for one message, in milliseconds. */
  readonly beatMs: number;
  readonly #options: CustodyOptions;
  /** When the queue has to hear of each next, by `performance.now()`. */
  readonly #nextMs = new Map<Message, number>();
  readonly #changed = new Alarm();
  #telling: Promise<void> | undefined;

  constructor(options: CustodyOptions) {
    this.#options = options;
    this.beatMs = options.polling.visibilitySeconds * 500;
  }

  /** From now on the queue hears that `messages` are ours. */
  take(messages: readonly Message[]): void {
    const nextMs = performance.now() + this.beatMs;
    for (const message of messages) this.#nextMs.set(message, nextMs);
    this.#telling ??= this.#tell();
  }

  /** True while `message` is ours: it is not left, and the queue has not given it to others. */
  holds(message: Message): boolean {
    return this.#nextMs.has(message);
  }

  /** `messages` are no longer ours. */
  leave(messages: readonly Message[]): void {
    for (const message of messages) this.#nextMs.delete(message);
    if (this.#nextMs.size === 0) this.#changed.ring();
  }

  /** Resolves when nothing is ours, and the queue is told nothing any more. */
  async idle(): Promise<void> {
    await this.#telling;
  }

  async #tell(): Promise<void> {
    while (this.#nextMs.size > 0) {
      const nextMs = Math.min(...this.#nextMs.values());
      await this.#changed.wait(Math.max(0, nextMs - performance.now()), NEVER);
      const nowMs = performance.now();
      const due = [...this.#nextMs].filter(([, atMs]) => atMs <= nowMs);
      await Promise.all(due.map(([message]) => this.#extend(message)));
    }
    this.#telling = undefined;
  }

  async #extend(message: Message): Promise<void> {
    const { polling: { visibilitySeconds, source: name }, source, log } = this.#options;
    let waitMs = this.beatMs;
    try {
      // However long one takes, the others are not late.
      const signal = AbortSignal.timeout(Math.min(WORD_LIMIT_MS, waitMs / 2));
      await source.extend(message, visibilitySeconds, signal);
    } catch (error) {
      if (!this.holds(message)) return;
      log.warn("cannot keep a message from others", { source: name, message: message.id, error });
      const isGone = error instanceof MaelstromError && error.code === "not_found";
      if (isGone) this.#nextMs.delete(message);
      waitMs /= 4;
    }
    if (this.holds(message)) this.#nextMs.set(message, performance.now() + waitMs);
  }
}
