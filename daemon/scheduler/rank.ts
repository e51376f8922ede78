/**
 * Which place is best for one more instance, and which instance is the first to go. Pure; every
 * order ends with the node id, so equal input gives equal plans.
 * @module
 */
import {
  type Board,
  costOn,
  isEligible,
  isFailing,
  misplacement,
  type NodeDraft,
  type Roster,
  type Seat,
  settledOn,
} from "./board.ts";
import { Heap } from "./heap.ts";

/** Whether one more instance of `roster` may start on `node` now. */
export function fits(node: NodeDraft, roster: Roster): boolean {
  return isEligible(node, roster) && settledOn(node, roster) < roster.want.maxInstancesPerNode &&
    costOn(node, roster) <= node.freeMemoryMiB;
}

/**
 * Best node first: one where it does not fail, fewest of the component, an empty one, most free
 * memory.
 */
export function comparePlaces(roster: Roster, a: NodeDraft, b: NodeDraft): number {
  return Number(isFailing(a, roster)) - Number(isFailing(b, roster)) ||
    settledOn(a, roster) - settledOn(b, roster) ||
    Number(a.settled > 0) - Number(b.settled > 0) ||
    b.freeMemoryMiB - a.freeMemoryMiB || a.index - b.index;
}

/** The best node for one more instance. */
export function bestPlace(board: Board, roster: Roster): NodeDraft | undefined {
  let best: NodeDraft | undefined;
  for (const node of board.nodes) {
    if (!fits(node, roster)) continue;
    if (!best || comparePlaces(roster, node, best) < 0) best = node;
  }
  return best;
}

/** Adds up to `count` instances where they fit best. */
export function spread(board: Board, roster: Roster, count: number): void {
  if (count <= 0) return;
  const places = new Heap(
    board.nodes.filter((node) => fits(node, roster)),
    (a, b) => comparePlaces(roster, a, b),
  );
  for (let left = count; left > 0 && places.first; left--) {
    const node = places.first;
    add(board, node, roster);
    places.settleFirst(fits(node, roster));
  }
}

/** One more instance of `roster` on `node`. */
export function add(board: Board, node: NodeDraft, roster: Roster): void {
  const seat = board.seat(node, roster);
  board.settle(seat, seat.settled + 1);
}

/** Takes `count` instances away, the first to go first. */
export function shrink(board: Board, roster: Roster, count: number): void {
  const seats = new Heap(roster.seats.filter(({ settled }) => settled > 0), compareStops);
  for (let left = count; left > 0 && seats.first; left--) {
    const seat = seats.first;
    board.settle(seat, seat.settled - 1);
    seats.settleFirst(seat.settled > 0);
  }
}

/** The seat of `roster` that would lose an instance first. */
export function firstToGo(roster: Roster): Seat | undefined {
  let first: Seat | undefined;
  for (const seat of roster.seats) {
    if (seat.settled > 0 && (!first || compareStops(seat, first) < 0)) first = seat;
  }
  return first;
}

/**
 * First to go first: what is misplaced, what does not start, then from the node with most of the
 * component, not the last instance of a node, the least busy, from the fullest node. What is being
 * started goes last among equals: it was asked for.
 */
function compareStops(a: Seat, b: Seat): number {
  return badness(b) - badness(a) ||
    b.settled - a.settled ||
    Number(a.node.settled === 1) - Number(b.node.settled === 1) ||
    busyness(a) - busyness(b) ||
    a.node.freeMemoryMiB - b.node.freeMemoryMiB || a.node.index - b.node.index;
}

function badness(seat: Seat): number {
  if (misplacement(seat) !== undefined) return seat.serving < seat.settled ? 3 : 2;
  return isStuck(seat) ? 1 : 0;
}

/** Whether an instance of `seat` does not serve because its start failed. */
export function isStuck({ node, roster, serving, settled }: Seat): boolean {
  return serving < settled && isFailing(node, roster);
}

/** A number and not Infinity, whose difference with itself is none. */
function busyness({ leastInFlight }: Seat): number {
  return Math.min(leastInFlight, Number.MAX_SAFE_INTEGER);
}
