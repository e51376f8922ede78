/**
 * How many and where, for the whole cluster: while this node owns placement it looks at what every
 * node says several times a second, and at once when a request finds no instance, and hands each
 * node its targets. Decides nothing itself; `autoscale` and `placement` do.
 * Walk: router.wake ⇒ **scheduler** → autoscale, placement ⇒ targets of each node.
 * @module
 */
import { aborted } from "../../lib/async/aborted.ts";
import { Recurring } from "../../lib/async/recurring.ts";
import { type Effective, effective } from "../../lib/contract/effective.ts";
import type { ComponentInfo, NodeStatus, Refusal, TargetOrder } from "../../lib/contract/v1.ts";
import type { Log } from "../../lib/log.ts";
import type { Catalog } from "../store/catalog.ts";
import type { StoredComponent } from "../store/store.ts";
import { desiredCount, firmCount, type InstanceLoad, type Load } from "./autoscale.ts";
import { Courier } from "./courier.ts";
import { cutOffComponents } from "./cut_off.ts";
import { DemandWindow } from "./demand_window.ts";
import { type NodeOption, place, type Placement, type Want } from "./placement.ts";

const LOOK_EVERY_MS = 250;
/** Share of the time that planning may take when the cluster is large. */
const BUSY_SHARE = 0.25;
/** A machine that stood still while it planned has not worked: longest rest, in milliseconds. */
const REST_MS_MAX = 1000;
/** Time that a node has to freeze an idle instance before it stops instead, in milliseconds. */
const FREEZE_MS = 10_000;
/** Time that nodes have to meet, and to hear of an instance, before it counts as out of reach. */
const CUT_OFF_MS = 1000;

/** What the scheduler needs from below and beside. */
export interface SchedulerOptions {
  readonly catalog: Pick<Catalog, "current">;
  /** What every node that is in says of itself. */
  readonly nodes: () => readonly NodeStatus[];
  /** Brings a node its targets. */
  readonly send: (nodeId: string, order: TargetOrder, signal: AbortSignal) => Promise<void>;
  readonly log: Log;
  /** Clock in milliseconds since 1970. */
  readonly now: () => number;
}

/** Plans while this node owns placement. */
export class Scheduler {
  readonly #options: SchedulerOptions;
  #planning: Planning | undefined;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  /** Looks again soon: a request waits, an instance changed, or the desired state did. */
  replan(): void {
    this.#planning?.look.poke();
  }

  /** Plans as the owner of `epoch`, until `signal` aborts or a node knows a newer owner. */
  async own(epoch: number, signal: AbortSignal): Promise<void> {
    await using planning = new Planning(this.#options, epoch);
    this.#planning = planning;
    try {
      planning.look.poke();
      await aborted(AbortSignal.any([signal, planning.deposed.signal]));
    } finally {
      this.#planning = undefined;
    }
  }
}

/** What one ownership remembers from look to look. */
class Planning implements AsyncDisposable {
  readonly look: Recurring;
  readonly deposed = new AbortController();
  readonly #options: SchedulerOptions;
  readonly #epoch: number;
  readonly #couriers = new Map<string, Courier>();
  readonly #refused = new Map<string, string>();
  /** What each node was told last, and what it should run in the end. */
  readonly #told = new Map<string, Pick<NodeOption, "assigned" | "settled">>();
  #counts: ReadonlyMap<string, number> = new Map();
  #demand = new Map<string, DemandWindow>();
  /** Since when nobody who waits for a component reaches it. */
  #cutOffSinceMs: ReadonlyMap<string, number> = new Map();
  #nextMs = 0;
  #orders = 0;

