import assert from "node:assert/strict";
import { assertGolden } from "../../support/cli/golden.ts";
import { eventSource } from "../../support/cli/builders.ts";
import { startFakeNode } from "../../support/cli/fake_node.ts";
import { run } from "../../support/cli/run.ts";

const SOURCES = [
  eventSource("shop_http", { http: { hostname: "shop.example.com", pathPrefix: "/api" } }),
  eventSource("shop_host", { http: { hostname: "*.example.com" } }),
  eventSource("off_nightly", {
    cron: { schedule: "0 3 * * *", http: { method: "GET", path: "/n" } },
  }),
  eventSource("images", { sqs: { queueName: "images", nameAsPrefix: true, path: "/image" } }),
  eventSource("resize", { awsstepfunc: { activityName: "resize", path: "/resize" } }),
];

Deno.test("listEventSources() prints a table", async () => {
  await using node = startFakeNode({ sources: SOURCES });
  const env = { MAELSTROM_PRIVATE_URL: node.url };
  const { code, stdout } = await run(["es", "ls"], { env });
  assert.equal(code, 0);
  await assertGolden(stdout, "es_ls.txt");
  const { stdout: json } = await run(["es", "ls", "--json"], { env });
  assert.deepEqual(
    JSON.parse(json).map(({ eventSource }: { eventSource: unknown }) => eventSource),
    SOURCES,
  );
});

Deno.test("listEventSources() passes its filters, and says that there are none", async () => {
  await using node = startFakeNode();
  const args = "es ls --prefix a --component c --project p --type CRON".split(" ");
  const { stdout } = await run(args, { env: { MAELSTROM_PRIVATE_URL: node.url } });
  assert.equal(stdout, "No event sources found\n");
  assert.deepEqual(node.calls[0]?.input, {
    namePrefix: "a",
    componentName: "c",
    projectName: "p",
    eventSourceType: "cron",
  });
});

Deno.test("toggleEventSources() prints what changed, and says when it means all of them", async () => {
  await using node = startFakeNode({ sources: SOURCES });
  const env = { MAELSTROM_PRIVATE_URL: node.url };
  const some = await run(["es", "disable", "--prefix", "shop_"], { env });
  assert.equal(some.code, 0, some.stderr);
  await assertGolden(some.stdout, "es_disable.txt");
  const all = await run(["es", "enable"], { env });
  assert.match(all.stdout, /^Toggling ALL event sources to Enabled\n\nEvent Source/);
  const json = await run(["es", "enable", "--prefix", "images", "--json"], { env });
  assert.deepEqual(JSON.parse(json.stdout), { enabled: true, eventSourceNames: ["images"] });
  const none = await run(["es", "disable", "--prefix", "none"], { env });
  assert.deepEqual(none, { code: 0, stdout: "No event sources updated\n", stderr: "" });
});

Deno.test("toggleEventSources() passes its filters", async () => {
  await using node = startFakeNode();
  const args = "es disable --prefix a --component c --project p --type SQS".split(" ");
  await run(args, { env: { MAELSTROM_PRIVATE_URL: node.url } });
  assert.deepEqual(node.calls[0]?.input, {
    enabled: false,
    namePrefix: "a",
    componentName: "c",
    projectName: "p",
    eventSourceType: "sqs",
  });
});

const NOT_TOGGLED: readonly { args: string[]; says: RegExp }[] = [
  { args: ["--type", "htp"], says: /must be one of .* found "htp" \(did you mean "http"\?\)/ },
  { args: ["--component", ""], says: /Cannot read --component: it is empty/ },
  { args: ["--prefix= "], says: /Cannot read --prefix: it is empty/ },
  { args: ["shop_http"], says: /unexpected argument "shop_http"/ },
];

for (const { args, says } of NOT_TOGGLED) {
  Deno.test(`toggleEventSources() refuses ${args.join(" ")} and switches nothing`, async () => {
    await using node = startFakeNode({ sources: SOURCES });
    const env = { MAELSTROM_PRIVATE_URL: node.url };
    const { code, stderr } = await run(["es", "disable", ...args], { env });
    assert.equal(code, 2);
    assert.match(stderr, says);
    assert.match(stderr, /Try 'maelstrom help es disable'/);
    assert.deepEqual(node.calls, []);
  });
}

Deno.test("putEventSource() takes flags for HTTP", async () => {
  await using node = startFakeNode();
  const env = { MAELSTROM_PRIVATE_URL: node.url };
  const args = "es put web --component shop --host H.example.com --path /a --strip-prefix".split(
    " ",
  );
  assert.equal((await run(args, { env })).stdout, "Event source put: web version 1\n");
  assert.equal((await run(args, { env })).stdout, "Event source put: web version 2\n");
  assert.deepEqual(node.sources.get("web"), {
    name: "web",
    componentName: "shop",
    http: { hostname: "h.example.com", pathPrefix: "/a", stripPrefix: true },
    modifiedAt: 0,
    version: 2,
  });
});

Deno.test("putEventSource() takes back what getEventSource() prints", async () => {
  await using node = startFakeNode({ sources: SOURCES });
  const env = { MAELSTROM_PRIVATE_URL: node.url };
  for (const source of SOURCES) {
    for (const flags of [[], ["--json"]]) {
      const { stdout } = await run(["es", "get", source.name, ...flags], { env });
      const put = await run(["es", "put", "-f", "-"], { env, stdin: stdout });
      assert.equal(put.code, 0, put.stderr);
      assert.deepEqual(node.sources.get(source.name), { ...source, version: 2 });
      node.sources.set(source.name, source);
    }
  }
});

Deno.test("putEventSource() refuses an unknown field with its place", async () => {
  const stdin = "name: n\ncomponentname: c\ncron:\n  schedule: '@daily'\n  http: {methd: GET}\n";
  const { code, stderr } = await run(["es", "put", "-f", "-"], { stdin });
  assert.equal(code, 1);
  assert.match(stderr, /standard input:5:10: eventSource\.cron\.http\.methd is not .*"method"/);
});

Deno.test("removeEventSource() prints what went, and fails when there was none", async () => {
  await using node = startFakeNode({ sources: SOURCES });
  const env = { MAELSTROM_PRIVATE_URL: node.url };
  assert.equal(
    (await run(["es", "rm", "images"], { env })).stdout,
    "Event source removed: images\n",
  );
  const again = await run(["es", "rm", "images"], { env });
  assert.deepEqual(again, {
    code: 3,
    stdout: "",
    stderr: 'maelstrom: Cannot remove event source: there is none with name "images"\n',
  });
  assert.equal((await run(["es", "get", "images"], { env })).code, 3);
});
