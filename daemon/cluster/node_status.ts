/**
 * What this node says of itself: its machine, and its instances with their traffic. Writes its row
 * so that others find it; what is urgent travels from node to node.
 * @module
 */
import { Recurring } from "../../lib/async/recurring.ts";
import type { ProtocolRange } from "../../lib/contract/protocol.ts";
import type {
  ComponentActivity,
  ComponentFailure,
  ComponentInfo,
  ComponentWaiting,
  NodeState,
  NodeStatus,
  Refusal,
  RoleHeld,
  SourceStatus,
} from "../../lib/contract/v1.ts";
import type { Log } from "../../lib/log.ts";
import type { Store } from "../store/store.ts";
import type { InstanceFact, Members } from "./members.ts";

const WRITE_EVERY_MS = 10_000;

/** Traffic of one instance, as the router counts it. */
export interface InstanceTraffic {
  readonly inFlight: number;
  readonly totalRequests: number;
  readonly lastRequestMs: number;
  activity(): readonly ComponentActivity[];
}

/** What a report is made of. */
export interface NodeReporterOptions {
  readonly nodeId: string;
  readonly peerUrl: string;
  /** Versions of the messages between nodes that it speaks. */
  readonly protocols: ProtocolRange;
  readonly cpus: number;
  /** Memory offered to instances, in MiB. */
  readonly totalMemoryMiB: number;
  readonly members: Members;
  readonly store: Store;
  readonly log: Log;
  readonly traffic: (instanceId: string) => InstanceTraffic | undefined;
  /** What has to leave this node and has no other place. */
  readonly stuck: () => readonly Refusal[];
  /** Components of which no instance starts. */
  readonly failures: () => readonly ComponentFailure[];
  /** Requests that wait here. */
  readonly waiting: () => readonly ComponentWaiting[];
  /** Duties performed here. */
  readonly roles: () => readonly RoleHeld[];
  /** Event sources polled here. */
  readonly sources: () => readonly SourceStatus[];
  readonly labels: Readonly<Record<string, string>>;
  readonly state: () => NodeState;
  /** Peers that answer. */
  readonly reached: () => readonly string[];
  /** What is said of this node has changed: peers should hear. */
  readonly announce: () => void;
  /** Clock in milliseconds since 1970. */
  readonly now: () => number;
}

/** Reports on this node. */
export class NodeReporter implements AsyncDisposable {
  readonly #options: NodeReporterOptions;
  readonly #startedAt: number;
  readonly #writer: Recurring;
  readonly #unsubscribe: () => void;
  #version: number;
  #isLeaving = false;

  constructor(options: NodeReporterOptions) {
    this.#options = options;
    this.#startedAt = this.#version = options.now();
    this.#writer = new Recurring(() => this.#write(), {
      name: "node status",
      everyMs: WRITE_EVERY_MS,
      log: options.log,
    });
    this.#unsubscribe = options.members.subscribe(() => this.changed());
  }

  /** Writes the row, and from then on again and again. */
  async start(): Promise<void> {
    await this.#write();
    this.#writer.poke();
  }

  /** From now on this node says that it leaves. */
  leave(): void {
    this.#isLeaving = true;
    this.changed();
  }

  /** What is said of this node is no longer what it was. */
  changed(): void {
    this.#version += 1;
    this.#options.announce();
  }

  get nodeId(): string {
    return this.#options.nodeId;
  }

  /** The node as it is now. */
  status(): NodeStatus {
    const { nodeId, peerUrl, protocols, cpus, totalMemoryMiB, members, now } = this.#options;
    const stuck = this.#options.stuck();
    const [loadAvg1m = 0, loadAvg5m = 0, loadAvg15m = 0] = Deno.loadavg();
    return {
      nodeId,
      startedAt: this.#startedAt,
      observedAt: now(),
      version: this.#version,
      peerUrl,
      totalMemoryMiB,
      freeMemoryMiB: Math.min(totalMemoryMiB, machineMemory().availableMiB),
      numCPUs: cpus,
      loadAvg1m,
      loadAvg5m,
      loadAvg15m,
      runningComponents: members.list().map((fact) => this.#info(fact)),
      failures: this.#options.failures(),
      waiting: this.#options.waiting(),
      roles: this.#options.roles(),
      sources: this.#options.sources(),
      labels: this.#options.labels,
      state: this.#options.state(),
      ...(stuck.length > 0 ? { stuck } : {}),
      isLeaving: this.#isLeaving,
      protocol: protocols.newest,
      oldestProtocol: protocols.oldest,
      reached: this.#options.reached(),
    };
  }

  /** Stops writing and removes this node's row. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#unsubscribe();
    await this.#writer[Symbol.asyncDispose]();
    await this.#options.store.removeNodeStatus(this.nodeId);
  }

  async #write(): Promise<void> {
    await this.#options.store.putNodeStatus(this.status());
  }

  #info(fact: InstanceFact): ComponentInfo {
    const traffic = this.#options.traffic(fact.id);
    return {
      componentName: fact.component,
      componentVersion: fact.version,
      status: fact.status,
      maxConcurrency: fact.maxConcurrency,
      memoryReservedMiB: fact.reserveMemoryMiB,
      startTime: fact.sinceMs,
      lastRequestTime: traffic?.lastRequestMs ?? 0,
      totalRequests: traffic?.totalRequests ?? 0,
      activity: traffic?.activity() ?? [],
      containerName: fact.id,
      inFlight: traffic?.inFlight ?? 0,
      // JSON has no infinity.
      admits: Math.min(fact.admits, Number.MAX_SAFE_INTEGER),
      ...(fact.progress === undefined ? {} : { progress: fact.progress }),
      health: fact.health ?? [],
    };
  }
}

/** Memory of the machine, in MiB. */
export function machineMemory(): { totalMiB: number; availableMiB: number } {
  const { total, available } = Deno.systemMemoryInfo();
  return { totalMiB: Math.floor(total / 2 ** 20), availableMiB: Math.floor(available / 2 ** 20) };
}
