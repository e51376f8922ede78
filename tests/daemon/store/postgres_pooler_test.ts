/** A pooler that gives sessions away is found out before anything is written through it. */
import assert from "node:assert/strict";
import { openPostgres } from "../../../daemon/store/postgres.ts";
import { silentLog } from "../../../lib/log.ts";
import { lacksPgbouncer, Pgbouncer } from "../../support/pgbouncer.ts";
import { lacksPostgres, PASSWORD, ROLE, sharedPostgres } from "../../support/postgres.ts";

const ignore = lacksPostgres() || lacksPgbouncer();
const log = silentLog;
const account = { user: ROLE, password: PASSWORD };
/** So that it is found by what it does, not by what it refuses. */
const LENIENT = {
  ignore_startup_parameters: [
    ...["statement_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout"],
    ...["default_transaction_read_only", "tcp_keepalives_idle", "tcp_keepalives_interval"],
    ...["tcp_keepalives_count", "tcp_user_timeout"],
  ].join(","),
};
const cases = [
  { name: "as it is installed", settings: {}, found: /unsupported startup parameter/ },
  { name: "that ignores our settings", settings: LENIENT, found: /two sessions share a process/ },
  {
    name: "that takes turns among its sessions",
    settings: { ...LENIENT, server_round_robin: "1", min_pool_size: "4" },
    found: /a session changed its process|two sessions share a process/,
  },
  {
    name: "after each statement",
    settings: { ...LENIENT, pool_mode: "statement" },
    found: /two sessions share a process/,
  },
];

for (const { name, settings, found } of cases) {
  Deno.test(`openPostgres() refuses a pooler ${name}`, { ignore }, async () => {
    const server = await sharedPostgres();
    await using database = await server.database();
    await using pooler = await Pgbouncer.start(server.port, account, settings);
    const dsn = server.dsn(database.name, { port: pooler.port });
    await assert.rejects(openPostgres(dsn, { log }), (error: Error) => {
      assert.match(error.message, /a connection pooler answers .*name the server itself$/);
      assert.match(error.message, found);
      return true;
    });
    assert.equal(await database.sql("select to_regclass('component')"), "");
  });
}
