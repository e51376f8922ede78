/** What every driver of the store promises beyond what the store shows of it. */
import assert from "node:assert/strict";
import type { Driver } from "../../daemon/store/driver.ts";
import { refuseStale } from "../../daemon/store/epoch.ts";
import { Store } from "../../daemon/store/store.ts";
import { fails, never } from "./store_contract_support.ts";
import { component } from "./store_values.ts";

/** Declares the suite for the drivers of `open`, each of an empty database, under `name`. */
export function driverContract(
  name: string,
  open: () => Promise<AsyncDisposable & { readonly driver: Driver }>,
): void {
  const test = (title: string, work: (driver: Driver) => Promise<void>) =>
    Deno.test(`${name}: Driver.${title}`, async () => {
      await using place = await open();
      await work(place.driver);
    });

  test("transaction() refuses statements after its end", async (driver) => {
    const kept = await driver.transaction((transaction) => Promise.resolve({ transaction }));
    await assert.rejects(kept.transaction.run("delete from component", []), /has ended/);
  });

  test("transaction() holds references between tables", async (driver) => {
    await assert.rejects(
      driver.transaction((transaction) =>
        transaction.run(
          "insert into event_source values ('a','absent','','http',1,0,0,1,'{}')",
          [],
        )
      ),
      /foreign key/i,
    );
    assert.deepEqual(await driver.all("select name from event_source", []), []);
  });

  test("transaction() goes on after one that failed", async (driver) => {
    await assert.rejects(
      driver.transaction(() => Promise.reject(new Error("work"))),
      /^Error: work$/,
    );
    await assert.rejects(driver.transaction((transaction) => transaction.run("nonsense", [])));
    assert.equal(await driver.transaction(() => Promise.resolve("fine")), "fine");
  });

  test("all() cannot write", async (driver) => {
    for (const sql of ["delete from component returning name", "create table t (x bigint)"]) {
      await assert.rejects(driver.all(sql, []), { code: "store_unavailable" });
    }
  });

  test("all() gives text, numbers, null, and 1 or 0 for what is true or not", async (driver) => {
    const large = Number.MAX_SAFE_INTEGER;
    const text = 'ö"\\\n\u{1F300}';
    await driver.transaction((transaction) =>
      transaction.run("insert into role (role_id, epoch, node_id) values ($1, $2, $1)", [
        text,
        large,
      ])
    );
    const rows = await driver.all(
      `select node_id, epoch, null as missing, epoch > $1 as larger, epoch < $1 as smaller,
         count(*) as count, sum(1) as sum from role where role_id = $2 group by node_id, epoch`,
      [7, text],
    );
    assert.deepEqual(rows.map((row) => ({ ...row })), [{
      node_id: text,
      epoch: large,
      missing: null,
      larger: 1,
      smaller: 0,
      count: 1,
      sum: 1,
    }]);
  });

  test("all() sorts and compares names byte by byte", async (driver) => {
    const names = ["B", "Z-a", "Z_a", "a", "ab", "é"];
    await driver.transaction(async (transaction) => {
      for (const name of names.toReversed()) {
        await transaction.run("insert into role (role_id, epoch, node_id) values ($1, 1, '')", [
          name,
        ]);
      }
    });
    const found = async (condition: string) =>
      (await driver.all(`select role_id from role ${condition} order by role_id`, []))
        .map((row) => row["role_id"]);
    assert.deepEqual(await found(""), names);
    assert.deepEqual(await found("where role_id > 'Z' and role_id < 'Z~'"), ["Z-a", "Z_a"]);
  });

  test("transaction() lets nobody write under an epoch that is over", async (driver) => {
    // Not disposed: it would close the driver.
    const store = new Store(driver, { nodeId: "n" });
    const write = (epoch: number, name: string) =>
      driver.transaction(async (transaction) => {
        await refuseStale(transaction, { role: "placement", epoch });
        await transaction.run(
          "insert into role (role_id, epoch, node_id) values ($1, 1, 'n')",
          [name],
        );
      });
    await assert.rejects(write(1, "never"), fails("stale_epoch"));
    const first = await store.claimRole("placement", never);
    assert.equal(first?.epoch, 1);
    await write(1, "in time");
    await first[Symbol.asyncDispose]();
    const second = await store.claimRole("placement", never);
    await assert.rejects(
      write(1, "too late"),
      fails(
        "stale_epoch",
        'Cannot write as owner of "placement": epoch 1 is over, the newest is 2',
      ),
    );
    await write(2, "again in time");
    await store.putComponent(component("shop"));
    assert.deepEqual(
      (await driver.all("select role_id from role where epoch = 1 order by role_id", []))
        .map((row) => row["role_id"]),
      ["again in time", "in time"],
    );
    await second?.[Symbol.asyncDispose]();
  });
}
