import assert from "node:assert/strict";
import { openDriver } from "../../../daemon/store/open.ts";
import { MaelstromError } from "../../../lib/errors.ts";
import { silentLog } from "../../../lib/log.ts";

const refused = [
  { dsn: "mysql://me:secret@db/shop", kind: "", found: 'found scheme "mysql"' },
  { dsn: "sqlite://shop.db", kind: "", found: 'found scheme "sqlite"' },
  { dsn: "sqlite:", kind: "", found: 'found scheme "sqlite"' },
  { dsn: "me:secret@db", kind: "", found: 'found scheme "me"' },
  { dsn: "//secret", kind: "", found: 'found scheme "none"' },
  { dsn: "", kind: "postgres", found: "MAEL_SQL_DSN names SQLite" },
  { dsn: "sqlite:x.db", kind: "mysql", found: "MAEL_SQL_DSN names SQLite" },
  { dsn: "postgres://db/shop", kind: "sqlite3", found: "MAEL_SQL_DSN names PostgreSQL" },
];

for (const { dsn, kind, found } of refused) {
  Deno.test(`openDriver() refuses "${dsn}" with driver "${kind}"`, async () => {
    await assert.rejects(
      openDriver({ dsn, kind, defaultPath: "unused.db", log: silentLog }),
      (error) => {
        assert.ok(error instanceof MaelstromError && error.code === "invalid");
        assert.match(error.message, /^Cannot open database: MAEL_SQL_D/);
        assert.ok(error.message.includes(found), error.message);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      },
    );
  });
}

Deno.test("openDriver() opens SQLite where the DSN says, or else in the default file", async () => {
  const directory = await Deno.makeTempDir({ prefix: "maelstrom-open-" });
  const defaultPath = `${directory}/default.db`;
  for (const [dsn, kind] of [["", ""], [`sqlite:${directory}/given.db`, "sqlite3"]] as const) {
    await using _driver = await openDriver({ dsn, kind, defaultPath, log: silentLog });
  }
  const files = (await Array.fromAsync(Deno.readDir(directory))).map(({ name }) => name).sort();
  assert.deepEqual(files, ["default.db", "given.db"]);
  await Deno.remove(directory, { recursive: true });
});
