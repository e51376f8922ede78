/**
 * Which versions of the messages between nodes a release speaks, and which one two nodes use.
 * Pure. A version grows only when a node of the release before would misread a message: a field
 * that may be absent, or that may be ignored, needs no new one.
 * @module
 */
import type { NodeStatus } from "./status.ts";

/** Versions from `oldest` to `newest`: `{ "oldest": 1, "newest": 2 }`. */
export interface ProtocolRange {
  readonly oldest: number;
  readonly newest: number;
}

/**
 * What this release speaks. A release that raises `newest` keeps `oldest`, so that a cluster of it
 * and of the release before works; the one after may drop it.
 */
export const PROTOCOLS: ProtocolRange = { oldest: 1, newest: 1 };

/** What the node of `status` speaks; those of the first release named one version. */
export function protocolsOf(
  { protocol = 1, oldestProtocol = protocol }: Partial<NodeStatus>,
): ProtocolRange {
  return { oldest: oldestProtocol, newest: protocol };
}

/** The highest version that both speak; undefined when there is none. */
export function commonProtocol(a: ProtocolRange, b: ProtocolRange): number | undefined {
  const highest = Math.min(a.newest, b.newest);
  return highest >= Math.max(a.oldest, b.oldest) ? highest : undefined;
}

/** Why a node that speaks `own` cannot use one that speaks `theirs`. */
export function protocolFault(own: ProtocolRange, theirs: ProtocolRange): string {
  return `it speaks ${shown(theirs)} of the messages between nodes, this node ${shown(own)}`;
}

function shown({ oldest, newest }: ProtocolRange): string {
  return oldest === newest ? `version ${newest}` : `versions ${oldest} to ${newest}`;
}
