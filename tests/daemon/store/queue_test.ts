/** The contract of the queues on SQLite and PostgreSQL, and what only several nodes show. */
import assert from "node:assert/strict";
import type { Driver } from "../../../daemon/store/driver.ts";
import { openPostgres } from "../../../daemon/store/postgres.ts";
import { openSqlite } from "../../../daemon/store/sqlite.ts";
import { silentLog } from "../../../lib/log.ts";
import { queueContract, type QueueDatabase, TestQueues } from "../../contracts/queue_contract.ts";
import { lacksPostgres, PostgresServer, sharedPostgres } from "../../support/postgres.ts";

const log = silentLog;

async function sqliteQueues(): Promise<QueueDatabase> {
  const stack = new AsyncDisposableStack();
  const path = await Deno.makeTempDir({ prefix: "maelstrom-queue-" });
  stack.defer(() => Deno.remove(path, { recursive: true }));
  // One daemon has the file, so its nodes are one.
  const driver = stack.use(await openSqlite(`${path}/maelstrom.db`, { log }));
  return {
    open: () => Promise.resolve(driver),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function postgresQueues(): Promise<QueueDatabase> {
  const stack = new AsyncDisposableStack();
  const { dsn } = stack.use(await (await sharedPostgres()).database());
  return {
    open: async () => stack.use<Driver>(await openPostgres(dsn, { log })),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

queueContract("sqlite", sqliteQueues);

if (!lacksPostgres()) {
  queueContract("postgres", postgresQueues);

  Deno.test("QueueNews.announce() reaches receivers of other nodes, and no catalog", async () => {
    await using database = await postgresQueues();
    await using here = new TestQueues(await database.open());
    await using there = new TestQueues(await database.open());
    let changes = 0;
    there.driver.subscribe(() => changes++);
    const rung = Promise.withResolvers<void>();
    there.news.subscribe("jobs", () => rung.resolve());
    await here.send("a");
    await rung.promise;
    assert.equal(changes, 0);
  });

  Deno.test("QueueStore.send() has answered only what a crash of the server leaves", async () => {
    await using server = await PostgresServer.start();
    await using database = await server.database();
    const answered: string[] = [];
    {
      await using driver = await openPostgres(database.dsn, { log });
      await using queues = new TestQueues(driver);
      const enough = Promise.withResolvers<void>();
      const senders = Array.from({ length: 20 }, async () => {
        for (;;) {
          answered.push(await queues.send("x".repeat(500)));
          if (answered.length === 2000) enough.resolve();
        }
      });
      const ended = Promise.allSettled(senders);
      await enough.promise;
      await server.stop("immediate");
      for (const { status } of await ended) assert.equal(status, "rejected");
    }
    await server.resume();
    await using driver = await openPostgres(database.dsn, { log });
    const rows = await driver.all("select id from queue_message", []);
    const kept = new Set(rows.map(({ id }) => id));
    assert.deepEqual(answered.filter((id) => !kept.has(id)), []);
  });

  Deno.test("QueueStore.take() waits for no transaction that is under way", async () => {
    await using database = await postgresQueues();
    await using queues = new TestQueues(await database.open());
    const entered = Promise.withResolvers<void>();
    const leave = Promise.withResolvers<void>();
    const change = queues.driver.transaction(async () => {
      entered.resolve();
      await leave.promise;
    });
    await entered.promise;
    await queues.send("a");
    assert.deepEqual(await queues.taken(1), ["a"]);
    leave.resolve();
    await change;
  });
}
