import assert from "node:assert/strict";
import { assertGolden } from "../../support/cli/golden.ts";
import { component } from "../../support/cli/builders.ts";
import { rpcError, startFakeNode } from "../../support/cli/fake_node.ts";
import { NOW_MS, run } from "../../support/cli/run.ts";

const SHOP = `name: Shop
docker: {image: "shop:7", httpport: 80}
restartorder: startstop
`;

function at(url: string) {
  return { MAELSTROM_PRIVATE_URL: url, MAEL_CLUSTER_KEY: "k" };
}

Deno.test("putComponent() creates from a file of any case", async () => {
  await using node = startFakeNode();
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, SHOP);
  assert.deepEqual(await run(["comp", "put", "-f", file], { env: at(node.url) }), {
    code: 0,
    stdout: "Component put: shop version 1\n",
    stderr: "",
  });
  assert.deepEqual(node.components.get("shop"), {
    name: "shop",
    environment: [],
    maxConcurrency: 0,
    RestartOrder: "startstop",
    docker: { image: "shop:7", httpPort: 80 },
    version: 1,
  });
  await Deno.remove(file);
});

Deno.test("putComponent() replaces what is there when no version is given", async () => {
  await using node = startFakeNode({ components: [component("shop", { version: 6 })] });
  const { stdout } = await run(["comp", "put", "-f", "-"], { env: at(node.url), stdin: SHOP });
  assert.equal(stdout, "Component put: shop version 7\n");
});

Deno.test("putComponent() uses the version in the file as it is", async () => {
  await using node = startFakeNode({ components: [component("shop", { version: 6 })] });
  for (const version of [5, 0]) {
    const stdin = `${SHOP}version: ${version}\n`;
    const { code, stderr } = await run(["comp", "put", "-f", "-"], { env: at(node.url), stdin });
    assert.equal(code, 5);
    assert.match(stderr, /^maelstrom: Cannot put "shop": .*\n$/);
  }
  assert.deepEqual(node.calls.map(({ method }) => method), [
    "MaelstromService.PutComponent",
    "MaelstromService.PutComponent",
  ]);
});

Deno.test("putComponent() follows others' puts, then gives up as a conflict", async () => {
  await using node = startFakeNode({
    intercept: ({ method }) =>
      method.endsWith("PutComponent") ? rpcError("stale_version", "Cannot put: stale") : undefined,
  });
  const { code } = await run(["comp", "put", "-f", "-"], { env: at(node.url), stdin: SHOP });
  assert.equal(code, 5);
  assert.equal(node.calls.filter(({ method }) => method.endsWith("PutComponent")).length, 4);
});

Deno.test("putComponent() puts several documents in order, or none when one is wrong", async () => {
  await using node = startFakeNode();
  const wrong = `${SHOP}---\nname: other\ndocker: {image: x}\n`;
  const env = at(node.url);
  const refused = await run(["comp", "put", "-f", "-"], { env, stdin: wrong });
  assert.deepEqual(refused, {
    code: 1,
    stdout: "",
    stderr:
      "maelstrom: Cannot put component: standard input:6:1: component.docker.httpPort is required\n",
  });
  assert.equal(node.calls.length, 0);
  const stdin = wrong.replace("{image: x}", "{image: x, httpPort: 1}");
  const { stdout } = await run(["comp", "put", "-f", "-"], { env, stdin });
  assert.equal(stdout, "Component put: shop version 1\nComponent put: other version 1\n");
});

Deno.test("putComponent() takes flags for the common case", async () => {
  await using node = startFakeNode();
  const line = "comp put shop --image shop:7 --port 8080 --env A=1 --env B=x=y --min 1 --max 3 " +
    "--concurrency 5 --idle 60 --health /ok --memory 256 --volume /srv:/data:ro --volume v:/v " +
    "--publish 8081:81 --restart-order startstop";
  const args = [...line.split(" "), "--command", "node 'my server.js'"];
  const { code, stderr } = await run(args, { env: at(node.url) });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  assert.deepEqual(node.components.get("shop"), {
    name: "shop",
    environment: [{ name: "A", value: "1" }, { name: "B", value: "x=y" }],
    minInstances: 1,
    maxInstances: 3,
    maxConcurrency: 5,
    RestartOrder: "startstop",
    docker: {
      image: "shop:7",
      httpPort: 8080,
      command: ["node", "my server.js"],
      httpHealthCheckPath: "/ok",
      idleTimeoutSeconds: 60,
      reserveMemoryMiB: 256,
      volumes: [
        { type: "bind", source: "/srv", target: "/data", readOnly: true },
        { type: "volume", source: "v", target: "/v" },
      ],
      ports: ["8081:81"],
    },
    version: 1,
  });
});

