/**
 * How an event source that reads queues is polled: its settings with every default filled in, its
 * slots, and which node has which. Pure. A slot is a share of the source's concurrency that one
 * node holds as a role.
 *
 * Source: the ancestor's rules for pollers, with capacity counted alike wherever an instance runs.
 * @module
 */
import type { QueueSettings } from "../../lib/contract/queues.ts";
import type { EventSource, NodeStatus } from "../../lib/contract/v1.ts";

/** Messages that one request to SQS may bring, and most that are sent in one batch. */
const MESSAGES_MAX = 10;
/** Messages that are taken from our own queues at once. */
const TAKEN_MAX = 50;

/** The settings that queues of all kinds share. */
export interface Polling {
  readonly source: string;
  readonly component: string;
  /** Where messages are sent, `/image`. */
  readonly path: string;
  /** Requests in progress at the same time, in the whole cluster. */
  readonly maxConcurrency: number;
  readonly concurrencyPerPoller: number;
  /** Most that one receive brings. */
  readonly messagesPerPoll: number;
  /** True: all messages of a poll are sent in one request, whose answer names the failed ones. */
  readonly isBatch: boolean;
  /** How long a message stays ours without word from us, in seconds. */
  readonly visibilitySeconds: number;
  /** Longest answer that is kept, in bytes. */
  readonly replyBytesMax: number;
}

/** Enough for the answer to a batch, and to show what a failed handler said. */
const REPLY_BYTES_MAX = 16 * 1024;
/** Source: AWS Step Functions quotas, "Maximum input or output size for a task". */
export const TASK_BYTES_MAX: number = 256 * 1024;

/** How an SQS source is polled. */
export function sqsPolling({ name, componentName, sqs }: EventSource): Polling {
  const given = sqs?.messagesPerPoll ?? 0;
  const messagesPerPoll = given > MESSAGES_MAX ? 1 : Math.max(1, given);
  return {
    source: name,
    component: componentName,
    path: sqs?.path ?? "/",
    maxConcurrency: sqs?.maxConcurrency || 10,
    // One request carries a whole batch.
    concurrencyPerPoller: sqs?.concurrencyPerPoller || (sqs?.batch ? 1 : messagesPerPoll),
    messagesPerPoll,
    isBatch: sqs?.batch ?? false,
    visibilitySeconds: sqs?.visibilityTimeout || 300,
    replyBytesMax: REPLY_BYTES_MAX,
  };
}

/** How a Step Functions source is polled. */
export function activityPolling({ name, componentName, awsstepfunc }: EventSource): Polling {
  return {
    source: name,
    component: componentName,
    path: awsstepfunc?.path ?? "/",
    maxConcurrency: awsstepfunc?.maxConcurrency || 1,
    concurrencyPerPoller: awsstepfunc?.concurrencyPerPoller || 1,
    messagesPerPoll: 1,
    isBatch: false,
    visibilitySeconds: awsstepfunc?.heartbeatSeconds || 60,
    // One byte more tells that it is too long.
    replyBytesMax: TASK_BYTES_MAX + 1,
  };
}

/** How a source of one of our own queues is polled. */
export function queuePolling(
  { name, componentName }: EventSource,
  { path, maxConcurrency, concurrencyPerPoller, batch, visibilitySeconds }: QueueSettings,
): Polling {
  return {
    source: name,
    component: componentName,
    path,
    maxConcurrency,
    concurrencyPerPoller,
    messagesPerPoll: batch
      ? MESSAGES_MAX
      : Math.min(TAKEN_MAX, Math.max(MESSAGES_MAX, concurrencyPerPoller)),
    isBatch: batch,
    visibilitySeconds,
    replyBytesMax: REPLY_BYTES_MAX,
  };
}

/**
 * The concurrency of each slot, when the component's instances take `capacity` requests at once:
 * concurrency 10 in fours is 4, 4, 2. Without an instance there is one slot for one request, which
 * starts the first.
 */
export function slotsOf(
  { maxConcurrency, concurrencyPerPoller }: Polling,
  capacity: number,
): number[] {
  const wanted = Math.min(maxConcurrency, Math.max(1, capacity));
  const count = Math.ceil(wanted / concurrencyPerPoller);
  return Array.from(
    { length: count },
    (_, slot) => Math.min(concurrencyPerPoller, wanted - slot * concurrencyPerPoller),
  );
}

/** Requests that the instances of each component take at the same time, by its name. */
export function capacities(
  nodes: readonly Pick<NodeStatus, "runningComponents">[],
): ReadonlyMap<string, number> {
  const capacity = new Map<string, number>();
  for (const { runningComponents } of nodes) {
    for (const { componentName, status, maxConcurrency } of runningComponents) {
      if (status !== "active" && status !== "frozen") continue;
      capacity.set(componentName, (capacity.get(componentName) ?? 0) + Math.max(1, maxConcurrency));
    }
  }
  return capacity;
}

/**
 * The node that should have `slot` of `source`: they go round, each source beginning somewhere else.
 * One that is being drained has none while another can. Nodes that see the cluster differently for a
 * while may differ; the role decides.
 */
export function nodeOfSlot(
  source: string,
  slot: number,
  nodes: readonly Pick<NodeStatus, "nodeId" | "state">[],
): string | undefined {
  const staying = nodes.filter(({ state }) => state !== "draining");
  const ids = (staying.length > 0 ? staying : nodes).map(({ nodeId }) => nodeId).toSorted();
  return ids[(hash(source) + slot) % ids.length];
}

/** Source: FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  }
  return value;
}
