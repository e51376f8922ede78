/**
 * What happened in a cluster, in order of time: what each daemon's log tells of roles and targets,
 * and what was done to the daemons. @module
 */
import type { LogLine } from "../support/node.ts";

/** What happened at one node. Times are in milliseconds since 1970. */
export type Entry = { readonly atMs: number; readonly node: string } & Happening;

type Happening =
  /** A daemon is ready; what its predecessor had in memory is gone. */
  | { readonly kind: "started" }
  /** Somebody killed it, or it ended. */
  | { readonly kind: "ended" }
  /** It stands still from here to `thawed`, and may not know it. */
  | { readonly kind: "frozen" | "thawed" }
  /** It began, or ceased, to own a role; or it wrote as its owner. */
  | { readonly kind: "won" | "lost" | "wrote"; readonly role: string; readonly epoch: number }
  /** It took targets from the owner of placement. */
  | { readonly kind: "took"; readonly epoch: number; readonly number: number }
  /** It refused targets of an earlier owner. */
  | { readonly kind: "refused"; readonly epoch: number };

type Kind = Exclude<Entry["kind"], "ended" | "frozen" | "thawed">;

const KINDS: Readonly<Record<string, Kind>> = {
  "node ready": "started",
  "role won": "won",
  "role lost": "lost",
  "role handed back": "lost",
  "silent nodes are forgotten": "wrote",
  "targets taken": "took",
  "targets of an earlier owner refused": "refused",
};

/** What a line of `node`'s log tells, if that is anything of ours. */
export function entryOf(node: string, line: LogLine): Entry | undefined {
  const kind = KINDS[line.message];
  if (kind === undefined) return undefined;
  const { role, epoch, number } = line;
  const atMs = Date.parse(String(line["time"]));
  return { atMs, node, kind, role, epoch, number } as Entry;
}

/** The entries of all sources in order of time; those of one source stay in theirs. */
export function merge(...sources: readonly (readonly Entry[])[]): Entry[] {
  return sources.flat().sort((a, b) => a.atMs - b.atMs);
}
