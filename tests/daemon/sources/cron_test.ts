import assert from "node:assert/strict";
import { Cron, type CronOptions } from "../../../daemon/sources/cron.ts";
import type { HandlerReply, Invoke } from "../../../daemon/sources/invoke.ts";
import { Catalog } from "../../../daemon/store/catalog.ts";
import { CronRuns } from "../../../daemon/store/cron_runs.ts";
import type { Driver } from "../../../daemon/store/driver.ts";
import { openSqlite } from "../../../daemon/store/sqlite.ts";
import { Store } from "../../../daemon/store/store.ts";
import type { CronEventSource, CronRun } from "../../../lib/contract/v1.ts";
import { MaelstromError } from "../../../lib/errors.ts";
import { silentLog } from "../../../lib/log.ts";
import { component, eventSource } from "../../support/builders.ts";
import { until } from "../../support/cluster.ts";

const LIMIT_MS = 10_000;

/** A request that the component has, until the test answers it. */
interface Asked {
  readonly due: string;
  readonly attempt: string;
  readonly signal: AbortSignal;
  readonly answer: (status: number) => void;
}

/** A source with the schedule `@yearly` (its times are asked for), and its owners, one at a time. */
async function setUp(cron: Partial<CronEventSource> = {}) {
  const stack = new AsyncDisposableStack();
  const path = await Deno.makeTempDir({ prefix: "maelstrom-cron-" });
  stack.defer(() => Deno.remove(path, { recursive: true }));
  const driver = await openSqlite(`${path}/maelstrom.db`, { log: silentLog });
  const store = stack.use(new Store(driver, { nodeId: "n1" }));
  await store.putComponent(component({ version: 0 }));
  const { http: _, ...source } = eventSource({ name: "tick", version: 0 });
  const http = { method: "GET", path: "/" };
  await store.putEventSource({ ...source, cron: { schedule: "@yearly", http, ...cron } });
  const catalog = stack.use(new Catalog(store, { log: silentLog }));
  await catalog.start(new AbortController().signal);
  const runs = new CronRuns(driver);
  const asked: Asked[] = [];
  const invoke: Invoke = (_component, { headers }, signal) => {
    const fields = new Map(headers);
    const { promise, resolve, reject } = Promise.withResolvers<HandlerReply>();
    signal.addEventListener("abort", () => reject(signal.reason));
    asked.push({
      due: fields.get("Mael-Due")!,
      attempt: fields.get("Mael-Attempt")!,
      signal,
      answer: (status) => resolve({ status, headers: new Map(), body: "as asked" }),
    });
    return promise;
  };
  /** Owns the role on node `nodeId` until the result is called. */
  const own = async (nodeId = "n1", options: Partial<CronOptions> = {}) => {
    const role = (await store.claimRole("cron", new AbortController().signal))!;
    const lost = new AbortController();
    const stopping = new AbortController();
    const cron = new Cron({
      nodeId,
      catalog,
      runs,
      invoke,
      log: silentLog,
      keepRuns: 100,
      keepMs: 1e9,
      lookMs: 1000,
      drainMs: LIMIT_MS,
      now: Date.now,
      ...options,
    });
    const done = cron.own(role.epoch, lost.signal, stopping.signal);
    return async (how: "lost" | "stopping" = "lost") => {
      if (how === "stopping") stopping.abort();
      lost.abort();
      await done;
      await role[Symbol.asyncDispose]();
    };
  };
  return {
    driver,
    store,
    runs,
    asked,
    own,
    /** The `count`-th request. */
    request: (count: number) => until(LIMIT_MS, "a request", () => Promise.resolve(asked[count])),
    /** The newest run, when it stands there. */
    stands: (status: CronRun["status"]) =>
      until(LIMIT_MS, status, async () => {
        const [run] = await runs.list("tick", 1);
        return run?.status === status ? run : undefined;
      }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

Deno.test("Cron marks what its predecessor ran as lost, and does not start it again", async () => {
  await using world = await setUp();
  const end = await world.own();
  await world.runs.ask("tick", Date.now());
  const request = await world.request(0);
  // A crash writes nothing; the next owner has only the row.
  const [row] = await world.runs.unfinished();
  await end();
  assert.ok(request.signal.aborted);
  const previous = { role: "cron", epoch: 1, nodeId: "n1" };
  await world.runs.update(previous, { ...row!, status: "running" });
  const endSecond = await world.own("n2");
  const lost = await world.stands("lost");
  assert.equal(lost.reason, "node n1 was lost");
  await endSecond();
  assert.equal(world.asked.length, 1);
});

Deno.test("Cron gives a lost run another attempt that says so, if the source has retries", async () => {
  await using world = await setUp({ retries: 1, retryDelaySeconds: 1 });
  const end = await world.own();
  await world.runs.ask("tick", Date.now());
  await world.request(0);
  await end();
  const endSecond = await world.own("n2");
  const second = await world.request(1);
  assert.equal(second.attempt, "2");
  assert.equal(second.due, world.asked[0]!.due);
  second.answer(204);
  const run = await world.stands("succeeded");
  assert.deepEqual([run.attempt, run.nodeId, run.httpStatus], [2, "n2", 204]);
  await endSecond();
});

Deno.test("Cron lets runs end when its node stops, and starts no new ones", async () => {
  await using world = await setUp();
  const end = await world.own();
  await world.runs.ask("tick", Date.now());
  const request = await world.request(0);
  const ended = end("stopping");
  await world.runs.ask("tick", Date.now());
  assert.equal(request.signal.aborted, false);
  request.answer(200);
  await ended;
  const statuses = (await world.runs.list("tick", 9)).map(({ status }) => status);
  assert.deepEqual(statuses, ["queued", "succeeded"]);
  assert.equal(world.asked.length, 1);
});

Deno.test("Cron starts a due time once when it does not hear that it was written", async () => {
  await using world = await setUp({ schedule: "* * * * * *", overlap: "allow", missed: "all" });
  let isCut = false;
  const deaf: Pick<Driver, "all" | "transaction" | "subscribe"> = {
    all: (...args) => world.driver.all(...args),
    subscribe: (listener) => world.driver.subscribe(listener),
    async transaction(work) {
      const result = await world.driver.transaction(work);
      if (world.asked.length !== 1 || isCut || !Array.isArray(result) || result.length === 0) {
        return result;
      }
      isCut = true;
      throw new MaelstromError("store_unavailable", "Cannot write: the connection was lost");
    },
  };
  const end = await world.own("n1", { runs: new CronRuns(deaf) });
  await world.request(3);
  for (const { answer } of world.asked) answer(200);
  await end();
  assert.ok(isCut);
  const dues = world.asked.map(({ due }) => Date.parse(due));
  assert.deepEqual(dues, dues.map((_, i) => dues[0]! + i * 1000));
});

Deno.test("Cron ends the run that goes on for the one that replaces it", async () => {
  await using world = await setUp({ schedule: "* * * * * *", overlap: "replace" });
  const end = await world.own();
  const first = await world.request(0);
  await world.request(1);
  assert.ok(first.signal.aborted);
  await world.store.toggleEventSources({ enabled: false });
  await end();
  const runs = await world.runs.list("tick", 9);
  assert.ok(runs.some(({ status }) => status === "replaced"));
});

Deno.test("Cron goes on with other sources when one cannot be read", async () => {
  await using world = await setUp({ schedule: "whatever" });
  const { http: _, ...source } = eventSource({ name: "good", version: 0 });
  const http = { method: "GET", path: "/" };
  await world.store.putEventSource({ ...source, cron: { schedule: "* * * * * *", http } });
  const end = await world.own();
  await world.request(0);
  await end();
});
