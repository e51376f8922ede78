/**
 * Where instances go. Pure: nodes with what they run and what is wanted in, targets and refusals
 * out. The inputs are left unedited, and the same input gives the same plan.
 *
 * A plan starts from what the last one settled, keeps every instance that may stay, and goes on until
 * no step has anything left to do. So a plan that is made again changes nothing, and a move that has
 * begun is not decided anew. What is told to the nodes follows from where everything settles: what
 * leaves is held until another serves in its stead, and what has no room yet waits.
 *
 * Wants are served in their order, all floors before anything else. `rank.ts` has the orders of
 * preference, `moves.ts` says what moves.
 *
 * Source: the ancestor's rules of placement and rebalancing, its defects mended.
 * @module
 */
import { Board, type NodeDraft, type Roster } from "./board.ts";
import { awaitRoom } from "./displacement.ts";
import { type Move, Mover } from "./moves.ts";
import type { NodeOption, Want } from "./placement_input.ts";
import { shrink, spread } from "./rank.ts";
import { rollingNodes } from "./rolling.ts";
import { shortage, stuckOn } from "./shortage.ts";
import { targetsOf } from "./targets.ts";

export type { NodeOption, NodeState, PlacedInstance, Want } from "./placement_input.ts";

/** Random clusters need three at most; the bound is for the one that nobody thought of. */
const ROUNDS_MAX = 10;

/** What every node should run. */
export interface Placement {
  /** Count by component by node id, without zeros; what moves is counted at both ends. */
  readonly targets: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** The same without what leaves: what every node should run in the end. */
  readonly settled: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Count by component without what leaves: what the autoscaler goes on from. */
  readonly counts: ReadonlyMap<string, number>;
  /** Components that have fewer than wanted, with the reason. Who only has to wait is not here. */
  readonly refused: ReadonlyMap<string, string>;
  /** Moves that begin with this plan. */
  readonly moves: readonly Move[];
  /** By node id, components that have to leave it and have no other place, with the reason. */
  readonly stuck: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Nodes that may replace instances of another version now, by component. */
  readonly rolling: ReadonlyMap<string, readonly string[]>;
}

/** Targets for every node that can act, so that each component has its count if there is room. */
export function place(nodes: readonly NodeOption[], wants: readonly Want[]): Placement {
  const board = new Board(nodes, wants);
  const rosters = [...board.rosters.values()];
  const unwanted = rosters.filter(({ want }) => want.count === 0);
  for (const roster of [...unwanted, ...rosters]) {
    shrink(board, roster, roster.settled - roster.want.count);
  }
  const mover = new Mover(board);
  // What one step changes may give another something to do; a plan has nothing left to do.
  for (let before = -1, left = ROUNDS_MAX; before !== board.changes && left > 0; left--) {
    before = board.changes;
    mover.reconsiderWaiting();
    mover.leaveStarting();
    for (const roster of rosters) grow(board, roster, roster.want.floor);
    for (const roster of rosters) awaitRoom(board, roster);
    for (const roster of rosters) grow(board, roster, roster.want.count);
    mover.leaveServing();
    mover.balance();
  }
  const refused = new Map<string, string>();
  for (const roster of rosters) {
    // Who was pushed aside had no use for what it lost.
    if (roster.settled >= roster.want.count || roster.released > 0) continue;
    const reason = shortage(board, roster);
    if (reason !== undefined) refused.set(roster.want.component, reason);
  }
  return {
    targets: targetsOf(board),
    settled: new Map(board.nodes.map((node) => [node.option.nodeId, settledCounts(node)])),
    counts: new Map(rosters.map(({ want, settled }) => [want.component, settled])),
    refused,
    moves: mover.moves,
    stuck: stuckOn(board),
    rolling: rollingNodes(rosters),
  };
}

function grow(board: Board, roster: Roster, count: number): void {
  spread(board, roster, count - roster.settled);
}

function settledCounts({ seats }: NodeDraft): Map<string, number> {
  const counts = [...seats].map(([component, { settled }]) => [component, settled] as const);
  return new Map(counts.filter(([, count]) => count > 0));
}
