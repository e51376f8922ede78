/**
 * A cluster that lives through hours of load and failures in seconds: the real autoscaler and the
 * real placement on nodes that are only simulated. A seed repeats a run.
 * @module
 */
import { desiredCount, firmCount, type Load } from "../../daemon/scheduler/autoscale.ts";
import { DemandWindow } from "../../daemon/scheduler/demand_window.ts";
import { place, type Placement, type Want } from "../../daemon/scheduler/placement.ts";
import { parseConstraint } from "../../lib/contract/constraint.ts";
import { type Effective, effective } from "../../lib/contract/effective.ts";
import { component } from "../support/builders.ts";
import { violationsOf } from "./invariants.ts";
import { anyLoad, type LoadShape } from "./load.ts";
import { Random } from "./random.ts";
import { SimulatedNode } from "./simulated_node.ts";

/** How long and how wild. */
export interface SimulationOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly components: number;
  readonly minutes: number;
}

/** What happened. */
export interface Summary {
  readonly seed: number;
  readonly ticks: number;
  readonly starts: number;
  readonly stops: number;
  readonly moves: number;
  readonly refusals: number;
  /** Share of the requests' seconds spent waiting, as far as their maximum lets them be served. */
  readonly waitShare: number;
  readonly longestPlanMs: number;
  /** What must never be, with the second at which it was. */
  readonly violations: readonly string[];
}

interface SimulatedComponent {
  readonly name: string;
  readonly settings: Effective;
  readonly load: LoadShape;
  readonly demand: DemandWindow;
  target: number;
  queued: number;
}

const ODDS = { slow: 0.1, fails: 0.05 };
/** At the end nothing goes wrong and the load stays: the cluster has to come to rest. */
const CALM_SECONDS = 600;
/** Last seconds of the calm, in which nothing may change any more. */
const REST_SECONDS = 60;

