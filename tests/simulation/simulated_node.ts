/**
 * A node as the planner knows one: it starts and stops instances until it has what it was told, in
 * simulated seconds. A start may take long or fail, and is tried again after a pause.
 * @module
 */
import type {
  NodeOption,
  NodeState,
  PlacedInstance,
  Want,
} from "../../daemon/scheduler/placement.ts";
import type { ComponentActivity, InstanceStatus } from "../../lib/contract/v1.ts";
import type { Random } from "./random.ts";

const STOP_SECONDS = 2;
const RETRY_SECONDS = 10;
const WINDOW_SECONDS = 20;
const WINDOWS_MAX = 10;

/** A container that does not exist. */
export interface SimulatedInstance {
  readonly component: string;
  readonly version: number;
  readonly reserveMemoryMiB: number;
  status: InstanceStatus;
  /** Second at which it serves, fails to start, or is gone. */
  dueAt: number;
  fails: boolean;
  sinceMs: number;
  lastRequestMs: number;
  inFlight: number;
  /** Requests in progress summed over the seconds of this window. */
  area: number;
  seconds: number;
  activity: ComponentActivity[];
}

/** Chances that a start goes wrong. */
export interface StartOdds {
  readonly slow: number;
  readonly fails: number;
}

/** One machine. */
export class SimulatedNode {
  state: NodeState = "ready";
  instances: SimulatedInstance[] = [];
  assigned: ReadonlyMap<string, number> = new Map();
  settled: ReadonlyMap<string, number> = new Map();
  starts = 0;
  stops = 0;
  readonly #retryAt = new Map<string, number>();

  constructor(
    readonly nodeId: string,
    readonly totalMemoryMiB: number,
    readonly labels: Readonly<Record<string, string>>,
  ) {}

  /** What the planner is told. */
  option(second: number): NodeOption {
    const { nodeId, state, labels, totalMemoryMiB, assigned, settled } = this;
    const failing = new Set(
      [...this.#retryAt].filter(([, at]) => at > second).map(([component]) => component),
    );
    const instances = this.instances.map((one): PlacedInstance => ({
      component: one.component,
      version: one.version,
      status: one.status,
      reserveMemoryMiB: one.reserveMemoryMiB,
      inFlight: one.inFlight,
      lastUseMs: Math.max(one.lastRequestMs, one.sinceMs),
    }));
    return { nodeId, state, labels, totalMemoryMiB, instances, assigned, settled, failing };
  }

  /** Instances of `component` that serve. */
  serving(component: string): SimulatedInstance[] {
    return this.instances.filter((one) => one.component === component && one.status === "active");
  }

  /** The machine lost its power, or has it again. */
  lose(): void {
    this.instances = [];
    this.assigned = new Map();
    this.settled = new Map();
    this.#retryAt.clear();
  }

  /** Lets the time pass up to `second`: what was due is done. */
  pass(second: number): void {
    for (const one of this.instances) {
      if (one.dueAt > second) continue;
      if (one.status === "starting" && one.fails) {
        one.status = "stopping";
        this.#retryAt.set(one.component, second + RETRY_SECONDS);
      } else if (one.status === "starting") {
        one.status = "active";
        one.sinceMs = second * 1000;
        this.#retryAt.delete(one.component);
      }
    }
    this.instances = this.instances.filter((one) =>
      one.status !== "stopping" || one.dueAt > second
    );
    for (const one of this.instances) if (one.status === "active") measure(one, second);
  }

  /** Starts and stops what the targets ask for; the least busy stops first. */
  converge(
    second: number,
    wants: ReadonlyMap<string, Want>,
    random: Random,
    odds: StartOdds,
  ): void {
    const components = new Set([
      ...this.assigned.keys(),
      ...this.instances.map((one) => one.component),
    ]);
    for (const component of components) {
      const target = this.assigned.get(component) ?? 0;
      const present = this.instances.filter((one) =>
        one.component === component && one.status !== "stopping"
      ).sort((a, b) => rank(b) - rank(a));
      for (const one of present.slice(target)) this.#stop(one, second);
      if ((this.#retryAt.get(component) ?? 0) > second) continue;
      const want = wants.get(component)!;
      for (let i = present.length; i < target; i++) this.#start(want, second, random, odds);
    }
  }

  #stop(one: SimulatedInstance, second: number): void {
    one.status = "stopping";
    one.dueAt = second + STOP_SECONDS;
    this.stops += 1;
  }

  #start(want: Want, second: number, random: Random, { slow, fails }: StartOdds): void {
    const seconds = random.chance(slow) ? random.between(10, 40) : random.between(1, 3);
    this.instances.push({
      component: want.component,
      version: want.version,
      reserveMemoryMiB: want.reserveMemoryMiB,
      status: "starting",
      dueAt: second + seconds,
      fails: random.chance(fails),
      sinceMs: second * 1000,
      lastRequestMs: 0,
      inFlight: 0,
      area: 0,
      seconds: 0,
      activity: [],
    });
    this.starts += 1;
  }
}

/** What serves is kept before what starts, and the busy before the idle. */
function rank({ status, inFlight }: SimulatedInstance): number {
  return (status === "active" ? 1 : 0) + inFlight;
}

function measure(one: SimulatedInstance, second: number): void {
  if (one.inFlight > 0) one.lastRequestMs = second * 1000;
  one.area += one.inFlight;
  one.seconds += 1;
  if (one.seconds < WINDOW_SECONDS) return;
  one.activity = [{ requests: 1, concurrency: one.area / WINDOW_SECONDS }, ...one.activity]
    .slice(0, WINDOWS_MAX);
  one.area = one.seconds = 0;
}
