/**
 * Which instances change their node: those that may not stay where they are, and a few that make
 * the cluster more even. Pure.
 * @module
 */
import {
  type Board,
  claim,
  costOn,
  headroom,
  holdCount,
  isFailing,
  misplacement,
  type NodeDraft,
  type Roster,
  type Seat,
  settle,
  settledOn,
} from "./board.ts";
import { add, bestPlace, firstToGo, fits, isStuck } from "./rank.ts";

/** An instance that changes its node. Without `to` it has to stop before another may start. */
export interface Move {
  readonly component: string;
  readonly from: string;
  readonly to?: string;
  readonly reason: string;
}

/** What moves, and which nodes cannot give away what they should. */
export interface Moves {
  readonly moves: readonly Move[];
  readonly stuck: ReadonlyMap<string, string>;
}

/** Moves instances until nothing has to or `budget` serving ones are on their way. */
export function moveInstances(board: Board, budget: number): Moves {
  const mover = new Mover(board, budget);
  mover.leaveFailing();
  mover.leaveMisplaced();
  mover.fillEmptyNodes();
  mover.evenOut();
  return mover;
}

class Mover implements Moves {
  readonly moves: Move[] = [];
  readonly stuck = new Map<string, string>();
  readonly #board: Board;
  #budget: number;

  constructor(board: Board, budget: number) {
    this.#board = board;
    this.#budget = budget;
  }

  /** An instance that does not start on one node may on another. */
  leaveFailing(): void {
    for (const seat of this.#seats()) {
      if (!isStuck(seat)) continue;
      for (let left = seat.settled - seat.serving; left > 0; left--) {
        const to = bestPlace(this.#board, seat.roster);
        if (!to || isFailing(to, seat.roster) || headroom(seat.roster) < 1) break;
        this.#move(seat, to, "start failed");
      }
    }
  }

  /** What does not serve yet goes first: it costs nothing. */
  leaveMisplaced(): void {
    for (const seat of this.#seats()) this.#leaveDownTo(seat, Math.min(seat.serving, seat.settled));
    for (const seat of this.#seats()) this.#leaveDownTo(seat, 0);
  }

  /** A node without work takes an instance of one that has several. */
  fillEmptyNodes(): void {
    for (const node of this.#board.nodes) {
      if (this.#budget <= 0) return;
      if (node.settled > 0 || node.option.state !== "ready") continue;
      const seat = this.#donorFor(node);
      if (seat) this.#move(seat, node, "node is empty");
    }
  }

  /** No node has two more of a component than another that has room for it. */
  evenOut(): void {
    for (const roster of this.#board.rosters.values()) {
      if (this.#budget <= 0) return;
      const from = this.#movable(roster);
      if (!from || from.settled < 2) continue;
      const to = bestPlace(this.#board, roster);
      if (!to || isFailing(to, roster)) continue;
      if (settledOn(to, roster) <= from.settled - 2) this.#move(from, to, "uneven");
    }
  }

  #leaveDownTo(seat: Seat, count: number): void {
    while (seat.settled > count) {
      const reason = misplacement(seat);
      if (reason === undefined || !this.#leave(seat, reason)) return;
    }
  }

  #leave(seat: Seat, reason: string): boolean {
    const { roster, node } = seat;
    const isServing = seat.serving >= seat.settled;
    const to = bestPlace(this.#board, roster);
    if (!to) {
      const { component, reserveMemoryMiB } = roster.want;
      const why = `no other node takes "${component}", which needs ${reserveMemoryMiB} MiB`;
      this.stuck.set(node.option.nodeId, why);
      return false;
    }
    if (headroom(roster) >= 1) {
      if (isServing && this.#budget <= 0) return false;
      this.#move(seat, to, reason);
      return true;
    }
    // At its maximum, one has to stop before another may start.
    const missing = roster.want.count - roster.serving;
    if (isServing && missing >= roster.want.maxUnavailable) return false;
    if (holdCount(roster) > 0) return false;
    settle(seat, seat.settled - 1);
    claim(to, costOn(to, roster));
    if (isServing) roster.released += 1;
    this.moves.push({ component: roster.want.component, from: node.option.nodeId, reason });
    return true;
  }

  #move(seat: Seat, to: NodeDraft, reason: string): void {
    const isServing = seat.serving >= seat.settled;
    settle(seat, seat.settled - 1);
    add(this.#board, to, seat.roster);
    if (isServing) this.#budget -= 1;
    this.moves.push({
      component: seat.roster.want.component,
      from: seat.node.option.nodeId,
      to: to.option.nodeId,
      reason,
    });
  }

  /** From the node with most instances; of those the first that is wanted and fits. */
  #donorFor(node: NodeDraft): Seat | undefined {
    let best: Seat | undefined;
    for (const roster of this.#board.rosters.values()) {
      if (!fits(node, roster) || isFailing(node, roster)) continue;
      const seat = this.#movable(roster);
      if (!seat || seat.node.settled < 2) continue;
      if (!best || seat.node.settled > best.node.settled) best = seat;
    }
    return best;
  }

  /** The seat that would lose the instance; none while another of the component moves. */
  #movable(roster: Roster): Seat | undefined {
    if (headroom(roster) < 1 || roster.settled < roster.want.count) return undefined;
    if (roster.seats.some(({ settled, serving }) => settled > serving)) return undefined;
    return firstToGo(roster);
  }

  *#seats(): Iterable<Seat> {
    for (const node of this.#board.nodes) {
      yield* [...node.seats.values()].filter(({ settled }) => settled > 0);
    }
  }
}
