/** What the nodes are told now, on the way to where everything settles. Pure. @module */
import {
  type Board,
  headroom,
  holdCount,
  misplacement,
  type Seat,
  servingOf,
  untoldOf,
} from "./board.ts";

/** Count by component by node id: what settles there and what is held, less what waits. */
export function targetsOf(board: Board): Map<string, Map<string, number>> {
  const { nodes, rosters } = board;
  const targets = new Map(nodes.map(({ option }) => [option.nodeId, new Map<string, number>()]));
  const waiting = waitingSeats(board);
  for (const roster of rosters.values()) {
    let holds = holdCount(roster);
    for (const seat of roster.seats.toSorted(compareHolds)) {
      const leaves = servingOf(seat, seat.assigned) - servingOf(seat, seat.settled);
      const held = Math.min(holds, Math.max(0, leaves));
      holds -= held;
      const count = seat.settled + held - (waiting.get(seat) ?? 0);
      if (count > 0) targets.get(seat.node.option.nodeId)!.set(roster.want.component, count);
    }
  }
  return targets;
}

/**
 * Instances that cannot start yet: something that leaves still has their memory, or their component
 * its maximum. There will be room for all, so whatever has room now starts.
 */
function waitingSeats({ nodes, rosters }: Board): Map<Seat, number> {
  const waiting = new Map<Seat, number>();
  const roomMiB = nodes.map(({ freeMemoryMiB, seats }) =>
    seats.values().reduce((sum, seat) => sum + untoldOf(seat) * seat.memoryMiB, freeMemoryMiB)
  );
  for (const roster of rosters.values()) {
    const untold = roster.seats.filter((seat) => untoldOf(seat) > 0)
      .sort((a, b) => a.node.index - b.node.index);
    let left = untold.reduce((sum, seat) => sum + untoldOf(seat), headroom(roster));
    for (const seat of untold) {
      let count = untoldOf(seat);
      for (; count > 0 && left > 0 && roomMiB[seat.node.index]! >= seat.memoryMiB; count--) {
        roomMiB[seat.node.index]! -= seat.memoryMiB;
        left -= 1;
      }
      if (count > 0) waiting.set(seat, count);
    }
  }
  return waiting;
}

/** What may stay on its node is held before what has to go. */
function compareHolds(a: Seat, b: Seat): number {
  return Number(misplacement(a) !== undefined) - Number(misplacement(b) !== undefined) ||
    a.node.index - b.node.index;
}
