/**
 * Which instances change their node: those that may not stay where they are, and a few that make
 * the cluster more even. Pure.
 * @module
 */
import {
  type Board,
  headroom,
  holdCount,
  isEligible,
  isFailing,
  misplacement,
  type NodeDraft,
  type Roster,
  type Seat,
  settledOn,
  untoldOf,
} from "./board.ts";
import { add, bestPlace, firstToGo, fits, isStuck } from "./rank.ts";

/** An instance that changes its node. */
export interface Move {
  readonly component: string;
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

/** Serving instances that may be on the move at the same time in the whole cluster. */
const MOVES_MAX = 10;

/** Moves instances on a board. */
export class Mover {
  readonly moves: Move[] = [];
  readonly #board: Board;
  /** Serving instances that are on the move, and the state of the board for which that holds. */
  #inMotion = 0;
  #countedAt = -1;

  constructor(board: Board) {
    this.#board = board;
  }

  /** What waits for a place does so only where it may, and only while no place is free. */
  reconsiderWaiting(): void {
    for (const seat of this.#seats()) {
      const { node, roster } = seat;
      const untold = untoldOf(seat);
      if (untold === 0) continue;
      if (!isEligible(node, roster) || misplacement(seat) !== undefined) {
        this.#board.settle(seat, seat.settled - untold);
        continue;
      }
      for (let left = untold; left > 0 && node.freeMemoryMiB < 0; left--) {
        const to = bestPlace(this.#board, roster);
        if (!to || isFailing(to, roster)) break;
        this.#board.settle(seat, seat.settled - 1);
        add(this.#board, to, roster);
      }
    }
  }

  /** What does not serve yet leaves first, at no cost: one that does not start, or may not here. */
  leaveStarting(): void {
    for (const seat of this.#seats()) this.#leaveFailing(seat);
    for (const seat of this.#seats()) this.#leaveDownTo(seat, Math.min(seat.serving, seat.settled));
  }

  /** What serves where it may not stay leaves when another serves in its stead, if that may be. */
  leaveServing(): void {
    for (const seat of this.#seats()) this.#leaveDownTo(seat, 0);
  }

  /** Makes the cluster more even, as long as that is possible. */
  balance(): void {
    while (this.#fillEmptyNodes() || this.#evenOut());
  }

  get #mayMove(): boolean {
    const { changes, rosters } = this.#board;
    if (changes !== this.#countedAt) {
      this.#countedAt = changes;
      this.#inMotion = rosters.values().reduce((sum, roster) => sum + holdCount(roster), 0);
    }
    return this.#inMotion < MOVES_MAX;
  }

  /** An instance that does not start on one node may on another. */
  #leaveFailing(seat: Seat): void {
    while (isStuck(seat)) {
      const to = bestPlace(this.#board, seat.roster);
      if (!to || isFailing(to, seat.roster)) return;
      this.#move(seat, to, "start failed");
    }
  }

  /** A node without work takes an instance of one that has several. True when one moves. */
  #fillEmptyNodes(): boolean {
    let isChanged = false;
    for (const node of this.#board.nodes) {
      if (node.settled > 0 || node.option.state !== "ready") continue;
      if (!this.#mayMove) break;
      const seat = this.#donorFor(node);
      if (!seat) continue;
      this.#move(seat, node, "node is empty");
      isChanged = true;
    }
    return isChanged;
  }

  /** No node has two more of a component than another that has room for it. True when one moves. */
  #evenOut(): boolean {
    let isChanged = false;
    for (const roster of this.#board.rosters.values()) {
      const from = this.#movable(roster);
      if (!from || from.settled < 2) continue;
      const to = bestPlace(this.#board, roster);
      if (!to || isFailing(to, roster)) continue;
      if (settledOn(to, roster) > from.settled - 2) continue;
      if (!this.#mayMove) break;
      this.#move(from, to, "uneven");
      isChanged = true;
    }
    return isChanged;
  }

  #leaveDownTo(seat: Seat, count: number): void {
    while (seat.settled > count) {
      const reason = misplacement(seat);
      if (reason === undefined || !this.#leave(seat, reason)) return;
    }
  }

  #leave(seat: Seat, reason: string): boolean {
    const { roster } = seat;
    const isServing = seat.serving >= seat.settled;
    // At its maximum one has to stop before another may start.
    const stopsFirst = isServing && headroom(roster) < 1;
    if (isServing && !(stopsFirst ? mayMissOne(roster) : this.#mayMove)) return false;
    const to = bestPlace(this.#board, roster);
    if (!to) return false;
    if (stopsFirst) roster.released += 1;
    this.#move(seat, to, reason);
    return true;
  }

  #move(seat: Seat, to: NodeDraft, reason: string): void {
    this.#board.settle(seat, seat.settled - 1);
    add(this.#board, to, seat.roster);
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

function mayMissOne(roster: Roster): boolean {
  const { count, maxUnavailable } = roster.want;
  return holdCount(roster) === 0 && count - roster.serving < maxUnavailable;
}
