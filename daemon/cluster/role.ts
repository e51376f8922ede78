/**
 * Lets one node at a time perform a duty for the whole cluster. Owns winning, losing and handing
 * back a role; knows nothing of the duty. Walk: scheduler, sources → **role** → store.
 * @module
 */
import { pause } from "../../lib/async/pause.ts";
import type { RoleHeld } from "../../lib/contract/v1.ts";
import { asMaelstromError, isAbort } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { Store } from "../store/store.ts";

/**
 * Work done while the role is ours, under the epoch of its ownership. Ends soon after `signal` aborts,
 * and with `stale_epoch` when it learns that the epoch is over.
 */
export type Duty = (epoch: number, signal: AbortSignal) => Promise<void>;

/** What {@linkcode Roles} needs. */
export interface RolesOptions {
  readonly store: Pick<Store, "claimRole">;
  readonly log: Log;
  /** Wait between attempts, and so the longest a freed role stands empty, in milliseconds. */
  readonly retryMs: number;
  /** A role was won or lost. */
  readonly changed: () => void;
}

/** The roles that this node competes for. */
export class Roles {
  readonly #options: RolesOptions;
  readonly #held = new Map<string, number>();

  constructor(options: RolesOptions) {
    this.#options = options;
  }

  /** Those that are ours now. */
  held(): RoleHeld[] {
    return [...this.#held].map(([role, epoch]) => ({ role, epoch }));
  }

  /**
   * Performs `duty` whenever this node owns `role`, until `signal` aborts. A node that was cut off
   * notices one probe later, so two duties may overlap that long: what they do carries the epoch,
   * and whoever receives it refuses an old one.
   */
  async hold(role: string, duty: Duty, signal: AbortSignal): Promise<void> {
    const { store, log, retryMs } = this.#options;
    let isDown = false;
    while (!signal.aborted) {
      try {
        await using claim = await store.claimRole(role, signal);
        isDown = false;
        if (claim) await this.#perform(role, duty, claim.epoch, signal, claim.lost);
      } catch (error) {
        // A loop's edge is where a failure may be swallowed: the next attempt is the cure.
        if (!signal.aborted && !isAbort(error) && !isDown) {
          log.warn("cannot compete for a role, trying again", { role, error });
          isDown = true;
        }
      }
      await pause(retryMs, signal);
    }
  }

  async #perform(
    role: string,
    duty: Duty,
    epoch: number,
    signal: AbortSignal,
    lost: AbortSignal,
  ): Promise<void> {
    const { log, changed } = this.#options;
    this.#held.set(role, epoch);
    changed();
    log.info("role won", { role, epoch });
    let isOver = false;
    try {
      await duty(epoch, AbortSignal.any([signal, lost]));
    } catch (error) {
      isOver = asMaelstromError(error).code === "stale_epoch";
      if (!isOver) throw error;
    } finally {
      this.#held.delete(role);
      changed();
      log.info(isOver || lost.aborted ? "role lost" : "role handed back", { role, epoch });
    }
  }
}
