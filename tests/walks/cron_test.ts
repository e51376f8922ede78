/** Cron event sources: what a component sees at due times, and what becomes of them in a cluster. @module */
import assert from "node:assert/strict";
import type { CronRun } from "../../lib/contract/v1.ts";
import { TestCluster, until } from "../support/cluster.ts";
import { TestNode } from "../support/node.ts";
import { lacksPostgres } from "../support/postgres.ts";

const LIMIT_MS = 30_000;
/** Prints the fields of each request that is not a health check, and answers as the path says. */
const APP = `Deno.serve({ port: 8080 }, async (request) => {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === "/health") return new Response("healthy");
  const field = (name) => request.headers.get("mael-" + name);
  const body = await request.text();
  const line = "seen " + JSON.stringify({
    method: request.method, path: pathname, body, own: request.headers.get("x-own"),
    source: field("event-source"), due: field("due"), run: field("run"), attempt: field("attempt"),
  });
  console.log(line);
  const file = Deno.env.get("SEEN_FILE");
  if (file) Deno.writeTextFileSync(file, line + "\\n", { append: true });
  const ms = Number(searchParams.get("ms") ?? 0);
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
  return new Response(pathname, { status: Number(searchParams.get("code") ?? 200) });
});`;

/** What {@linkcode APP} printed of one request. */
interface Seen {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly own: string | null;
  readonly source: string;
  readonly due: string;
  readonly run: string;
  readonly attempt: string;
}

async function putApp(node: TestNode, docker: object = {}, component: object = {}): Promise<void> {
  await node.putSample("job", { command: ["/bin/deno", "eval", APP], ...docker }, component);
}

async function putCron(node: TestNode, name: string, cron: object): Promise<void> {
  const http = { method: "GET", path: "/" };
  const source = { name, componentName: "job", cron: { http, ...cron } };
  await node.run(["es", "put", "-f", "-"], JSON.stringify(source));
}

async function runsOf(node: TestNode, name: string): Promise<CronRun[]> {
  return JSON.parse(await node.run(["es", "runs", name, "-n", "1000", "--json"]));
}

/** The runs of `name`, once `wanted` finds among them what it looks for. */
async function runsWhen(
  node: TestNode,
  name: string,
  wanted: (runs: readonly CronRun[]) => boolean,
): Promise<CronRun[]> {
  let last: CronRun[] = [];
  return await until(LIMIT_MS, `runs of ${name}`, async () => {
    last = await runsOf(node, name);
    return wanted(last) ? last : undefined;
  }).catch((error) => {
    throw new Error(`${error.message}; the newest: ${JSON.stringify(last.slice(0, 5))}`);
  });
}

/** What the component printed, in the order in which it came. */
async function seen(node: TestNode): Promise<Seen[]> {
  return seenIn(await node.run(["logs", "job", "--since", "1h"]));
}

function seenIn(text: string): Seen[] {
  return text.split("\n").flatMap((line) => {
    const at = line.indexOf("seen {");
    return at < 0 ? [] : [JSON.parse(line.slice(at + 5))];
  });
}

const has = (status: string) => (runs: readonly CronRun[]) =>
  runs.some((run) => run.status === status);

Deno.test("walk: a component is started by its cron times", async (t) => {
  await using node = await TestNode.start();
  await putApp(node);

  await t.step("a due time starts it, and tells it what it is for", async () => {
    const headers = [{ name: "X-Own", value: "mine" }];
    const http = { method: "POST", path: "/tick?a=b", data: "payload", headers };
    await putCron(node, "tick", { schedule: "* * * * * *", http, overlap: "allow" });
    await runsWhen(node, "tick", (runs) => runs.filter((r) => r.status === "succeeded").length > 2);
    await node.run(["es", "disable", "--prefix", "tick"]);
    const [first] = (await runsOf(node, "tick")).filter((run) => run.status === "succeeded");
    const came = (await seen(node)).find(({ run }) => run === first!.runId);
    assert.deepEqual(came, {
      method: "POST",
      path: "/tick",
      body: "payload",
      own: "mine",
      source: "tick",
      due: new Date(first!.dueAt).toISOString(),
      run: first!.runId,
      attempt: "1",
    });
    assert.deepEqual([first!.httpStatus, first!.nodeId], [200, node.nodeId]);
  });

  await t.step("what is switched off is skipped, and runs when somebody asks", async () => {
    await node.run(["es", "run", "tick"]);
    const [run] = await runsWhen(node, "tick", ([first]) => first?.status === "succeeded");
    assert.equal(run?.manual, true);
  });

  await t.step("switched on again, it has skipped every time in between", async () => {
    // However fast the commands were, at least one time comes while it is off.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await node.run(["es", "enable", "--prefix", "tick"]);
    const runs = await runsWhen(node, "tick", (runs) => {
      const [first] = runs.filter((run) => !run.manual);
      return has("skipped")(runs) && first?.status === "succeeded";
    });
    await node.run(["es", "rm", "tick"]);
    const scheduled = runs.filter(({ manual }) => !manual).reverse();
    assertWhole(scheduled);
    assert.ok(scheduled.some(({ reason }) => reason === "switched off"));
  });

  await t.step("a failure is tried again, and then told with the answer", async () => {
    const http = { method: "GET", path: "/fail?code=500" };
    await putCron(node, "fails", { schedule: "@yearly", http, retries: 1, retryDelaySeconds: 1 });
    await node.run(["es", "run", "fails"]);
    const [run] = await runsWhen(node, "fails", has("failed"));
    assert.deepEqual([run?.attempt, run?.httpStatus], [2, 500]);
    assert.equal(run?.reason, "answered with status 500: /fail");
    const tries = (await seen(node)).filter(({ source }) => source === "fails");
    assert.deepEqual(tries.map(({ attempt }) => attempt), ["1", "2"]);
  });

  await t.step("a run that goes on is replaced", async () => {
    const http = { method: "GET", path: "/slow?ms=60000" };
    await putCron(node, "slow", { schedule: "*/2 * * * * *", http, overlap: "replace" });
    await runsWhen(node, "slow", (runs) => has("replaced")(runs) && has("running")(runs));
  });

  await t.step("after kill -9 what went on is lost, and the next time is started", async () => {
    await node.kill();
    await node.start();
    await runsWhen(node, "slow", (runs) => has("lost")(runs) && has("running")(runs));
    await node.run(["es", "rm", "slow"]);
  });
});

