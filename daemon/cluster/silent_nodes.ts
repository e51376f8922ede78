/**
 * Forgets nodes that fell silent for good: the owner of placement removes their rows, and with the
 * row every node forgets them. Walk: role → **silent nodes** → store ⇒ peers.
 * @module
 */
import { aborted } from "../../lib/async/aborted.ts";
import { pause } from "../../lib/async/pause.ts";
import { unlessAborted } from "../../lib/async/unless_aborted.ts";
import { asMaelstromError } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { RoleEpoch } from "../store/epoch.ts";
import type { Store } from "../store/store.ts";
import type { Cluster } from "./cluster.ts";

const LOOK_EVERY_MS = 5000;

/** What {@linkcode forgetSilentNodes} needs. */
export interface SilentNodesOptions {
  readonly store: Pick<Store, "removeSilentNodes">;
  readonly cluster: Pick<Cluster, "known">;
  /** Age of a row at which its node is given up, in milliseconds; 0: never. */
  readonly livenessMs: number;
  readonly log: Log;
  /** Clock in milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * Removes rows again and again as `owner`, until `signal` aborts. Who is heard keeps its row,
 * however wrong its clock is.
 *
 * @throws {MaelstromError} stale_epoch: the role was claimed again since
 */
export async function forgetSilentNodes(
  { store, cluster, livenessMs, log, now }: SilentNodesOptions,
  owner: RoleEpoch,
  signal: AbortSignal,
): Promise<void> {
  if (livenessMs === 0) return await aborted(signal);
  for (; !signal.aborted; await pause(LOOK_EVERY_MS, signal)) {
    const heard = cluster.known().filter(({ isIn, fault }) => isIn || fault !== undefined)
      .map(({ status }) => status.nodeId);
    const silent = { beforeMs: now() - livenessMs, kept: new Set(heard) };
    try {
      // The write ends by its limit and is refused if it is late; the duty ends now.
      const nodes = await unlessAborted(store.removeSilentNodes(owner, silent), signal);
      if (nodes.length > 0) log.info("silent nodes are forgotten", { nodes, ...owner });
    } catch (error) {
      if (signal.aborted) return;
      // A database that is away ends the role; anything else is tried again.
      if (asMaelstromError(error).code === "stale_epoch") throw error;
      log.debug("cannot remove the rows of silent nodes, trying again", { error });
    }
  }
}
