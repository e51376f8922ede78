/** What runs, as nodes tell it, and what should run, as they are told. @module */
import { z } from "zod";
import { count } from "./fields.ts";

/** Traffic of one instance in one window, newest first in a list of at most ten. */
export interface ComponentActivity {
  /** Requests completed in the window. */
  readonly requests: number;
  /** Requests in progress, averaged over the window. */
  readonly concurrency: number;
}

/** Where an instance is in its life. */
export type InstanceStatus = "starting" | "active" | "frozen" | "stopping";

/** One health check: `{ "at": 1767225600000, "healthy": false, "detail": "status 503" }`. */
export interface HealthResult {
  /** In milliseconds since 1970. */
  readonly at: number;
  readonly healthy: boolean;
  /** The answer's status, or why there was none. */
  readonly detail: string;
}

/** A version that does not start, or does not keep running, on a node. */
export interface ComponentFailure {
  readonly componentName: string;
  readonly componentVersion: number;
  readonly message: string;
  /** Starts that failed one after the other. */
  readonly attempts: number;
  /** When the next is due, in milliseconds since 1970; 0: of itself none. */
  readonly retryAt: number;
  /**
   * Only the pull that a put asked for has failed, and starts go on being tried: when it is tried
   * again, in milliseconds since 1970; 0 when it has been given up.
   */
  readonly pullRetryAt?: number;
  /** The last lines that the last attempt's container wrote, oldest first. */
  readonly lines: readonly string[];
  /** The last checks of that container, oldest first. */
  readonly health: readonly HealthResult[];
}

/** One running instance of a component, as a node reports it. */
export interface ComponentInfo {
  readonly componentName: string;
  readonly componentVersion: number;
  readonly status: InstanceStatus;
  readonly maxConcurrency: number;
  readonly memoryReservedMiB: number;
  /** In milliseconds since 1970. */
  readonly startTime: number;
  /** In milliseconds since 1970; 0 means never. */
  readonly lastRequestTime: number;
  readonly totalRequests: number;
  readonly activity: readonly ComponentActivity[];
  /** Name of the container; ours beside the ancestor's fields. */
  readonly containerName: string;
  /** Requests in progress now; ours beside the ancestor's fields. */
  readonly inFlight: number;
  /** Requests it may have at the same time: more than maxConcurrency when that is a soft limit. */
  readonly admits: number;
  /** What a start is busy with: `pulling shop:7, 45 %`. Absent when there is nothing to tell. */
  readonly progress?: string;
  /** The last health checks, oldest first; at most five. */
  readonly health: readonly HealthResult[];
}

/** What a node says of itself. */
export interface NodeStatus {
  readonly nodeId: string;
  readonly startedAt: number;
  readonly observedAt: number;
  readonly version: number;
  readonly peerUrl: string;
  readonly totalMemoryMiB: number;
  readonly freeMemoryMiB: number;
  readonly numCPUs: number;
  readonly loadAvg1m: number;
  readonly loadAvg5m: number;
  readonly loadAvg15m: number;
  readonly runningComponents: readonly ComponentInfo[];
  // From here on ours beside the ancestor's fields.
  readonly failures: readonly ComponentFailure[];
  /** Requests that wait here for an instance, by component; those with none are left out. */
  readonly waiting: readonly ComponentWaiting[];
  /** Duties that the node performs for the whole cluster. */
  readonly roles: readonly RoleHeld[];
  /** Event sources whose queues are polled here. */
  readonly sources: readonly SourceStatus[];
  readonly state: NodeState;
  /** Components that have to leave the node and have no other place; absent when there are none. */
  readonly stuck?: readonly Refusal[];
  /** The daemon is stopping: nothing more should be sent there. */
  readonly isLeaving: boolean;
  /** What constraints of components speak of: `{ "zone": "a" }`. */
  readonly labels: Readonly<Record<string, string>>;
  /** Newest version of the messages between nodes that it speaks. */
  readonly protocol: number;
  /** Oldest version of them that it speaks; absent: the newest is the only one. */
  readonly oldestProtocol?: number;
  /** Peers that answer it, and so get its requests; absent: nobody asked, so all. */
  readonly reached?: readonly string[];
}

/** Whether a node takes new instances, and whether it gives away those it has. */
export const nodeStateSchema = z.enum(["ready", "cordoned", "draining"]);
export type NodeState = z.infer<typeof nodeStateSchema>;

/** Requests that wait for a component: `{ "componentName": "shop", "count": 3 }`. */
export interface ComponentWaiting {
  readonly componentName: string;
  readonly count: number;
}

/** How an event source that reads queues fares, on one node or on all, since it was polled there. */
export interface SourceStatus {
  readonly eventSourceName: string;
  readonly componentName: string;
  /** Requests that go on, and those that messages wait for which this node counts. */
  readonly demand: number;
  /** Most requests that may go on in the cluster. */
  readonly maxConcurrency: number;
  /** Messages that the component has now. */
  readonly inFlight: number;
  /** Messages in the queues; counted by one node for all. */
  readonly waiting: number;
  /** Messages that were given up, in the dead-letter queues; counted by one node for all. */
  readonly dead: number;
  readonly handled: number;
  /** Deliveries that failed. */
  readonly failed: number;
  /** Deliveries of messages that had been delivered before. */
  readonly repeated: number;
  /** Messages that were handled but could not be deleted, so that they came again. */
  readonly undeleted: number;
  /** What keeps it from receiving. */
  readonly error?: {
    readonly reason: string;
    /** In milliseconds since 1970. */
    readonly since: number;
    /** When it is tried again, in milliseconds since 1970. */
    readonly retryAt: number;
  };
}

/** A duty and its ownership: `{ "role": "placement", "epoch": 7 }`. */
export interface RoleHeld {
  readonly role: string;
  /** Grows with each change of owner. */
  readonly epoch: number;
}

/** How a component fares on all nodes. */
export interface ComponentStatus {
  readonly instances: readonly (ComponentInfo & { readonly nodeId: string })[];
  readonly failures: readonly (ComponentFailure & { readonly nodeId: string })[];
  /** Why it has fewer instances than it should; absent when it has all, or will soon. */
  readonly refused?: Refusal;
}

/** What has no place: `{ "componentName": "shop", "version": 4, "reason": "needs 512 MiB, …" }`. */
const refusalSchema = z.object({
  componentName: z.string(),
  /** The version for which there is none; an owner of an older version does not say. */
  version: z.int().min(0).optional(),
  reason: z.string(),
});
export type Refusal = z.infer<typeof refusalSchema>;

/** What a node should run, as the owner of placement says: `{ "epoch": 7, "targets": [ … ], … }`. */
export const targetOrderSchema = z.object({
  /** Of the ownership; a node refuses one that is older than it has seen. */
  epoch: z.int().min(0),
  /** Grows with each order of the epoch; a node leaves one that was overtaken on its way. */
  number: z.int().min(0),
  /** Components that are not named should have no instance. */
  targets: z.array(z.object({
    componentName: z.string(),
    count,
    /** The newest version that may run; the node keeps an older one until its turn to roll. */
    version: z.int().min(0),
  })),
  /** Components that have fewer instances than wanted, and why. */
  refused: z.array(refusalSchema),
  /** Components that have to leave the node and have no other place. An older owner says nothing. */
  stuck: z.array(refusalSchema).optional(),
});
export type TargetOrder = z.infer<typeof targetOrderSchema>;
