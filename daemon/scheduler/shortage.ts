/** Why something has no place, in words for people. Pure. @module */
import { type Board, isEligible, misplacement, type Roster, settledOn } from "./board.ts";
import { fits } from "./rank.ts";

/** Why `roster` cannot have one more, or undefined when it can as soon as something has left. */
export function shortage({ nodes }: Board, roster: Roster): string | undefined {
  const { constraints, maxInstancesPerNode, reserveMemoryMiB } = roster.want;
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

/** By node id, components that have to leave the node and have no other place, with the reason. */
export function stuckOn(board: Board): Map<string, Map<string, string>> {
  const stuck = new Map<string, Map<string, string>>();
  for (const { option, seats } of board.nodes) {
    const reasons = new Map<string, string>();
    for (const [component, seat] of seats) {
      if (seat.settled === 0 || misplacement(seat) === undefined) continue;
      if (board.nodes.some((other) => fits(other, seat.roster))) continue;
      const reason = shortage(board, seat.roster);
      if (reason !== undefined) reasons.set(component, reason);
    }
    if (reasons.size > 0) stuck.set(option.nodeId, reasons);
  }
  return stuck;
}
