/**
 * The node's own queues as the wire has them: what is sent, what is told of them, and what absent
 * and zero fields of a queue's event source mean. Pure.
 * @module
 */
import type { QueueEventSource } from "./v1.ts";

/** Longest name of a queue, in bytes: that of its dead letters is longer by `-dead`. */
export const QUEUE_NAME_BYTES_MAX = 55;
/** Largest message, in bytes of UTF-8. */
export const MESSAGE_BYTES_MAX = 256 * 1024;
/** Most messages that are sent, or shown, at once. */
export const MESSAGES_MAX = 100;
/** Highest priority; 0 is the lowest and the default. */
export const PRIORITY_MAX = 9;
/** Longest delay of a message, in seconds. */
export const DELAY_SECONDS_MAX = 7 * 24 * 3600;
/** Most attributes of a message. */
export const ATTRIBUTES_MAX = 20;
/**
 * An attribute comes and goes as the header field `mael-attribute-NAME`, but for `content-type`,
 * which has a field of its own.
 */
export const ATTRIBUTE_PREFIX = "mael-attribute-";

/** How many messages a queue holds, and who reads it. */
export interface QueueInfo {
  readonly name: string;
  /** Messages that may be delivered now. */
  readonly ready: number;
  /** Messages whose time has not come: sent with a delay, or failed and tried again later. */
  readonly delayed: number;
  /** Messages that are with a component. */
  readonly inFlight: number;
  /** Messages that were given up and wait in another queue. */
  readonly dead: number;
  /** When the oldest message was sent, in milliseconds since 1970; 0: there is none. */
  readonly oldestSentAt: number;
  /** Event sources that read it, by name. */
  readonly eventSources: readonly string[];
}

/** A message in a queue, as it may be shown. */
export interface QueuedMessage {
  readonly id: string;
  readonly priority: number;
  /** In milliseconds since 1970. */
  readonly sentAt: number;
  /** When it may be delivered next, in milliseconds since 1970. */
  readonly visibleAt: number;
  /** Deliveries so far. */
  readonly receives: number;
  /** The queue that gave it up; absent unless it is a dead letter. */
  readonly deadFrom?: string;
  /** Why the last delivery failed, as far as is known. */
  readonly failure?: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A queue's event source with every default filled in. */
export interface QueueSettings {
  readonly name: string;
  readonly path: string;
  readonly maxConcurrency: number;
  readonly concurrencyPerPoller: number;
  readonly batch: boolean;
  readonly visibilitySeconds: number;
  readonly maxReceives: number;
  readonly deadLetterQueue: string;
  readonly retentionMs: number;
  readonly maxLength: number;
  readonly open: boolean;
}

/** The meaning of a queue's event source. Zero and absent are the same. */
export function queueSettings(queue: QueueEventSource): QueueSettings {
  return {
    name: queue.name,
    path: queue.path,
    maxConcurrency: queue.maxConcurrency || 10,
    // One request carries a whole batch.
    concurrencyPerPoller: queue.concurrencyPerPoller || (queue.batch ? 1 : 10),
    batch: queue.batch ?? false,
    visibilitySeconds: queue.visibilitySeconds || 60,
    maxReceives: queue.maxReceives || 5,
    deadLetterQueue: queue.deadLetterQueue || `${queue.name}-dead`,
    retentionMs: (queue.retentionSeconds || 14 * 24 * 3600) * 1000,
    maxLength: queue.maxLength || 100_000,
    open: queue.open ?? false,
  };
}
