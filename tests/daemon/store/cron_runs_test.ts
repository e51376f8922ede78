import assert from "node:assert/strict";
import { CronRuns, type NewRun, type RunOwner } from "../../../daemon/store/cron_runs.ts";
import type { Driver } from "../../../daemon/store/driver.ts";
import { openPostgres } from "../../../daemon/store/postgres.ts";
import { openSqlite } from "../../../daemon/store/sqlite.ts";
import { Store } from "../../../daemon/store/store.ts";
import { silentLog } from "../../../lib/log.ts";
import { component, eventSource } from "../../support/builders.ts";
import { lacksPostgres, sharedPostgres } from "../../support/postgres.ts";

const NEVER = new AbortController().signal;

/** A due time that is started. */
const due = (dueAt: number, parts: Partial<NewRun> = {}): NewRun => ({
  dueAt,
  lastDueAt: dueAt,
  dueCount: 1,
  status: "running",
  reason: "",
  ...parts,
});

const skipped = (dueAt: number, reason: string): NewRun =>
  due(dueAt, { status: "skipped", reason });

/** The source `tick`, and the owner of the role with epoch 1. */
async function setUp(driver: Driver) {
  const store = new Store(driver, { nodeId: "n1" });
  await store.putComponent(component({ version: 0 }));
  const { http: _, ...source } = eventSource({ name: "tick", version: 0 });
  const http = { method: "GET", path: "/" };
  await store.putEventSource({ ...source, cron: { schedule: "@hourly", http } });
  const claim = async (): Promise<RunOwner> => {
    await using role = await store.claimRole("cron", NEVER);
    return { role: "cron", epoch: role!.epoch, nodeId: "n1" };
  };
  return { store, runs: new CronRuns(driver), claim, owner: await claim() };
}

/** What the store of runs does on any database. */
function runsContract(
  database: string,
  ignore: boolean,
  open: () => Promise<AsyncDisposable & { driver: Driver }>,
) {
  const test = (name: string, work: (driver: Driver) => Promise<void>) =>
    Deno.test({ name: `CronRuns ${name}, on ${database}`, ignore }, async () => {
      await using opened = await open();
      await work(opened.driver);
    });

  test("gives each due time to one owner, once", async (driver) => {
    const { runs, owner } = await setUp(driver);
    const kept = await runs.record(owner, "tick", [due(1000), due(2000)], 5);
    assert.deepEqual(
      kept.map(({ dueAt, attempt, nodeId, startedAt }) => [
        dueAt,
        attempt,
        nodeId,
        startedAt,
      ]),
      [[1000, 1, "n1", 5], [2000, 1, "n1", 5]],
    );
    assert.deepEqual(await runs.record(owner, "tick", [due(2000)], 6), []);
    assert.deepEqual(await runs.lastDues(), new Map([["tick", 2000]]));
    assert.equal((await runs.unfinished()).length, 2);
  });

  test("refuses whoever owned the role before", async (driver) => {
    const { runs, owner, claim } = await setUp(driver);
    const [run] = await runs.record(owner, "tick", [due(1000)], 5);
    const next = await claim();
    const stale = { code: "stale_epoch" };
    await assert.rejects(runs.record(owner, "tick", [due(2000)], 6), stale);
    await assert.rejects(runs.update(owner, { ...run!, status: "succeeded" }), stale);
    await assert.rejects(runs.prune(owner, 1, 0), stale);
    assert.equal(await runs.update(next, { ...run!, status: "lost", endedAt: 7 }), true);
    assert.deepEqual(await runs.unfinished(), []);
    assert.equal((await runs.list("tick", 9))[0]?.status, "lost");
  });

  test("tells of skips in a row once, and counts them", async (driver) => {
    const { runs, owner } = await setUp(driver);
    await runs.record(owner, "tick", [skipped(1000, "a"), due(2000)], 5);
    await runs.record(owner, "tick", [skipped(3000, "a")], 6);
    await runs.record(owner, "tick", [skipped(4000, "a"), skipped(5000, "b")], 7);
    assert.deepEqual(
      (await runs.list("tick", 9)).map((run) => [run.dueAt, run.lastDueAt, run.dueCount]),
      [[5000, 5000, 1], [3000, 4000, 2], [2000, 2000, 1], [1000, 1000, 1]],
    );
    assert.deepEqual(await runs.lastDues(), new Map([["tick", 5000]]));
  });

  test("keeps what is asked for apart from what is due", async (driver) => {
    const { runs, owner } = await setUp(driver);
    const heard = Promise.withResolvers<void>();
    const stop = runs.subscribe(() => heard.resolve());
    const ids = [await runs.ask("tick", 1000), await runs.ask("tick", 1000)];
    await heard.promise;
    stop();
    const waiting = await runs.unfinished();
    assert.deepEqual(waiting.map(({ runId }) => runId), ids);
    assert.deepEqual(waiting.map(({ dueAt, manual }) => [dueAt, manual]), [
      [1000, true],
      [1001, true],
    ]);
    assert.equal((await runs.record(owner, "tick", [due(1000)], 5)).length, 1);
    for (let i = 2; i < 100; i++) await runs.ask("tick", 1000);
    await assert.rejects(runs.ask("tick", 1000), { code: "queue_full", message: /100 runs wait/ });
  });

  test("prunes by count and age, and never the newest or what goes on", async (driver) => {
    const { runs, owner } = await setUp(driver);
    const [old] = await runs.record(owner, "tick", [due(500)], 1);
    for (const at of [1000, 2000, 3000]) {
      const [run] = await runs.record(owner, "tick", [due(at)], at);
      await runs.update(owner, { ...run!, status: "succeeded", endedAt: at });
    }
    assert.equal(await runs.prune(owner, 2, 0), 1);
    const left = async () => (await runs.list("tick", 9)).map(({ dueAt }) => dueAt);
    assert.deepEqual(await left(), [3000, 2000, old!.dueAt]);
    assert.equal(await runs.prune(owner, 2, 9000), 1);
    assert.deepEqual(await left(), [3000, old!.dueAt]);
  });

  test("forgets the runs of a source that is removed, and starts none for it", async (driver) => {
    const { store, runs, owner } = await setUp(driver);
    const [run] = await runs.record(owner, "tick", [due(1000)], 5);
    await store.removeEventSource("tick");
    assert.deepEqual(await runs.unfinished(), []);
    assert.equal(await runs.update(owner, { ...run!, status: "succeeded" }), false);
    assert.deepEqual(await runs.record(owner, "tick", [due(2000)], 6), []);
  });
}

runsContract("SQLite", false, async () => {
  const stack = new AsyncDisposableStack();
  const path = await Deno.makeTempDir({ prefix: "maelstrom-cron-runs-" });
  stack.defer(() => Deno.remove(path, { recursive: true }));
  const driver = stack.use(await openSqlite(`${path}/maelstrom.db`, { log: silentLog }));
  return { driver, [Symbol.asyncDispose]: () => stack.disposeAsync() };
});

runsContract("PostgreSQL", lacksPostgres(), async () => {
  const stack = new AsyncDisposableStack();
  const database = stack.use(await (await sharedPostgres()).database());
  const driver = stack.use(await openPostgres(database.dsn, { log: silentLog }));
  return { driver, [Symbol.asyncDispose]: () => stack.disposeAsync() };
});
