/** A claim whose session is lost on the way: nobody owns the role under its epoch. @module */
import { strict as assert } from "node:assert";
import type { Driver } from "../../../daemon/store/driver.ts";
import { newestEpoch } from "../../../daemon/store/epoch.ts";
import { openSqlite } from "../../../daemon/store/sqlite.ts";
import { Store } from "../../../daemon/store/store.ts";
import { silentLog } from "../../../lib/log.ts";

const never = new AbortController().signal;

/** A database whose next claim is lost `when` its epoch is written. */
async function losing(when: "before" | "after") {
  const path = await Deno.makeTempDir({ prefix: "maelstrom-claim-" });
  const real = await openSqlite(`${path}/maelstrom.db`, { log: silentLog });
  const session = new AbortController();
  let isFree = true;
  const driver: Driver = {
    dialect: real.dialect,
    all: (sql, args) => real.all(sql, args),
    write: (sql, args) => real.write(sql, args),
    scrub: () => real.scrub(),
    tell: (topic) => real.tell(topic),
    hear: (listener) => real.hear(listener),
    subscribe: (listener) => real.subscribe(listener),
    claimRole() {
      if (!isFree) return Promise.resolve(undefined);
      isFree = false;
      const dispose = () => Promise.resolve(void (isFree = true));
      return Promise.resolve({ lost: session.signal, [Symbol.asyncDispose]: dispose });
    },
    async transaction(work) {
      if (when === "before") session.abort(new Error("lost"));
      const result = await real.transaction(work);
      session.abort(new Error("lost"));
      return result;
    },
    async [Symbol.asyncDispose]() {
      await real[Symbol.asyncDispose]();
      await Deno.remove(path, { recursive: true });
    },
  };
  return { driver, isFree: () => isFree };
}

for (
  const { when, epoch } of [{ when: "before", epoch: 0 }, { when: "after", epoch: 1 }] as const
) {
  Deno.test(`Store.claimRole() grants nothing when the session is lost ${when} the write`, async () => {
    const { driver, isFree } = await losing(when);
    await using store = new Store(driver, { nodeId: "one" });
    await assert.rejects(store.claimRole("placement", never), { message: "lost" });
    assert.ok(isFree(), "the lock was handed back");
    assert.equal(await newestEpoch(driver, "placement"), epoch);
  });
}