/** Asserts that scheduled runs of every second, oldest first, speak of each second once. */
function assertWhole(runs: readonly CronRun[]): void {
  for (const [i, { dueAt, lastDueAt, dueCount }] of runs.entries()) {
    assert.equal(lastDueAt - dueAt, (dueCount - 1) * 1000, "a skip counts every time");
    const before = runs[i - 1];
    if (before) assert.equal(dueAt, before.lastDueAt + 1000, "no time is missing");
  }
}

/** Of the walk below; three minutes make it the long one. */
const KILLING_SECONDS = Number(Deno.env.get("MAELSTROM_TEST_CRON_SECONDS") ?? 30);
const KILL_EVERY_SECONDS = KILLING_SECONDS > 60 ? 20 : 10;

Deno.test({
  name: "walk: no due time is started twice or forgotten while owners are killed",
  ignore: lacksPostgres(),
}, async () => {
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "maelstrom-cron-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const env = { MAEL_HOST_MOUNTS: folder };
  const cluster = stack.use(await TestCluster.start({ nodes: 3, env }));
  const [first] = cluster.nodes;
  const volumes = [{ source: folder, target: "/seen" }];
  const environment = [{ name: "SEEN_FILE", value: "/seen/requests.log" }];
  await putApp(first!, { volumes }, { environment, minInstances: 3 });
  const often = { schedule: "* * * * * *", overlap: "allow", missed: "all", missedMax: 100 };
  await putCron(first!, "often", often);
  await runsWhen(first!, "often", has("succeeded"));

  for (let second = 0; second < KILLING_SECONDS; second += KILL_EVERY_SECONDS) {
    await new Promise((resolve) => setTimeout(resolve, KILL_EVERY_SECONDS * 1000));
    const owner = await cluster.owner("cron", await anyAlive(cluster));
    await owner.kill();
    await owner.start();
  }
  const asked = await anyAlive(cluster);
  const fromMs = Date.now();
  // Its successor has come by when it starts what is due from now on.
  await runsWhen(asked, "often", ([run]) => run!.status === "succeeded" && run!.dueAt > fromMs);
  await asked.run(["es", "disable", "--prefix", "often"]);
  const runs = await runsWhen(
    asked,
    "often",
    (runs) => runs.every(({ status }) => !["running", "queued", "waiting"].includes(status)),
  );

  const all = runs.filter(({ reason }) => reason !== "switched off").reverse();
  assertWhole(all);
  assert.deepEqual(all.filter(({ status }) => status === "skipped"), []);
  const came = seenIn(await Deno.readTextFile(`${folder}/requests.log`));
  const perDue = Map.groupBy(came, ({ due }) => Date.parse(due));
  for (const [due, requests] of perDue) assert.equal(requests.length, 1, `${due} came twice`);
  for (const run of all) {
    if (run.status === "succeeded") assert.ok(perDue.has(run.dueAt), `${run.dueAt} never came`);
  }
  const counts = Object.entries(Object.groupBy(all, ({ status }) => status))
    .map(([status, list]) => `${list?.length} ${status}`).join(", ");
  const lateMs = Math.max(...all.map(({ startedAt, dueAt }) => startedAt - dueAt));
  const owners = new Set(all.map(({ nodeId }) => nodeId)).size;
  console.log(
    `${all.length} due times by ${owners} nodes: ${counts}; the latest ${lateMs} ms late`,
  );
});

/** A node that answers. */
async function anyAlive(cluster: TestCluster): Promise<TestNode> {
  return await until(LIMIT_MS, "a node that answers", async () => {
    for (const node of cluster.nodes) {
      if ((await node.cli(["node", "ls"])).code === 0) return node;
    }
    return undefined;
  });
}
