/**
 * Our own queues as a source of messages. Owns when a message is given up, and waiting for the next
 * one; what a queue is, the store knows. Walk: poller → **store_queue** → queue store.
 * @module
 */
import { Alarm } from "../../lib/async/alarm.ts";
import { ATTRIBUTE_PREFIX, type QueueSettings, queueSettings } from "../../lib/contract/queues.ts";
import { MaelstromError } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { QueueStore, TakenMessage } from "../store/queue.ts";
import type { QueueNews } from "../store/queue_news.ts";
import type { HandlerReply } from "./invoke.ts";
import type { Message, MessageSource, QueueDepth } from "./message_source.ts";
import type { PolledKind } from "./pollers.ts";
import { queuePolling } from "./polling.ts";

/** Longest wait of one receive, in milliseconds. */
const WAIT_MS = 20_000;
/** Longest time between two looks at a queue of which nothing is heard, in milliseconds. */
const LOOK_MS = 5000;
const FAILURE_LENGTH_MAX = 300;

/** What {@linkcode StoreQueue} needs. */
export interface StoreQueueOptions {
  readonly queues: QueueStore;
  readonly news: Pick<QueueNews, "subscribe">;
  readonly settings: QueueSettings;
  readonly log: Log;
}

/** The event sources of our own queues. */
export function storeQueueKind(options: Omit<StoreQueueOptions, "settings">): PolledKind {
  return {
    polling: (source) => source.queue && queuePolling(source, queueSettings(source.queue)),
    open: ({ queue }) =>
      Promise.resolve(new StoreQueue({ ...options, settings: queueSettings(queue!) })),
  };
}

/** One of our own queues. */
export class StoreQueue implements MessageSource {
  readonly #options: StoreQueueOptions;

  constructor(options: StoreQueueOptions) {
    this.#options = options;
  }

  async receive(max: number, signal: AbortSignal): Promise<readonly Message[]> {
    const { news, settings: { name } } = this.#options;
    const alarm = new Alarm();
    const unsubscribe = news.subscribe(name, () => alarm.ring());
    try {
      return await this.#receive(max, alarm, signal);
    } finally {
      unsubscribe();
    }
  }

  async #receive(max: number, alarm: Alarm, signal: AbortSignal): Promise<readonly Message[]> {
    const { queues, settings: { name, visibilitySeconds } } = this.#options;
    const endMs = performance.now() + WAIT_MS;
    while (!signal.aborted) {
      const taken = await queues.take(name, max, visibilitySeconds * 1000);
      const messages = await this.#deliverable(taken);
      if (messages.length > 0) return messages;
      // What was given up may have hidden others.
      if (taken.length > 0) continue;
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) break;
      const dueMs = await queues.dueInMs(name) ?? LOOK_MS;
      await alarm.wait(Math.min(dueMs, leftMs, LOOK_MS), signal);
    }
    return [];
  }

  /** @throws {MaelstromError} not_found: its time was over, and somebody else has it or had it */
  async extend(message: Message, seconds: number): Promise<void> {
    if (await this.#options.queues.extend(message, seconds * 1000)) return;
    throw new MaelstromError(
      "not_found",
      `Cannot keep message ${message.id} of queue "${message.queue}": it was received again, or ` +
        "is gone",
    );
  }

  async done({ id }: Message): Promise<void> {
    await this.#options.queues.remove(id);
  }

  async failed(
    message: Message,
    seconds: number,
    reply: HandlerReply | undefined,
  ): Promise<void> {
    const { queues, settings: { maxReceives } } = this.#options;
    const failure = failureOf(reply);
    if (message.receiveCount >= maxReceives) return await this.#giveUp(message, failure);
    await queues.release(message, seconds * 1000, failure);
  }

  async giveBack(message: Message): Promise<void> {
    await this.#options.queues.giveBack(message, message.queue);
  }

  async depth(): Promise<QueueDepth> {
    const { ready, dead } = await this.#options.queues.depth(this.#options.settings.name);
    return { waiting: ready, dead };
  }

  /** There is nothing to end: what is out comes back when its time is over. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  /** Without those that were delivered often enough: their nodes died, so nobody gave them up. */
  async #deliverable(taken: readonly TakenMessage[]): Promise<Message[]> {
    const { name, maxReceives } = this.#options.settings;
    const messages: Message[] = [];
    for (const { body, attributes, receives, failure, ...delivery } of taken) {
      if (receives > maxReceives) {
        await this.#giveUp(delivery, failure || "no node told how its deliveries ended");
        continue;
      }
      const headers = Object.entries(attributes).map(headerOf);
      messages.push({ ...delivery, queue: name, body, headers, receiveCount: receives });
    }
    return messages;
  }

  async #giveUp(message: Pick<Message, "id" | "receipt">, failure: string): Promise<void> {
    const { queues, log, settings: { name, deadLetterQueue: to, retentionMs } } = this.#options;
    const isMoved = await queues.giveUp(message, { to, keptMs: retentionMs, failure });
    if (isMoved) log.warn("message given up", { queue: name, id: message.id, to, failure });
  }
}

function headerOf([name, value]: [string, string]): [string, string] {
  return name === "content-type" ? ["Content-Type", value] : [`${ATTRIBUTE_PREFIX}${name}`, value];
}

function failureOf(reply: HandlerReply | undefined): string {
  if (!reply) return "no answer";
  // deno-lint-ignore no-control-regex -- a database takes no NUL, and a terminal no escapes
  const words = reply.body.replaceAll(/[\x00-\x1f\x7f]+/g, " ").trim();
  return `status ${reply.status}${words && `: ${words}`}`.slice(0, FAILURE_LENGTH_MAX)
    .toWellFormed();
}
