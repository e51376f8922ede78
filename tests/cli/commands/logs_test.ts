import assert from "node:assert/strict";
import type { LogEntry } from "../../../lib/contract/logs.ts";
import { assertGolden } from "../../support/cli/golden.ts";
import { run, spawn } from "../../support/cli/run.ts";
import { startStreamNode } from "../../support/cli/stream_node.ts";

function source(component: string, id: string) {
  return { node: "n1", component, instance: `maelstrom-${component}-${id}`, version: 1 };
}

const ENTRIES: readonly LogEntry[] = [
  { ...source("shop", "aaaa1111"), stream: "stdout", line: "listening on 8080  " },
  {
    ...source("blog", "bbbb2222"),
    stream: "stdout",
    line: "  \x1b[32mready\x1b[0m \x1b[2Jand\x07",
  },
  { ...source("shop", "cccc3333"), stream: "stderr", line: "cannot connect" },
  { ...source("shop", "aaaa1111"), stream: "stdout", line: "" },
  { ...source("shop", "aaaa1111"), dropped: 12 },
  { ...source("shop", "cccc3333"), notice: "Cannot reach Docker; lines may be missing" },
  {
    node: "n1",
    component: "shop",
    instance: "by-hand",
    version: 2,
    stream: "stdout",
    line: "é 水",
  },
];

/** Both outputs, told apart. */
const both = ({ stdout, stderr }: { stdout: string; stderr: string }) =>
  `${stdout}--- stderr ---\n${stderr}`;

Deno.test("logs refuses a --since that means nothing, before it calls", async () => {
  const { code, stderr } = await run(["logs", "--since", "soon"]);
  assert.equal(code, 2);
  assert.match(stderr, /Cannot read --since: must be a length of time .*, found "soon"/);
});

Deno.test("logs fails with what the node refuses", async () => {
  const error = { code: 1003, message: 'Cannot read logs: no component "shpo"' };
  await using node = startStreamNode(Response.json({ error }, { status: 404 }));
  const { code, stderr } = await run(["logs", "shpo", "-f"], { env: node.env });
  assert.equal(code, 3);
  assert.match(stderr, /no component "shpo"/);
});

Deno.test("logs fails when the node sends nonsense", async () => {
  const headers = { "content-type": "application/x-ndjson" };
  await using node = startStreamNode(new Response("nonsense\n", { headers }));
  const { code, stderr } = await run(["logs"], { env: node.env });
  assert.equal(code, 1);
  assert.match(stderr, /the node sent "nonsense"/);
});

Deno.test("logs labels each line, and keeps the outputs apart", async () => {
  await using node = startStreamNode(ENTRIES);
  const ran = await run(["logs"], { env: node.env });
  assert.equal(ran.code, 0);
  await assertGolden(both(ran), "logs.txt");
  assert.deepEqual(node.asked, ["GET /_mael/logs?components=&follow=false&since=10m"]);
});

Deno.test("logs colours labels on a terminal, one colour for each instance", async () => {
  await using node = startStreamNode(ENTRIES);
  const ran = await run(["logs"], { env: node.env, isTerminal: true });
  await assertGolden(both(ran), "logs_colour.txt");
});

Deno.test("logs --json passes the node's lines on", async () => {
  await using node = startStreamNode(ENTRIES);
  const { stdout, stderr } = await run(["logs", "--json"], { env: node.env });
  assert.deepEqual(stdout.trim().split("\n").map((line) => JSON.parse(line)), ENTRIES);
  assert.equal(stderr, "");
});

Deno.test("logs sends what was chosen; a date is resolved where its zone is known", async () => {
  await using node = startStreamNode([]);
  const args = ["logs", "shop", "b*", "--components", "x,*,y", "--since", "2024-05-01T10:00Z"];
  await run(args, { env: node.env });
  const components = encodeURIComponent("shop,b*,x,y");
  assert.deepEqual(node.asked, [
    `GET /_mael/logs?components=${components}&follow=false&since=2024-05-01T10%3A00%3A00.000Z`,
  ]);
});

Deno.test("logs -f goes on when the node comes back, from where the stream ended", async () => {
  const away = Response.json({ error: { code: 1017, message: "stopping" } }, { status: 503 });
  const last = Response.json({ error: { code: 1001, message: "enough" } }, { status: 400 });
  await using node = startStreamNode(ENTRIES.slice(0, 1), away, ENTRIES.slice(2, 3), last);
  const { code, stdout, stderr } = await run(["logs", "-f"], { env: node.env });
  assert.equal(code, 1);
  assert.match(stdout, /listening on 8080/);
  assert.match(stderr, /ended the stream; waiting[^]*cannot connect[^]*enough/);
  assert.match(node.asked[0]!, /follow=true&since=10m$/);
  for (const asked of node.asked.slice(1)) assert.match(asked, /since=\d+ms$/);
});

Deno.test("logs -f ends when the user interrupts", async () => {
  const stop = new AbortController();
  await using node = startStreamNode([]);
  const running = run(["logs", "-f"], { env: node.env, signal: stop.signal });
  while (node.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  stop.abort();
  assert.equal((await running).code, 130);
});

Deno.test("logs --timestamps begins each line with the local time when it was written", async () => {
  const at = Date.UTC(2024, 4, 1, 12, 0, 0, 7);
  const [first, second] = ENTRIES;
  await using node = startStreamNode([{ ...first, at }, second]);
  const env = { ...node.env, NO_COLOR: "1", TZ: "Asia/Kolkata" };
  const { stdout } = await spawn(["logs", "-t"], env);
  const [line, without] = stdout.split("\n");
  assert.equal(line, "2024-05-01T17:30:00.007+05:30 [shop/aaaa1111]\tlistening on 8080");
  // Nothing said when that one was written.
  assert.match(without!, /^\[blog/);
});
