/**
 * Room for an instance that a component cannot do without: memory that something is just leaving,
 * or that idle instances of others hold beyond their floor. Pure.
 * @module
 */
import {
  type Board,
  compare,
  costOn,
  isEligible,
  type NodeDraft,
  type Roster,
  type Seat,
  settledOn,
} from "./board.ts";
import { add } from "./rank.ts";

interface Option {
  readonly node: NodeDraft;
  /** One entry for each instance that has to go. */
  readonly victims: readonly Seat[];
}

/** Settles what `roster` lacks of its floor where there will be room; it starts when there is. */
export function awaitRoom(board: Board, roster: Roster): void {
  for (let left = roster.want.floor - roster.settled; left > 0; left--) {
    const option = bestOption(board, roster);
    if (!option) return;
    for (const seat of option.victims) {
      if (seat.serving >= seat.settled) seat.roster.released += 1;
      board.settle(seat, seat.settled - 1);
    }
    add(board, option.node, roster);
  }
}

/** Fewest of the component, fewest victims, fewest instances left beside it, most memory left. */
function bestOption(board: Board, roster: Roster): Option | undefined {
  let best: Option | undefined;
  for (const node of board.nodes) {
    if (!isEligible(node, roster)) continue;
    if (settledOn(node, roster) >= roster.want.maxInstancesPerNode) continue;
    const victims = victimsOn(node, roster);
    if (!victims) continue;
    const option = { node, victims };
    if (!best || compareOptions(roster, option, best) < 0) best = option;
  }
  return best;
}

function compareOptions(roster: Roster, a: Option, b: Option): number {
  return settledOn(a.node, roster) - settledOn(b.node, roster) ||
    a.victims.length - b.victims.length ||
    (a.node.settled - a.victims.length) - (b.node.settled - b.victims.length) ||
    memoryLeft(b) - memoryLeft(a) || a.node.index - b.node.index;
}

function memoryLeft({ node, victims }: Option): number {
  return node.soonMemoryMiB + memoryOf(victims);
}

function memoryOf(seats: readonly Seat[]): number {
  return seats.reduce((sum, { memoryMiB }) => sum + memoryMiB, 0);
}

/** Who has to leave `node`; undefined when that would not do. */
function victimsOn(node: NodeDraft, roster: Roster): Seat[] | undefined {
  let lacking = costOn(node, roster) - node.soonMemoryMiB;
  if (lacking <= 0) return [];
  const idle = [...node.seats.values()].filter((seat) =>
    seat.roster !== roster && spareOf(seat) > 0
  );
  const victims: Seat[] = [];
  for (const seat of idle.sort(compareVictims)) {
    for (let n = spareOf(seat); n > 0 && lacking > 0; n--) {
      victims.push(seat);
      lacking -= seat.memoryMiB;
    }
  }
  if (lacking > 0) return undefined;
  // A large one may have made the small ones before it needless.
  return victims.filter(({ memoryMiB }) => {
    const isNeedless = lacking + memoryMiB <= 0;
    if (isNeedless) lacking += memoryMiB;
    return !isNeedless;
  });
}

/** Instances of `seat` that may be pushed aside. */
function spareOf({ roster, settled, present, idle }: Seat): number {
  const alreadyLeaving = Math.max(0, present - settled);
  return Math.min(settled, idle - alreadyLeaving, roster.serving - roster.want.floor);
}

/** Of the component with most instances first, then the longest unused. */
function compareVictims(a: Seat, b: Seat): number {
  return b.roster.settled - a.roster.settled || a.lastUseMs - b.lastUseMs ||
    compare(a.roster.want.component, b.roster.want.component);
}