  constructor(options: SchedulerOptions, epoch: number) {
    this.#options = options;
    this.#epoch = epoch;
    this.look = new Recurring(() => this.#plan(), {
      name: "scheduler",
      everyMs: LOOK_EVERY_MS,
      log: options.log,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.look[Symbol.asyncDispose]();
    await Promise.all(
      [...this.#couriers.values()].map((courier) => courier[Symbol.asyncDispose]()),
    );
  }

  #plan(): void {
    const begun = performance.now();
    if (begun < this.#nextMs) return;
    const { catalog, nodes, now } = this.#options;
    const { components } = catalog.current;
    const statuses = nodes();
    const running = Map.groupBy(
      statuses.flatMap(({ runningComponents }) => runningComponents),
      ({ componentName }) => componentName,
    );
    const waiting = waitingOf(statuses);
    const backlogs = backlogsOf(statuses);
    this.#recordDemand(components, running, waiting);
    this.#noteCutOff(statuses);
    const wants = components.map((stored) => {
      const { name } = stored.component;
      const infos = running.get(name) ?? [];
      const want = this.#want(stored, infos, waiting.get(name) ?? 0, backlogs.get(name) ?? 0);
      const cutOffMs = begun - (this.#cutOffSinceMs.get(name) ?? begun);
      return cutOffMs >= CUT_OFF_MS ? withOneMore(want, infos, statuses.length) : want;
    });
    const plan = place(statuses.map((status) => this.#option(status, now())), wants);
    this.#counts = plan.counts;
    this.#tellRefusals(plan.refused);
    for (const status of statuses) this.#send(status, plan, wants);
    this.#forgetAbsent(statuses);
    const tookMs = performance.now() - begun;
    const restMs = Math.min(REST_MS_MAX, tookMs / BUSY_SHARE - tookMs);
    this.#nextMs = performance.now() + restMs;
  }

  #noteCutOff(statuses: readonly NodeStatus[]): void {
    const nowMs = performance.now();
    const sinceMs = this.#cutOffSinceMs;
    this.#cutOffSinceMs = new Map(
      [...cutOffComponents(statuses)].map((name) => [name, sinceMs.get(name) ?? nowMs]),
    );
  }

  #want(
    { component }: StoredComponent,
    infos: readonly ComponentInfo[],
    queued: number,
    backlog: number,
  ): Want {
    const settings = effective(component);
    const demand = this.#demand.get(component.name)!;
    const load: Load = {
      settings,
      instances: infos.filter(({ status }) => status !== "stopping")
        .map((info) => loadOf(info, settings)),
      leftUseMs: Math.max(
        ...infos.filter(({ status }) => status === "stopping").map(lastUseMs),
      ),
      target: this.#counts.get(component.name),
      queued,
      sustained: demand.sustained,
      peak: demand.peak,
      backlog: {
        waiting: backlog,
        perInstance: Math.max(1, settings.maxConcurrency * settings.scaleUpConcurrencyPct),
      },
    };
    return {
      ...settings,
      component: component.name,
      version: component.version,
      count: desiredCount(load, this.#options.now()),
      floor: firmCount(load),
    };
  }

  #option(status: NodeStatus, nowMs: number): NodeOption {
    return {
      ...this.#told.get(status.nodeId),
      nodeId: status.nodeId,
      state: status.state,
      labels: status.labels,
      totalMemoryMiB: status.totalMemoryMiB,
      instances: status.runningComponents.map((info) => ({
        component: info.componentName,
        version: info.componentVersion,
        status: info.status,
        reserveMemoryMiB: info.memoryReservedMiB,
        inFlight: info.inFlight,
        lastUseMs: lastUseMs(info),
      })),
      failing: new Set(
        status.failures.filter(({ retryAt }) => retryAt > nowMs)
          .map(({ componentName }) => componentName),
      ),
    };
  }

  #recordDemand(
    components: readonly StoredComponent[],
    running: ReadonlyMap<string, readonly ComponentInfo[]>,
    waiting: ReadonlyMap<string, number>,
  ): void {
    const demand = new Map<string, DemandWindow>();
    for (const { component: { name } } of components) {
      const infos = running.get(name) ?? [];
      const inFlight = infos.reduce((sum, info) => sum + info.inFlight, 0);
      // Who waits for a first instance says nothing of how many are needed once it serves.
      if (!infos.some(({ status }) => status === "active")) {
        demand.set(name, new DemandWindow());
        continue;
      }
      const window = this.#demand.get(name) ?? new DemandWindow();
      window.record(inFlight + (waiting.get(name) ?? 0), this.#options.now());
      demand.set(name, window);
    }
    this.#demand = demand;
  }

  #send(status: NodeStatus, plan: Placement, wants: readonly Want[]): void {
    const { nodeId, startedAt } = status;
    const assigned = plan.targets.get(nodeId);
    const settled = plan.settled.get(nodeId);
    if (!assigned || !settled) return;
    const stuck = plan.stuck.get(nodeId);
    this.#told.set(nodeId, { assigned, settled });
    const order: Omit<TargetOrder, "number"> = {
      epoch: this.#epoch,
      targets: wants.filter(({ component }) => assigned.has(component)).map((want) => ({
        componentName: want.component,
        count: assigned.get(want.component)!,
        version: versionFor(want, status, plan),
      })),
      refused: refusals(plan.refused, wants),
      ...(stuck ? { stuck: refusals(stuck, wants) } : {}),
    };
    this.#courier(nodeId).bring(order, startedAt);
  }

  #courier(nodeId: string): Courier {
    let courier = this.#couriers.get(nodeId);
    if (!courier) {
      const { send, log } = this.#options;
      courier = new Courier(nodeId, {
        send,
        log,
        number: () => ++this.#orders,
        stale: () => this.deposed.abort(),
      });
      this.#couriers.set(nodeId, courier);
    }
    return courier;
  }

