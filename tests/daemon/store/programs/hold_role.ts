/**
 * Holds a role in the database of the DSN named as an argument, prints `held EPOCH`, and when the
 * role is lost `lost`, with what became of a write under the old epoch.
 */
import { refuseStale } from "../../../../daemon/store/epoch.ts";
import { openPostgres } from "../../../../daemon/store/postgres.ts";
import { Store } from "../../../../daemon/store/store.ts";
import { messageOf } from "../../../../lib/errors.ts";
import { silentLog } from "../../../../lib/log.ts";

const [dsn = "", role = ""] = Deno.args;
const driver = await openPostgres(dsn, { log: silentLog });
const store = new Store(driver, { nodeId: "frozen" });
const claim = await store.claimRole(role, new AbortController().signal);
if (!claim) throw new Error("the role is held already");
console.log(`held ${claim.epoch}`);
claim.lost.addEventListener("abort", async () => {
  const wrote = await driver.transaction((transaction) =>
    refuseStale(transaction, { role, epoch: claim.epoch })
  ).then(() => "wrote", messageOf);
  console.log(`lost ${wrote}`);
  Deno.exit();
});
