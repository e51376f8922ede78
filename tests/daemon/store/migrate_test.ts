import assert from "node:assert/strict";
import { openSqlite } from "../../../daemon/store/sqlite.ts";
import { type Migration, migrations } from "../../../daemon/store/schema/migrations.ts";
import { silentLog } from "../../../lib/log.ts";

/** What migrating itself needs. */
const own = ["schema_compatible", "schema_migration"];
const one: Migration = { version: 1, name: "one", script: "create table a (x text);\n" };
const two: Migration = {
  version: 2,
  name: "two",
  script: "create table b (x text default ';');\ncreate index b_x on b (x);\n",
};

async function withFile(work: (file: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempDir({ prefix: "maelstrom-migrate-" });
  try {
    await work(`${path}/maelstrom.db`);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

async function schemaOf(file: string, steps: readonly Migration[]): Promise<string[]> {
  await using driver = await openSqlite(file, { log: silentLog, steps });
  const rows = await driver.all(
    "select name from sqlite_schema where name not like 'sqlite_%' order by name",
    [],
  );
  return rows.map((row) => String(row["name"]));
}

Deno.test("migrate() refuses a step whose script has changed, and a step it does not know", () =>
  withFile(async (file) => {
    await schemaOf(file, [one, two]);
    const edited = { ...one, script: "create table a (x text, y text);\n" };
    await assert.rejects(schemaOf(file, [edited, two]), {
      code: "store_unavailable",
      message: `Cannot open the database "${file}": step 1 of its schema was made by another ` +
        "script; use the executable that made it or restore a backup",
    });
    await assert.rejects(schemaOf(file, [one]), /its schema is version 2, this executable knows 1/);
  }));

Deno.test("migrate() leaves nothing of a step that fails", () =>
  withFile(async (file) => {
    const broken = { ...two, script: "create table b (x text);\ncreate table a (x text);\n" };
    await assert.rejects(schemaOf(file, [one, broken]), /already exists/);
    assert.deepEqual(await schemaOf(file, [one]), ["a", ...own]);
    assert.deepEqual(await schemaOf(file, [one, two]), ["a", "b", "b_x", ...own]);
  }));

Deno.test("migrate() applies each step once", () =>
  withFile(async (file) => {
    assert.deepEqual(await schemaOf(file, [one]), ["a", ...own]);
    for (let round = 0; round < 2; round++) {
      assert.deepEqual(await schemaOf(file, [one, two]), ["a", "b", "b_x", ...own]);
    }
  }));

Deno.test("migrate() goes on with steps it does not know as long as all are compatible", () =>
  withFile(async (file) => {
    const compatible = { ...two, isCompatible: true };
    const three = { version: 3, name: "three", script: "create table c (x text);\n" };
    await schemaOf(file, [one, compatible]);
    assert.deepEqual(await schemaOf(file, [one]), ["a", "b", "b_x", ...own]);
    await schemaOf(file, [one, compatible, three]);
    await assert.rejects(schemaOf(file, [one]), /its schema is version 3, this executable knows 1/);
    await assert.rejects(
      schemaOf(file, [one, { ...compatible, script: "create table d (x text);\n" }]),
      /step 2 of its schema was made by another script/,
    );
  }));

Deno.test("migrate() takes on a database that was made before steps could be compatible", () =>
  withFile(async (file) => {
    {
      await using driver = await openSqlite(file, { log: silentLog, steps: [one] });
      await driver.transaction((transaction) =>
        transaction.run("drop table schema_compatible", [])
      );
    }
    assert.deepEqual(await schemaOf(file, [one, two]), ["a", "b", "b_x", ...own]);
  }));

Deno.test("migrations count from 1 without gaps", () => {
  assert.deepEqual(
    migrations.map(({ version }) => version),
    migrations.map((_, index) => index + 1),
  );
});
