/**
 * Where instances go. Pure: nodes with what they run and what is wanted in, targets and refusals
 * out. The inputs are left unedited, and the same input gives the same plan.
 *
 * A plan has no memory. A move is two plans: the first has one instance too many, the other stops
 * the instance that is in the worst place, as soon as the new one serves. So what the first step of
 * a move makes better is exactly what decides which instance goes.
 *
 * Wants are served in their order, all floors before anything else. `rank.ts` has the orders of
 * preference, `moves.ts` says what moves.
 *
 * Source: the ancestor's rules of placement and rebalancing, its defects mended.
 * @module
 */
import {
  Board,
  claim,
  costOn,
  headroom,
  holdCount,
  isEligible,
  misplacement,
  type Roster,
  type Seat,
  servingOf,
  settledOn,
} from "./board.ts";
import { awaitRoom } from "./displacement.ts";
import { type Move, moveInstances } from "./moves.ts";
import type { NodeOption, Want } from "./placement_input.ts";
import { bestPlace, shrink, spread } from "./rank.ts";
import { rollingNodes } from "./rolling.ts";

export type { NodeOption, NodeState, PlacedInstance, Want } from "./placement_input.ts";

/** Serving instances that may be on the move at the same time in the whole cluster. */
const MOVES_MAX = 10;

/** What every node should run. */
export interface Placement {
  /** Count by component by node id, without zeros; what moves is counted at both ends. */
  readonly targets: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Count by component without what leaves: what the autoscaler goes on from. */
  readonly counts: ReadonlyMap<string, number>;
  /** Components that have fewer than wanted, with the reason. Who only has to wait is not here. */
  readonly refused: ReadonlyMap<string, string>;
  /** Moves that begin with this plan. */
  readonly moves: readonly Move[];
  /** Nodes that cannot give away what they should, with the reason. */
  readonly stuck: ReadonlyMap<string, string>;
  /** Nodes that may replace instances of another version now, by component. */
  readonly rolling: ReadonlyMap<string, readonly string[]>;
}

/** Targets for every node that can act, so that each component has its count if there is room. */
export function place(nodes: readonly NodeOption[], wants: readonly Want[]): Placement {
  const board = new Board(nodes, wants);
  const rosters = [...board.rosters.values()];
  const unwanted = rosters.filter(({ want }) => want.count === 0);
  for (const roster of [...unwanted, ...rosters]) {
    shrink(roster, roster.settled - roster.want.count);
  }
  const refused = new Map<string, string>();
  const waiting = new Set<Roster>();
  for (const roster of rosters) grow(board, roster, roster.want.floor);
  for (const roster of rosters) {
    if (awaitRoom(board, roster)) waiting.add(roster);
  }
  for (const roster of rosters) {
    grow(board, roster, roster.want.count);
    const isShort = roster.settled < roster.want.count;
    // Who was pushed aside had no use for what it lost.
    if (!isShort || waiting.has(roster) || roster.released > 0) continue;
    const reason = shortage(board, roster);
    if (reason !== undefined) refused.set(roster.want.component, reason);
  }
  const inMotion = rosters.reduce((sum, roster) => sum + holdCount(roster), 0);
  const { moves, stuck } = moveInstances(board, MOVES_MAX - inMotion);
  return {
    targets: targetsOf(board),
    counts: new Map(rosters.map(({ want, settled }) => [want.component, settled])),
    refused,
    moves,
    stuck,
    rolling: rollingNodes(rosters),
  };
}

function grow(board: Board, roster: Roster, count: number): void {
  const missing = count - roster.settled;
  if (missing <= 0) return;
  spread(board, roster, missing);
  if (headroom(roster) > 0) return;
  // At its maximum while some still stop; the places of their successors are kept.
  for (let left = count - roster.settled; left > 0; left--) {
    const node = bestPlace(board, roster);
    if (!node) return;
    claim(node, costOn(node, roster));
  }
}

/** Why `roster` cannot have one more, or undefined when it can as soon as something has left. */
function shortage({ nodes }: Board, roster: Roster): string | undefined {
  const { constraints, maxInstancesPerNode, reserveMemoryMiB } = roster.want;
  if (headroom(roster) <= 0) return undefined;
  if (!nodes.some(({ option }) => option.state === "ready")) return "no node takes instances";
  const eligible = nodes.filter((node) => isEligible(node, roster));
  if (eligible.length === 0) {
    const demands = constraints.map(({ label, value, equal }) =>
      `${label}${equal ? "=" : "!="}${value}`
    );
    return `no node that takes instances has ${demands.join(" and ")}`;
  }
  const open = eligible.filter((node) => settledOn(node, roster) < maxInstancesPerNode);
  if (open.length === 0) return `every node has its ${maxInstancesPerNode} instances`;
  if (open.some(({ soonMemoryMiB }) => soonMemoryMiB >= reserveMemoryMiB)) return undefined;
  const free = open.reduce((most, node) => Math.max(most, node.freeMemoryMiB), 0);
  return `needs ${reserveMemoryMiB} MiB, largest free is ${free} MiB`;
}

function targetsOf({ nodes, rosters }: Board): Map<string, Map<string, number>> {
  const targets = new Map(nodes.map(({ option }) => [option.nodeId, new Map<string, number>()]));
  for (const roster of rosters.values()) {
    let holds = holdCount(roster);
    for (const seat of roster.seats.toSorted(compareHolds)) {
      const leaves = servingOf(seat, seat.assigned) - servingOf(seat, seat.settled);
      const held = Math.min(holds, Math.max(0, leaves));
      holds -= held;
      const count = seat.settled + held;
      if (count > 0) targets.get(seat.node.option.nodeId)!.set(roster.want.component, count);
    }
  }
  return targets;
}

/** What may stay on its node is held before what has to go. */
function compareHolds(a: Seat, b: Seat): number {
  return Number(misplacement(a) !== undefined) - Number(misplacement(b) !== undefined) ||
    a.node.index - b.node.index;
}
