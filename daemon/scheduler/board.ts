/**
 * The cluster as a plan is drawn on it: what every node holds, what it should hold in the end, and
 * the memory of both. Pure; only the board itself is edited.
 *
 * Vocabulary: a *seat* is a component on a node. It was told to run `assigned` instances; `settled`
 * is what it should run when every move is over. What it has beyond that *leaves*, and holds its
 * memory until it is gone.
 * @module
 */
import { meets } from "../../lib/contract/constraint.ts";
import type { NodeOption, PlacedInstance, Want } from "./placement_input.ts";

/** A component on a node. */
export interface Seat {
  readonly node: NodeDraft;
  readonly roster: Roster;
  /** Count that the node was told to run. */
  readonly assigned: number;
  settled: number;
  /** Instances that are not stopping. */
  readonly present: number;
  /** Those of them that serve. */
  readonly serving: number;
  /** Those that serve and have no request. */
  readonly idle: number;
  /** Those of another version than wanted. */
  readonly outdated: number;
  readonly stopping: number;
  readonly stoppingMemoryMiB: number;
  /** Memory one instance sets aside; while versions differ, the larger one. */
  readonly memoryMiB: number;
  /** Fewest requests in progress on an instance that serves. */
  readonly leastInFlight: number;
  /** Latest use of any of them, in milliseconds since 1970. */
  readonly lastUseMs: number;
}

/** A node and what is left of it. */
export interface NodeDraft {
  readonly option: NodeOption;
  /** Place in the order of node ids. */
  readonly index: number;
  readonly seats: Map<string, Seat>;
  /** Memory that nothing holds or is promised. */
  freeMemoryMiB: number;
  /** The same when everything that leaves is gone. */
  soonMemoryMiB: number;
  /** Instances that it should run in the end. */
  settled: number;
}

/** A component in the cluster. */
export interface Roster {
  readonly want: Want;
  readonly seats: Seat[];
  settled: number;
  /** Those that were told to run and serve. */
  serves: number;
  /** Those of the settled ones that serve. */
  serving: number;
  /** Serving instances that were given up without a replacement. */
  released: number;
}

/** Nodes that can act, and all components on them or wanted. */
export class Board {
  readonly nodes: readonly NodeDraft[];
  readonly rosters: ReadonlyMap<string, Roster>;
  /** Grows with every change of what should run in the end. */
  changes = 0;

  constructor(nodes: readonly NodeOption[], wants: readonly Want[]) {
    const rosters = new Map(wants.map((want) => [want.component, rosterOf(want)]));
    this.rosters = rosters;
    this.nodes = nodes.filter(({ state }) => state !== "down")
      .toSorted((a, b) => compare(a.nodeId, b.nodeId))
      .map((option, index) => draftOf(option, index, rosters));
  }

  /** The seat of `roster` on `node`, empty when there was none. */
  seat(node: NodeDraft, roster: Roster): Seat {
    const seat = node.seats.get(roster.want.component);
    if (seat) return seat;
    return addSeat(node, roster, [], 0, 0);
  }

  /** Makes `seat` run `count` instances in the end. */
  settle(seat: Seat, count: number): void {
    settle(seat, count);
    this.changes += 1;
  }
}

function settle(seat: Seat, count: number): void {
  const { node, roster, memoryMiB } = seat;
  node.freeMemoryMiB -= (Math.max(count, seat.present) - Math.max(seat.settled, seat.present)) *
    memoryMiB;
  node.soonMemoryMiB -= (count - seat.settled) * memoryMiB;
  node.settled += count - seat.settled;
  roster.settled += count - seat.settled;
  roster.serving += servingOf(seat, count) - servingOf(seat, seat.settled);
  seat.settled = count;
}

/** Count of `roster` on `node` in the end. */
export function settledOn(node: NodeDraft, { want }: Roster): number {
  return node.seats.get(want.component)?.settled ?? 0;
}

/** Memory that one more instance of `roster` takes on `node`; 0 where one is just leaving. */
export function costOn(node: NodeDraft, { want }: Roster): number {
  const seat = node.seats.get(want.component);
  if (!seat) return want.reserveMemoryMiB;
  return seat.settled < seat.present ? 0 : seat.memoryMiB;
}

/** Whether `node` may get instances of `roster`, if there is room. */
export function isEligible({ option }: NodeDraft, { want }: Roster): boolean {
  return option.state === "ready" && meets(option.labels, want.constraints);
}

