/** The guard of what the owner of a role writes. @module */
import { MaelstromError } from "../../lib/errors.ts";
import { integerOf, type Transaction } from "./driver.ts";

/** A role as its owner knows it: `{ role: "cron", epoch: 7 }`. */
export interface RoleEpoch {
  readonly role: string;
  readonly epoch: number;
}

/**
 * Lets the transaction go on only while `epoch` is the newest of `role`. An owner that was cut off
 * and does not know it yet writes nothing after its successor has begun, and cannot be overtaken
 * between this check and its commit, because writers go one after another.
 *
 * @throws {MaelstromError} stale_epoch: the role was claimed again since
 */
export async function refuseStale(
  transaction: Transaction,
  { role, epoch }: RoleEpoch,
): Promise<void> {
  const [row] = await transaction.all("select epoch from role where role_id = $1", [role]);
  const newest = row ? integerOf(row, "epoch") : 0;
  if (newest === epoch) return;
  throw new MaelstromError(
    "stale_epoch",
    `Cannot write as owner of "${role}": epoch ${epoch} is over, the newest is ${newest}`,
    { role, epoch, newest },
  );
}