Deno.test("putComponent() states the whole component", async () => {
  const before = component("shop", { minInstances: 3, environment: [{ name: "A", value: "1" }] });
  await using node = startFakeNode({ components: [before] });
  await run("comp put shop --image i --port 80".split(" "), { env: at(node.url) });
  assert.deepEqual(node.components.get("shop"), {
    name: "shop",
    environment: [],
    maxConcurrency: 0,
    docker: { image: "i", httpPort: 80 },
    version: 2,
  });
});

const files: { name: string; stdin: string | Uint8Array; says: string | RegExp }[] = [
  {
    name: "unknown fields, each with its place",
    stdin: "name: a\ndoker:\n  image: x\ndocker:\n  image: x\n  httpPrt: 80\n",
    says: "Cannot put component: standard input:2:1: component.doker is not a known field (did " +
      'you mean "docker"?); standard input:6:3: component.docker.httpPrt is not a known field ' +
      '(did you mean "httpPort"?)',
  },
  {
    name: "a value of the wrong type",
    stdin: "name: a\nDOCKER:\n  image: x\n  HTTPPORT: web\n",
    says: "Cannot put component: standard input:4:3: component.docker.httpPort must be a number, " +
      'found "web"',
  },
  {
    name: "a field twice",
    stdin: "name: a\nNAME: b\n",
    says: /:2:1: component\.NAME is given twice$/,
  },
  { name: "broken YAML", stdin: "name: [a\n", says: /^Cannot read standard input:\d+:\d+: / },
  { name: "broken JSON", stdin: '{"name": "a", }}', says: /^Cannot read standard input:1:\d+: / },
  { name: "nothing", stdin: "\n", says: "Cannot put component: standard input holds none" },
  { name: "a list", stdin: "- name: a\n", says: /component must be an object, found a list$/ },
  { name: "text", stdin: "hello\n", says: /:1:1: component must be an object, found "hello"$/ },
  {
    name: "10 MB",
    stdin: new Uint8Array(10_000_000).fill(32),
    says: "Cannot read standard input: larger than 1 MiB",
  },
  {
    name: "bytes that are not text",
    stdin: new Uint8Array([0x6e, 0xff, 0xfe]),
    says: "Cannot read standard input: not valid UTF-8",
  },
];
for (const { name, stdin, says } of files) {
  Deno.test(`putComponent() refuses a file that holds ${name}`, async () => {
    const { code, stdout, stderr } = await run(["comp", "put", "-f", "-"], { stdin });
    assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
    const message = /^maelstrom: (.*)\n$/.exec(stderr)?.[1] ?? stderr;
    if (typeof says === "string") assert.equal(message, says);
    else assert.match(message, says);
  });
}

Deno.test("putComponent() says what is wrong with a file", async () => {
  const directory = await Deno.makeTempDir();
  const missing = await run(["comp", "put", "-f", `${directory}/no.yml`]);
  assert.equal(missing.stderr, `maelstrom: Cannot read ${directory}/no.yml: no such file\n`);
  const folder = await run(["comp", "put", "-f", directory]);
  assert.equal(folder.stderr, `maelstrom: Cannot read ${directory}: is a directory\n`);
  assert.deepEqual([missing.code, folder.code], [1, 1]);
  await Deno.remove(directory);
});

Deno.test("putComponent() ends when it is interrupted while it reads", async () => {
  const interrupt = new AbortController();
  const stdin = new ReadableStream<Uint8Array>({ pull: () => interrupt.abort() });
  const ran = await run(["comp", "put", "-f", "-"], { stdin, signal: interrupt.signal });
  assert.deepEqual(ran, { code: 130, stdout: "", stderr: "" });
});

Deno.test("listComponents() prints a table", async () => {
  const long = "registry.example.com/team/shop-frontend:2024-05-01";
  await using node = startFakeNode({
    components: [
      component("shop", { version: 12 }),
      component("a-component-with-a-long-name", { docker: { image: long, httpPort: 1 } }),
      component("never-saved", { modifiedAt: NOW_MS }),
    ],
  });
  const { code, stdout } = await run(["comp", "ls"], { env: at(node.url) });
  assert.equal(code, 0);
  await assertGolden(stdout, "comp_ls.txt");
});

