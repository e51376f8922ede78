import assert from "node:assert/strict";
import type { CronRun, EventSource } from "../../../lib/contract/v1.ts";
import { type FakeCall, startFakeNode } from "../../support/cli/fake_node.ts";
import { NOW_MS, run } from "../../support/cli/run.ts";

const RUN: CronRun = {
  runId: "r1",
  eventSourceName: "nightly",
  dueAt: NOW_MS - 60_000,
  lastDueAt: NOW_MS - 60_000,
  dueCount: 1,
  manual: false,
  status: "failed",
  reason: "answered with status 500: no",
  attempt: 2,
  httpStatus: 500,
  nodeId: "node-1",
  startedAt: NOW_MS - 59_990,
  endedAt: NOW_MS - 58_740,
  retryAt: 0,
};
const SKIPPED: CronRun = {
  ...RUN,
  status: "skipped",
  dueCount: 3,
  reason: "missed",
  attempt: 0,
  nodeId: "",
  startedAt: 0,
};
const SOURCE: EventSource = {
  name: "nightly",
  componentName: "shop",
  version: 1,
  modifiedAt: 0,
  cron: {
    schedule: "30 2 * * *",
    timezone: "Europe/Berlin",
    http: { method: "GET", path: "/nightly" },
  },
};

/** A node with {@linkcode SOURCE} and its runs. */
function cronNode(source: EventSource = SOURCE) {
  const intercept = ({ method }: FakeCall) => {
    const results: Record<string, unknown> = {
      "MaelstromService.ListCronRuns": { runs: [RUN, SKIPPED] },
      "MaelstromService.RunCron": { name: "nightly", runId: "r2" },
      "MaelstromService.GetEventSource": { eventSource: source },
    };
    return Response.json({ jsonrpc: "2.0", id: "1", result: results[method] });
  };
  const node = startFakeNode({ intercept });
  const tell = (args: string, stdin = "") =>
    run(args.split(" "), { env: { MAELSTROM_PRIVATE_URL: node.url }, stdin });
  return { calls: node.calls, tell, [Symbol.asyncDispose]: () => node[Symbol.asyncDispose]() };
}

Deno.test("es runs tells when, how long, where, and why not", async () => {
  await using node = cronNode();
  const { stdout } = await node.tell("es runs nightly -n 5");
  assert.deepEqual(node.calls[0]?.input, { name: "nightly", limit: 5 });
  const [, , first, second] = stdout.split("\n");
  assert.match(first!, /^2024-05-01T11:59:00\.000Z +failed .* 1\.250 s +2 +node-1 +answered with /);
  assert.match(second!, / skipped +missed \(3 times\)$/);
  assert.deepEqual(JSON.parse((await node.tell("es runs nightly --json")).stdout), [RUN, SKIPPED]);
});

Deno.test("es runs wants a name, and a number that can be", async () => {
  await using node = cronNode();
  for (const [args, says] of [["es runs", /NAME is missing/], ["es runs n -n 0", /must be 1 to/]]) {
    const { code, stderr } = await node.tell(args as string);
    assert.equal(code, 2);
    assert.match(stderr, says as RegExp);
  }
  assert.equal(node.calls.length, 0);
});

Deno.test("es run says which run it is", async () => {
  await using node = cronNode();
  const { stdout } = await node.tell("es run nightly");
  assert.equal(stdout, "Event source runs now: nightly run r2\n");
});

Deno.test("es next prints times in the zone of the source, and in UTC", async () => {
  await using node = cronNode();
  const { stdout } = await node.tell("es next nightly -n 2");
  const [, , first, second] = stdout.split("\n");
  assert.match(first!, /^2024-05-02T02:30:00\+02:00\[Europe\/Berlin\] +2024-05-02T00:30:00Z +12 h/);
  assert.match(second!, /^2024-05-03T02:30:00/);
  const json = JSON.parse((await node.tell("es next nightly -n 1 --json")).stdout);
  assert.deepEqual(json, [Date.UTC(2024, 4, 2, 0, 30)]);
});

Deno.test("es next refuses a source without times", async () => {
  const { cron: _, ...source } = SOURCE;
  await using node = cronNode({ ...source, http: { pathPrefix: "/" } });
  const { code, stderr } = await node.tell("es next nightly");
  assert.equal(code, 1);
  assert.match(stderr, /Cannot tell times of "nightly": it is no cron source/);
});

Deno.test("es put --dry-run puts nothing, and prints the next ten times", async () => {
  await using node = cronNode();
  const { modifiedAt: _, ...source } = SOURCE;
  const { code, stdout } = await node.tell("es put -f - --dry-run", JSON.stringify(source));
  assert.equal(code, 0);
  assert.match(stdout, /^Event source is valid: nightly\n/);
  assert.equal(stdout.match(/\[Europe\/Berlin\]/g)?.length, 10);
  const wrong = { ...source, cron: { ...source.cron, schedule: "0 25 * * *" } };
  const refused = await node.tell("es put -f - --dry-run", JSON.stringify(wrong));
  assert.match(refused.stderr, /cron\.schedule hour must be 0 to 23, .*found "25"/);
  assert.equal(node.calls.length, 0);
});
