/**
 * How one event source that reads queues fares on this node: what its pollers are busy with, and
 * what keeps them from it. Knows nothing of how they poll.
 * @module
 */
import type { SourceStatus } from "../../lib/contract/v1.ts";
import type { QueueDepth } from "./message_source.ts";
import type { Polling } from "./polling.ts";

const NOTHING: QueueDepth = { waiting: 0, dead: 0 };

/** What keeps a poller from receiving. */
export interface Trouble {
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly retryAtMs: number;
}

/** Kept by the pollers of one source. */
export class SourceReport {
  /** Messages that the component has now. */
  inFlight = 0;
  /** Messages that were received and wait for a place. */
  ahead = 0;
  /** Since the node began to poll: messages that were handled and deleted. */
  handled = 0;
  /** Deliveries that failed. */
  failed = 0;
  /** Deliveries of messages that had been delivered before. */
  repeated = 0;
  /** Messages that were handled but could not be deleted. */
  undeleted = 0;
  readonly #polling: Polling;
  readonly #now: () => number;
  readonly #changed: () => void;
  #depth = NOTHING;
  #trouble: Trouble & { readonly sinceMs: number } | undefined;

  /** `changed` is called when others should hear: trouble, its end, or work that waits. */
  constructor(polling: Polling, now: () => number, changed: () => void) {
    this.#polling = polling;
    this.#now = now;
    this.#changed = changed;
  }

  /** Receiving failed; it is tried again. True when this is news. */
  troubled(trouble: Trouble): boolean {
    const before = this.#trouble;
    const isNews = before?.reason !== trouble.reason;
    this.#trouble = { ...trouble, sinceMs: before?.sinceMs ?? this.#now() };
    if (isNews) this.#changed();
    return isNews;
  }

  /** Messages are received. True when this is news. */
  recovered(): boolean {
    const isNews = this.#trouble !== undefined;
    this.#trouble = undefined;
    if (isNews) this.#changed();
    return isNews;
  }

  /** What the queues hold; undefined when another node looks after that. */
  holds(depth: QueueDepth = NOTHING): void {
    const isNews = (depth.waiting > 0) !== (this.#depth.waiting > 0);
    this.#depth = depth;
    if (isNews) this.#changed();
  }

  /** What the node says of the source. */
  status(): SourceStatus {
    const { inFlight, handled, failed, repeated, undeleted } = this;
    const waiting = this.ahead + this.#depth.waiting;
    const { source, component, maxConcurrency, messagesPerPoll, isBatch } = this.#polling;
    const trouble = this.#trouble;
    const messages = inFlight + waiting;
    return {
      eventSourceName: source,
      componentName: component,
      demand: isBatch ? Math.ceil(messages / messagesPerPoll) : messages,
      maxConcurrency,
      inFlight,
      waiting,
      dead: this.#depth.dead,
      handled,
      failed,
      repeated,
      undeleted,
      ...(trouble && {
        error: {
          reason: trouble.reason,
          since: trouble.sinceMs,
          retryAt: trouble.retryAtMs,
        },
      }),
    };
  }
}
