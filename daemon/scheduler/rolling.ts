/** Which nodes may replace instances of another version, so that few are missing at once. Pure. @module */
import { compare, type Roster, type Seat } from "./board.ts";

/**
 * Nodes that may roll, by component; absent when none has to. A node that has begun goes on. With
 * `startstop` nothing is ever missing, so all may.
 */
export function rollingNodes(rosters: readonly Roster[]): Map<string, readonly string[]> {
  const rolling = new Map<string, readonly string[]>();
  for (const roster of rosters) {
    const seats = roster.seats.filter(({ outdated, settled }) => outdated > 0 && settled > 0)
      .sort((a, b) => compare(a.node.option.nodeId, b.node.option.nodeId));
    if (seats.length === 0) continue;
    const may = roster.want.restartOrder === "startstop" ? seats : inTurn(roster, seats);
    rolling.set(roster.want.component, may.map(({ node }) => node.option.nodeId));
  }
  return rolling;
}

function inTurn({ want, seats }: Roster, outdated: readonly Seat[]): Seat[] {
  // Where nothing serves nothing is lost.
  const begun = outdated.filter((seat) => seat.serving === 0 || hasBegun(seat));
  const missing = seats.reduce(
    (sum, { settled, serving }) => sum + Math.max(0, settled - serving),
    0,
  );
  const inWork = begun.filter((seat) => seat.serving >= seat.settled).length;
  const more = Math.max(0, want.maxUnavailable - missing - inWork);
  return [...begun, ...outdated.filter((seat) => !begun.includes(seat)).slice(0, more)];
}

function hasBegun({ present, outdated, serving, settled }: Seat): boolean {
  return outdated < present || serving < settled;
}