Deno.test("listComponents() says that there are none", async () => {
  await using node = startFakeNode();
  const env = at(node.url);
  assert.equal((await run(["comp", "ls"], { env })).stdout, "No components found\n");
  assert.equal((await run(["comp", "ls", "--json"], { env })).stdout, "[]\n");
});

Deno.test("listComponents() follows the list to its end, and passes the filters", async () => {
  const names = Array.from({ length: 7 }, (_, i) => `c${i}`);
  const components = names.map((name) => component(name));
  await using node = startFakeNode({ pageSize: 3, components });
  const args = ["comp", "ls", "--json", "--prefix", "c", "--project", "p"];
  const { stdout } = await run(args, { env: at(node.url) });
  assert.deepEqual(JSON.parse(stdout), components);
  assert.deepEqual(node.calls.map(({ input }) => input), [
    { namePrefix: "c", projectName: "p" },
    { namePrefix: "c", projectName: "p", nextToken: "3" },
    { namePrefix: "c", projectName: "p", nextToken: "6" },
  ]);
});

Deno.test("getComponent() prints what put takes back", async () => {
  const tricky = component("shop", {
    version: 3,
    environment: [
      { name: "A", value: "yes" },
      { name: "B", value: "line one\n  line two\n" },
      { name: "C", value: "x".repeat(300) },
      { name: "D", value: "0123" },
      { name: "E", value: "\u001b[2J" },
    ],
  });
  await using node = startFakeNode({ components: [tricky] });
  const env = at(node.url);
  for (const flags of [[], ["--json"]]) {
    const { code, stdout } = await run(["comp", "get", "SHOP", ...flags], { env });
    assert.equal(code, 0);
    assert.ok(!stdout.includes("\u001b"));
    const put = await run(["comp", "put", "-f", "-"], { env, stdin: stdout });
    assert.equal(put.code, 0, put.stderr);
    assert.deepEqual(node.components.get("shop"), { ...tricky, version: 4 });
    node.components.set("shop", tricky);
  }
});

Deno.test("getComponent() and removeComponent() fail when there is none", async () => {
  await using node = startFakeNode();
  const env = at(node.url);
  assert.deepEqual(await run(["comp", "get", "x"], { env }), {
    code: 3,
    stdout: "",
    stderr: "maelstrom: No Component found with name: x\n",
  });
  assert.deepEqual(await run(["comp", "rm", "x"], { env }), {
    code: 3,
    stdout: "",
    stderr: 'maelstrom: Cannot remove component: there is none with name "x"\n',
  });
});

Deno.test("removeComponent() prints what went", async () => {
  await using node = startFakeNode({ components: [component("shop")] });
  const { code, stdout } = await run(["comp", "rm", "Shop"], { env: at(node.url) });
  assert.deepEqual({ code, stdout }, { code: 0, stdout: "Component removed: shop\n" });
  assert.equal(node.components.size, 0);
});

Deno.test("listVersions() and rollbackComponent() tell what changed, in the file's words", async () => {
  const changes = [
    { path: "docker.image", change: "changed", old: "shop:7", new: "shop:8" },
    { path: "environment.PASS", change: "added", secret: true },
    { path: "maxConcurrency", change: "removed", old: 4 },
    { path: "minInstances", change: "added", new: 1 },
  ];
  const put = { modifiedAt: NOW_MS - 120_000, image: "shop:7", changes: [] };
  const results: Record<string, unknown> = {
    "MaelstromService.ListComponentVersions": {
      name: "shop",
      versions: [{ ...put, version: 12, image: "shop:8", changes }, { ...put, version: 3 }],
    },
    "MaelstromService.RollbackComponent": {
      name: "shop",
      version: 13,
      restoredVersion: 3,
      replacedVersion: 12,
      changes,
    },
  };
  await using node = startFakeNode({
    intercept: ({ method }) => Response.json({ jsonrpc: "2.0", id: "1", result: results[method] }),
  });
  const env = at(node.url);
  const listed = await run(["comp", "versions", "shop"], { env });
  await assertGolden(listed.stdout, "comp_versions.txt");
  const rolled = await run(["comp", "rollback", "shop", "3"], { env });
  await assertGolden(rolled.stdout, "comp_rollback.txt");
  await run(["comp", "rollback", "shop"], { env });
  assert.deepEqual(node.calls.map(({ input }) => input), [
    { name: "shop" },
    { name: "shop", version: 3 },
    { name: "shop" },
  ]);
  const { code, stderr } = await run(["comp", "rollback", "shop", "v3"], { env });
  assert.equal(code, 2);
  assert.match(stderr, /Cannot read VERSION: must be a number like 3, found "v3"/);
});
