/** Epochs of roles, and the guard of what an owner writes. @module */
import { MaelstromError } from "../../lib/errors.ts";
import { type Driver, integerOf, type Transaction } from "./driver.ts";

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
  const newest = await newestEpoch(transaction, role);
  if (newest === epoch) return;
  throw new MaelstromError(
    "stale_epoch",
    `Cannot write as owner of "${role}": epoch ${epoch} is over, the newest is ${newest}`,
    { role, epoch, newest },
  );
}

/** The epoch in which `role` was claimed last; 0 if it never was. */
export async function newestEpoch(
  database: Pick<Driver | Transaction, "all">,
  role: string,
): Promise<number> {
  const [row] = await database.all("select epoch from role where role_id = $1", [role]);
  return row ? integerOf(row, "epoch") : 0;
}
