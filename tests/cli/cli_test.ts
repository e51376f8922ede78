import assert from "node:assert/strict";
import settings from "../../deno.json" with { type: "json" };
import { component } from "../support/cli/builders.ts";
import { startFakeNode } from "../support/cli/fake_node.ts";
import { command, MAIN, run, spawn } from "../support/cli/run.ts";

Deno.test("runCli() fails on one line when no node answers", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${listener.addr.port}`;
  listener.close();
  assert.deepEqual(await spawn(["comp", "ls"], { MAELSTROM_PRIVATE_URL: url }), {
    code: 1,
    stdout: "",
    stderr: `maelstrom: Cannot reach a node: nothing answers at ${url} (connection refused); is ` +
      "the daemon running?\n",
  });
});

Deno.test("runCli() finds the control socket in the data directory", async () => {
  const directory = await Deno.makeTempDir();
  await using _node = startFakeNode({
    socket: `${directory}/control.sock`,
    components: [component("shop")],
  });
  const { code, stdout } = await spawn(["comp", "ls", "--json"], { MAEL_DATA_DIR: directory });
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(stdout), [component("shop")]);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("runCli() reaches this machine past a proxy for others", async () => {
  await using node = startFakeNode();
  const HTTP_PROXY = "http://127.0.0.1:1";
  const ran = await spawn(["comp", "ls"], { MAELSTROM_PRIVATE_URL: node.url, HTTP_PROXY });
  assert.deepEqual(ran, { code: 0, stdout: "No components found\n", stderr: "" });
});

Deno.test("runCli() exits with 4 when the key is refused or missing", async () => {
  await using node = startFakeNode({ key: "right" });
  const env = { MAELSTROM_PRIVATE_URL: node.url };
  const missing = await run(["comp", "ls"], { env });
  assert.equal(missing.code, 4);
  assert.match(missing.stderr, /none was found in MAEL_CLUSTER_KEY, .*\/cluster\.key; set MAEL_/);
  const wrong = await run(["comp", "ls"], { env: { ...env, MAEL_CLUSTER_KEY: "wrong" } });
  assert.equal(wrong.code, 4);
  assert.match(
    wrong.stderr,
    /does not accept the cluster key from MAEL_CLUSTER_KEY \(key needed\)$/m,
  );
  assert.ok(!wrong.stderr.includes("wrong"));
});

Deno.test("runCli() says when what answers is not a node", async () => {
  await using page = startFakeNode({
    intercept: () => new Response("<html>", { headers: { "content-type": "text/html" } }),
  });
  const { code, stderr } = await run(["ps"], { env: { MAELSTROM_PRIVATE_URL: page.url } });
  assert.equal(code, 1);
  assert.equal(
    stderr,
    `maelstrom: Cannot reach a node: ${page.url} answered HTTP 200 text/html, which is not how a ` +
      "node answers\n",
  );
});

Deno.test("runCli() exits with 6 when no answer comes", async () => {
  const over = Promise.withResolvers<Response>();
  await using node = startFakeNode({ intercept: () => over.promise });
  const env = { MAELSTROM_PRIVATE_URL: node.url };
  const { code, stderr } = await run(["ps"], { env, callLimitMs: 50 });
  assert.equal(code, 6);
  assert.match(stderr, /^maelstrom: Cannot complete NodeService\.ListNodeStatus: no answer/);
  over.resolve(new Response());
});

Deno.test("runCli() exits with 130 when it is interrupted", async () => {
  const called = Promise.withResolvers<void>();
  const over = Promise.withResolvers<Response>();
  await using node = startFakeNode({
    intercept: () => {
      called.resolve();
      return over.promise;
    },
  });
  const child = command(["ps"], { MAELSTROM_PRIVATE_URL: node.url }).spawn();
  await called.promise;
  child.kill("SIGINT");
  const { code, stdout, stderr } = await child.output();
  assert.deepEqual([code, stdout.length, stderr.length], [130, 0, 0]);
  over.resolve(new Response());
});

Deno.test("runCli() ends quietly when its reader has gone", async () => {
  const components = Array.from({ length: 2000 }, (_, i) => component(`component-${i}`));
  await using node = startFakeNode({ components });
  const child = command(["comp", "ls"], { MAELSTROM_PRIVATE_URL: node.url }).spawn();
  // More than a pipe holds is coming; one read, then the reader leaves, as `head -1` does.
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel();
  const [{ code }, stderr] = await Promise.all([child.status, new Response(child.stderr).text()]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
});

Deno.test("runCli() colours a terminal only", async () => {
  await using node = startFakeNode({ components: [component("shop")] });
  const line = `${Deno.execPath()} run -A --no-check --quiet ${MAIN} comp ls`;
  const env = {
    HOME: "/nonexistent",
    TERM: "xterm",
    NO_COLOR: "",
    MAELSTROM_PRIVATE_URL: node.url,
  };
  const terminal = new Deno.Command("script", {
    args: ["--quiet", "--return", "--command", line, "/dev/null"],
    env,
    stdin: "null",
  });
  const { code, stdout } = await terminal.output();
  assert.equal(code, 0);
  assert.ok(new TextDecoder().decode(stdout).startsWith("\x1b[1mComponent\x1b[0m "));
  const piped = await spawn(["comp", "ls"], env);
  assert.ok(!piped.stdout.includes("\x1b"));
});

Deno.test("runCli() prints the version", async () => {
  const want = { version: settings.version, deno: Deno.version.deno };
  for (const args of [["version"], ["--version"], ["-V"]]) {
    assert.equal((await run(args)).stdout, `maelstrom ${want.version} (Deno ${want.deno})\n`);
  }
  assert.deepEqual(JSON.parse((await run(["version", "--json"])).stdout), want);
});

Deno.test("runCli() prints the licences of all that it is made with", async () => {
  const { stdout } = await run(["version", "--licenses"]);
  for (const name of ["Deno", "@aws-sdk/client-sqs", "postgres", "yaml", "zod", "tslib"]) {
    assert.match(stdout, new RegExp(`^${name}( [\\d.]+)? \\(\\w`, "m"));
  }
  assert.match(stdout, /Permission is hereby granted, free of charge/);
});

for (
  const [code, args] of [[2, ["comp", "frob"]], [3, ["comp", "get", "x"]], [0, [
    "version",
  ]]] as const
) {
  Deno.test(`runCli() as a process exits with ${code}`, async () => {
    await using node = startFakeNode();
    const ran = await spawn(args, { MAELSTROM_PRIVATE_URL: node.url });
    assert.equal(ran.code, code, ran.stderr);
  });
}