/** Runs a cluster for some simulated minutes. */
export function simulate(options: SimulationOptions): Summary {
  return new Simulation(options).run();
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #random: Random;
  readonly #nodes: SimulatedNode[];
  readonly #components: SimulatedComponent[];
  readonly #violations: string[] = [];
  /** Second at which a lost node is back. */
  readonly #lost = new Map<SimulatedNode, number>();
  #moves = 0;
  #refusals = 0;
  #waited = 0;
  #asked = 0;
  #longestPlanMs = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
    const random = this.#random = new Random(options.seed);
    this.#nodes = Array.from(
      { length: options.nodes },
      (_, i) =>
        new SimulatedNode(`n${String(i).padStart(4, "0")}`, random.pick([1024, 2048, 4096, 8192]), {
          zone: random.pick(["a", "b"]),
        }),
    );
    this.#components = Array.from({ length: options.components }, (_, i) => ({
      name: `c${String(i).padStart(4, "0")}`,
      settings: anySettings(random),
      load: anyLoad(random),
      demand: new DemandWindow(),
      target: 0,
      queued: 0,
    }));
  }

  run(): Summary {
    const ticks = this.#options.minutes * 60;
    const calmAt = Math.max(0, ticks - CALM_SECONDS);
    let changesAtRest = 0;
    for (let second = 0; second < ticks; second++) {
      if (second < calmAt) this.#disturb(second);
      if (second === calmAt) this.#calm();
      const changes = this.#tick(second, Math.min(second, calmAt), second < calmAt);
      if (ticks - second <= REST_SECONDS) changesAtRest += changes;
    }
    if (calmAt > 0 && changesAtRest > 0) {
      this.#violations.push(`${ticks}: ${changesAtRest} starts and stops under constant load`);
    }
    const sum = (value: (node: SimulatedNode) => number) =>
      this.#nodes.reduce((total, node) => total + value(node), 0);
    return {
      seed: this.#options.seed,
      ticks,
      starts: sum(({ starts }) => starts),
      stops: sum(({ stops }) => stops),
      moves: this.#moves,
      refusals: this.#refusals,
      waitShare: this.#asked === 0 ? 0 : this.#waited / this.#asked,
      longestPlanMs: this.#longestPlanMs,
      violations: this.#violations,
    };
  }

  /** One second; gives the number of starts and stops in it. */
  #tick(second: number, loadSecond: number, wild: boolean): number {
    for (const node of this.#alive()) node.pass(second);
    for (const component of this.#components) this.#serve(component, second, loadSecond);
    const wants = this.#components.map((component) => this.#want(component, second));
    const options = this.#alive().map((node) => node.option(second));
    const start = performance.now();
    const plan = place(options, wants);
    this.#longestPlanMs = Math.max(this.#longestPlanMs, performance.now() - start);
    for (const violation of violationsOf(options, wants, plan)) {
      this.#violations.push(`${second}: ${violation}`);
    }
    return this.#obey(second, wants, plan, wild);
  }

  #obey(second: number, wants: readonly Want[], plan: Placement, wild: boolean): number {
    this.#moves += plan.moves.length;
    this.#refusals += plan.refused.size;
    for (const component of this.#components) component.target = plan.counts.get(component.name)!;
    const byName = new Map(wants.map((want) => [want.component, want]));
    let changes = 0;
    for (const node of this.#alive()) {
      if (node.state === "down") continue;
      changes -= node.starts + node.stops;
      node.assigned = plan.targets.get(node.nodeId)!;
      node.settled = plan.settled.get(node.nodeId)!;
      node.converge(second, byName, this.#random, wild ? ODDS : { slow: 0, fails: 0 });
      changes += node.starts + node.stops;
    }
    return changes;
  }

  /** Gives the requests of this second to the instances, evenly; the rest waits. */
  #serve(component: SimulatedComponent, second: number, at: number): void {
    const { name, settings, load, demand } = component;
    const asked = load(at);
    const serving = this.#alive().filter(({ state }) => state !== "down")
      .flatMap((node) => node.serving(name));
    let left = Math.min(asked, serving.length * settings.maxConcurrency);
    component.queued = asked - left;
    for (const [i, one] of serving.entries()) {
      one.inFlight = Math.ceil(left / (serving.length - i));
      left -= one.inFlight;
    }
    // What the component's own maximum keeps waiting says nothing of the planner.
    const allowed = Math.min(asked, settings.maxInstances * settings.maxConcurrency);
    this.#asked += allowed;
    this.#waited += Math.max(0, allowed - (asked - component.queued));
    demand.record(asked, second * 1000);
  }

  #want({ name, settings, demand, target, queued }: SimulatedComponent, second: number): Want {
    const instances = this.#alive().filter(({ state }) => state !== "down")
      .flatMap((node) => node.instances)
      .filter((one) => one.component === name && one.status !== "stopping");
    const load: Load = {
      settings,
      instances: instances.map((one) => ({
        ...one,
        status: one.status === "starting" ? "starting" : "active",
      })),
      target,
      queued,
      sustained: demand.sustained,
      peak: demand.peak,
    };
    const count = desiredCount(load, second * 1000);
    return { ...settings, component: name, version: 1, count, floor: firmCount(load) };
  }

  #alive(): SimulatedNode[] {
    return this.#nodes.filter((node) => !this.#lost.has(node));
  }

  #disturb(second: number): void {
    for (const [node, backAt] of this.#lost) if (backAt <= second) this.#lost.delete(node);
    const random = this.#random;
    if (random.chance(0.005)) {
      const node = random.pick(this.#nodes);
      node.lose();
      this.#lost.set(node, second + random.between(5, 300));
    }
    if (random.chance(0.01)) {
      const states = ["ready", "ready", "cordoned", "draining", "down"] as const;
      random.pick(this.#nodes).state = random.pick(states);
    }
  }

  #calm(): void {
    this.#lost.clear();
    for (const node of this.#nodes) node.state = "ready";
  }
}

function anySettings(random: Random): Effective {
  const constraints = random.pick([[], [], [], ["zone=a"], ["zone!=a"]]);
  return {
    ...effective(component({
      minInstances: random.pick([0, 0, 0, 1, 2]),
      maxInstances: random.pick([0, 0, 2, 10]),
      maxInstancesPerNode: random.pick([0, 0, 0, 2]),
      maxConcurrency: random.pick([1, 5, 20]),
      maxUnavailable: random.pick([1, 1, 2]),
      docker: { idleTimeoutSeconds: 30, reserveMemoryMiB: random.pick([64, 128, 512]) },
    })),
    constraints: constraints.map((text) => parseConstraint(text)!),
  };
}