  /** A node that comes back is new: what it was told before it went counts for nothing. */
  #forgetAbsent(statuses: readonly NodeStatus[]): void {
    const present = new Set(statuses.map(({ nodeId }) => nodeId));
    for (const [nodeId, courier] of this.#couriers) {
      if (present.has(nodeId)) continue;
      this.#couriers.delete(nodeId);
      this.#told.delete(nodeId);
      void courier[Symbol.asyncDispose]();
    }
  }

  #tellRefusals(refused: ReadonlyMap<string, string>): void {
    for (const [component, reason] of refused) {
      if (this.#refused.get(component) === reason) continue;
      this.#options.log.warn(`Cannot place "${component}": ${reason}`);
    }
    this.#refused.clear();
    for (const [component, reason] of refused) this.#refused.set(component, reason);
  }
}

/** One more instance than there are, for those who reach none of them: at most one on each node. */
function withOneMore(want: Want, infos: readonly ComponentInfo[], nodes: number): Want {
  const running = infos.filter(({ status }) => status !== "stopping").length;
  const count = Math.min(running + 1, nodes, want.maxInstances);
  return { ...want, count: Math.max(want.count, count) };
}

function refusals(reasons: ReadonlyMap<string, string>, wants: readonly Want[]): Refusal[] {
  return wants.filter(({ component }) => reasons.has(component)).map(({ component, version }) => ({
    componentName: component,
    version,
    reason: reasons.get(component)!,
  }));
}

/** The version a node may run: the one it has, until it is its turn to roll. */
function versionFor(want: Want, status: NodeStatus, plan: Placement): number {
  const rolling = plan.rolling.get(want.component);
  if (!rolling || rolling.includes(status.nodeId)) return want.version;
  const versions = status.runningComponents
    .filter(({ componentName, status }) =>
      componentName === want.component && status !== "stopping"
    )
    .map(({ componentVersion }) => componentVersion);
  return versions.length === 0 ? want.version : Math.max(...versions);
}

/** What freezes is kept beyond its idle timeout: its last use counts as so much later. */
function lastUseMs({ lastRequestTime, startTime }: ComponentInfo): number {
  return Math.max(lastRequestTime, startTime);
}

function loadOf(
  info: ComponentInfo,
  { idleMode, frozenTimeoutMs }: Effective,
): InstanceLoad {
  const keptMs = info.status === "frozen" ? frozenTimeoutMs : idleMode === "freeze" ? FREEZE_MS : 0;
  return {
    status: info.status === "starting" ? "starting" : "active",
    sinceMs: info.startTime + keptMs,
    lastRequestMs: info.lastRequestTime + keptMs,
    inFlight: info.inFlight,
    activity: info.activity,
  };
}

function waitingOf(statuses: readonly NodeStatus[]): Map<string, number> {
  const waiting = new Map<string, number>();
  for (const { componentName, count } of statuses.flatMap(({ waiting }) => waiting)) {
    waiting.set(componentName, (waiting.get(componentName) ?? 0) + count);
  }
  return waiting;
}

/** Requests that the queues of each component would make at once if they could. */
function backlogsOf(statuses: readonly NodeStatus[]): Map<string, number> {
  const backlogs = new Map<string, number>();
  const sources = Map.groupBy(
    statuses.flatMap(({ sources = [] }) => sources),
    ({ eventSourceName }) => eventSourceName,
  );
  for (const reports of sources.values()) {
    const { componentName, maxConcurrency } = reports[0]!;
    const demand = reports.reduce((sum, report) => sum + report.demand, 0);
    const before = backlogs.get(componentName) ?? 0;
    backlogs.set(componentName, before + Math.min(maxConcurrency, demand));
  }
  return backlogs;
}