/** Whether the latest start of `roster` on `node` failed. */
export function isFailing({ option }: NodeDraft, { want }: Roster): boolean {
  return option.failing?.has(want.component) ?? false;
}

/** Serving instances that stay when `seat` runs `count`. */
export function servingOf(seat: Seat, count: number): number {
  return Math.min(seat.serving, count);
}

/** Instances that should run on the node, and that it was not told to start. */
export function untoldOf({ settled, assigned, present }: Seat): number {
  return Math.max(0, settled - Math.max(assigned, present));
}

/** Serving instances that leave and have to stay until others serve in their stead. */
export function holdCount({ want, serves, serving, released }: Roster): number {
  return Math.max(0, Math.min(want.count, serves) - released - serving);
}

/** Why an instance of `seat` has to go elsewhere; undefined when it may stay. */
export function misplacement({ node, roster, settled }: Seat): string | undefined {
  const { option: { state, labels }, soonMemoryMiB } = node;
  if (state === "draining") return "node drains";
  if (!meets(labels, roster.want.constraints)) return "constraints";
  if (settled > roster.want.maxInstancesPerNode) return "too many on the node";
  if (soonMemoryMiB < 0) return "node is short of memory";
  return undefined;
}

/** Instances of `roster` that may be started before it has its maximum, counting what stops. */
export function headroom({ want, seats }: Roster): number {
  if (want.maxInstances === Infinity) return Infinity;
  const live = seats.reduce(
    (sum, { settled, present, stopping }) => sum + Math.max(settled, present) + stopping,
    0,
  );
  return want.maxInstances - live;
}

/** Orders strings by code units, the same everywhere. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function rosterOf(want: Want): Roster {
  return { want, seats: [], settled: 0, serves: 0, serving: 0, released: 0 };
}

function draftOf(option: NodeOption, index: number, rosters: Map<string, Roster>): NodeDraft {
  const { totalMemoryMiB, instances, assigned, settled = assigned } = option;
  const node: NodeDraft = {
    option,
    index,
    seats: new Map(),
    freeMemoryMiB: totalMemoryMiB,
    soonMemoryMiB: totalMemoryMiB,
    settled: 0,
  };
  const placed = Map.groupBy(instances, ({ component }) => component);
  const components = new Set([
    ...placed.keys(),
    ...assigned?.keys() ?? [],
    ...settled?.keys() ?? [],
  ]);
  for (const component of [...components].sort(compare)) {
    let roster = rosters.get(component);
    if (!roster) rosters.set(component, roster = rosterOf(unwanted(component)));
    const here = placed.get(component) ?? [];
    const count = here.filter(({ status }) => status !== "stopping").length;
    const told = assigned ? assigned.get(component) ?? 0 : count;
    addSeat(node, roster, here, told, settled ? settled.get(component) ?? 0 : told);
  }
  return node;
}

function addSeat(
  node: NodeDraft,
  roster: Roster,
  instances: readonly PlacedInstance[],
  assigned: number,
  settled: number,
): Seat {
  const { component, version, reserveMemoryMiB } = roster.want;
  const stopping = instances.filter(({ status }) => status === "stopping");
  const present = instances.filter(({ status }) => status !== "stopping");
  const serving = present.filter(({ status }) => status !== "starting");
  const seat: Seat = {
    node,
    roster,
    assigned,
    settled: 0,
    present: present.length,
    serving: serving.length,
    idle: serving.filter(({ inFlight }) => inFlight === 0).length,
    outdated: present.filter((instance) => instance.version !== version).length,
    stopping: stopping.length,
    stoppingMemoryMiB: stopping.reduce((sum, one) => sum + one.reserveMemoryMiB, 0),
    memoryMiB: Math.max(reserveMemoryMiB, ...present.map((one) => one.reserveMemoryMiB)),
    leastInFlight: Math.min(Infinity, ...serving.map(({ inFlight }) => inFlight)),
    lastUseMs: Math.max(0, ...present.map(({ lastUseMs }) => lastUseMs)),
  };
  node.seats.set(component, seat);
  roster.seats.push(seat);
  node.freeMemoryMiB -= seat.stoppingMemoryMiB + seat.present * seat.memoryMiB;
  roster.serves += servingOf(seat, assigned);
  settle(seat, settled);
  return seat;
}

function unwanted(component: string): Want {
  return {
    component,
    version: 0,
    count: 0,
    floor: 0,
    maxInstances: Infinity,
    maxInstancesPerNode: Infinity,
    maxUnavailable: 1,
    restartOrder: "startstop",
    constraints: [],
    reserveMemoryMiB: 0,
  };
}
