/**
 * How many and where: looks at the load every second, and at once when a request finds no instance,
 * and hands each node its targets. Decides nothing itself; `autoscale` and `placement` do.
 * Walk: router.wake → **scheduler** → autoscale, placement → converger.
 * @module
 */
import { Recurring } from "../../lib/async/recurring.ts";
import { type Effective, effective } from "../../lib/contract/effective.ts";
import { MaelstromError } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { InstanceFact, Members, Target } from "../cluster/members.ts";
import type { InstanceTraffic } from "../cluster/node_status.ts";
import type { Catalog } from "../store/catalog.ts";
import type { StoredComponent } from "../store/store.ts";
import { desiredCount, type InstanceLoad } from "./autoscale.ts";
import { type NodeOption, place, type Placed, type Want } from "./placement.ts";

const LOOK_EVERY_MS = 1000;

/** What the scheduler needs from below and beside. */
export interface SchedulerOptions {
  readonly nodeId: string;
  readonly totalMemoryMiB: number;
  readonly catalog: Catalog;
  readonly members: Members;
  readonly log: Log;
  readonly traffic: (instanceId: string) => InstanceTraffic | undefined;
  readonly queued: (component: string) => number;
  /** Receives the whole of this node's targets after each look. */
  readonly setTargets: (targets: readonly Target[]) => void;
  /** A component that requests wait for cannot be placed. */
  readonly refuse: (component: string, error: MaelstromError) => void;
  /** Clock in milliseconds since 1970. */
  readonly now: () => number;
}

/** Keeps targets up to date with load and desired state. */
export class Scheduler implements AsyncDisposable {
  readonly #options: SchedulerOptions;
  readonly #look: Recurring;
  readonly #refused = new Map<string, string>();
  #targets: ReadonlyMap<string, number> = new Map();
  #lastDemand = new Map<string, number>();
  #lastDemandAtMs = 0;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#look = new Recurring(() => this.#replan(), {
      name: "scheduler",
      everyMs: LOOK_EVERY_MS,
      log: options.log,
    });
  }

  /** Looks again soon: a request waits, an instance changed, or the desired state did. */
  replan(): void {
    this.#look.poke();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#look[Symbol.asyncDispose]();
  }

  #replan(): void {
    const { catalog, members, nodeId, totalMemoryMiB, now } = this.#options;
    const running = Map.groupBy(
      members.list().filter(({ status }) => status !== "stopping"),
      ({ component }) => component,
    );
    const components = catalog.current.components;
    const sustained = this.#sustained(components, running);
    const wants = components.map((stored) => this.#want(stored, running, sustained, now()));
    const placed = [...running].map(([component, facts]) => this.#placed(component, facts));
    const node: NodeOption = { nodeId, totalMemoryMiB, placed };
    const { targets, refused } = place([node], wants);
    const counts = targets.get(nodeId)!;
    this.#targets = counts;
    this.#options.setTargets(
      components.map((stored) => ({ stored, count: counts.get(stored.component.name) ?? 0 })),
    );
    this.#refuse(refused);
  }

  #want(
    { component }: StoredComponent,
    running: ReadonlyMap<string, readonly InstanceFact[]>,
    sustained: ReadonlyMap<string, number>,
    nowMs: number,
  ): Want {
    const settings: Effective = effective(component);
    const instances = (running.get(component.name) ?? []).map((fact) => this.#load(fact));
    const queued = this.#options.queued(component.name);
    const target = this.#targets.get(component.name);
    const lasting = sustained.get(component.name) ?? 0;
    const load = { settings, instances, target, queued, sustained: lasting };
    return {
      component: component.name,
      count: desiredCount(load, nowMs),
      floor: settings.minInstances,
      maxInstancesPerNode: settings.maxInstancesPerNode,
      reserveMemoryMiB: settings.reserveMemoryMiB,
    };
  }

  #load({ id, status, sinceMs }: InstanceFact): InstanceLoad {
    const traffic = this.#options.traffic(id);
    return {
      status: status === "active" ? "active" : "starting",
      sinceMs,
      lastRequestMs: traffic?.lastRequestMs ?? 0,
      inFlight: traffic?.inFlight ?? 0,
      activity: traffic?.activity() ?? [],
    };
  }

  #placed(component: string, facts: readonly InstanceFact[]): Placed {
    const loads = facts.map((fact) => this.#load(fact));
    return {
      component,
      count: facts.length,
      reserveMemoryMiB: facts[0]!.reserveMemoryMiB,
      idle: loads.filter(({ status, inFlight }) => status === "active" && inFlight === 0).length,
      lastUseMs: Math.max(...loads.map((load) => Math.max(load.lastRequestMs, load.sinceMs))),
    };
  }

  /** Demand by component that has lasted since the last look at least a look's period ago. */
  #sustained(
    components: readonly StoredComponent[],
    running: ReadonlyMap<string, readonly InstanceFact[]>,
  ): Map<string, number> {
    const { queued, traffic, now } = this.#options;
    const demand = new Map<string, number>();
    const sustained = new Map<string, number>();
    for (const { component: { name } } of components) {
      const inFlight = (running.get(name) ?? [])
        .reduce((sum, { id }) => sum + (traffic(id)?.inFlight ?? 0), 0);
      const current = inFlight + queued(name);
      demand.set(name, current);
      sustained.set(name, Math.min(current, this.#lastDemand.get(name) ?? 0));
    }
    // Pokes look more often than once a second; they must not make a burst look lasting.
    if (now() - this.#lastDemandAtMs >= LOOK_EVERY_MS / 2) {
      this.#lastDemand = demand;
      this.#lastDemandAtMs = now();
    }
    return sustained;
  }

  #refuse(refused: ReadonlyMap<string, string>): void {
    for (const [component, reason] of refused) {
      const message = `Cannot place "${component}": ${reason}`;
      if (this.#refused.get(component) !== reason) this.#options.log.warn(message);
      this.#options.refuse(component, new MaelstromError("no_capacity", message));
    }
    for (const component of this.#refused.keys()) {
      if (!refused.has(component)) this.#refused.delete(component);
    }
    for (const [component, reason] of refused) this.#refused.set(component, reason);
  }
}
