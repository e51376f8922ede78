import assert from "node:assert/strict";
import { EXECUTABLE } from "../support/executable.ts";
import { testDockerHost } from "../support/docker/labelled.ts";
import { TestNode } from "../support/node.ts";
import { freePorts } from "../support/ports.ts";
import { Relay } from "../support/relay.ts";

async function daemon(env: Record<string, string>): Promise<{ code: number; stderr: string }> {
  const dataDir = await Deno.makeTempDir({ prefix: "maelstrom-" });
  const [publicPort, privatePort] = freePorts(2);
  const { code, stderr } = await new Deno.Command(EXECUTABLE, {
    args: ["daemon"],
    env: {
      MAEL_DATA_DIR: dataDir,
      MAEL_PUBLIC_PORT: String(publicPort),
      MAEL_PRIVATE_PORT: String(privatePort),
      DOCKER_HOST: testDockerHost,
      ...env,
    },
    stdin: "null",
  }).output();
  await Deno.remove(dataDir, { recursive: true });
  return { code, stderr: new TextDecoder().decode(stderr) };
}

Deno.test("walk: a daemon that cannot start says why in one line and exits 1", async (t) => {
  using taken = Deno.listen({ hostname: "0.0.0.0", port: 0 });
  const notADatabase = await Deno.makeTempFile();
  await Deno.writeTextFile(notADatabase, "this is not a database, and never was one ".repeat(99));
  const cases: [string, Record<string, string>, RegExp][] = [
    ["a port in use", { MAEL_PUBLIC_PORT: String(taken.addr.port) }, /another program is using it/],
    ["no such address", { MAEL_PUBLIC_ADDR: "203.0.113.1" }, /Cannot listen on 203\.0\.113\.1/],
    ["a file that is no database", { MAEL_SQL_DSN: `sqlite:${notADatabase}` }, /database/],
    ["a database in no directory", { MAEL_SQL_DSN: "sqlite:/no/such/dir/x.db" }, /\/no\/such\/dir/],
    ["another kind of database", { MAEL_SQL_DSN: "oracle://u:pw@h/x" }, /scheme "oracle"/],
    ["no Docker", { DOCKER_HOST: "unix:///no/docker.sock" }, /unix:\/\/\/no\/docker\.sock/],
    ["a data directory that is a file", { MAEL_DATA_DIR: notADatabase }, /data directory/],
    ["an unknown setting", { MAEL_PUBLICPORT: "1" }, /did you mean MAEL_PUBLIC_PORT/],
    ["a short key", { MAEL_CLUSTER_KEY: "short" }, /at least 16/],
  ];
  for (const [name, env, message] of cases) {
    await t.step(name, async () => {
      const { code, stderr } = await daemon(env);
      const lines = stderr.trim().split("\n").filter((line) => line.startsWith("maelstrom: "));
      assert.equal(code, 1, stderr);
      assert.equal(lines.length, 1, stderr);
      assert.match(lines[0]!, message);
      assert.doesNotMatch(stderr, /\bat file:|pw@/);
    });
  }
  await Deno.remove(notADatabase);
});

Deno.test("walk: a second daemon on the same data directory is refused", async () => {
  await using node = await TestNode.start();
  const { code, stderr } = await daemon({ MAEL_DATA_DIR: node.dataDir });
  assert.equal(code, 1);
  assert.match(stderr, /another daemon is using it/);
});

Deno.test("walk: Docker goes away and comes back", async () => {
  const dir = await Deno.makeTempDir({ prefix: "maelstrom-relay-" });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const socket = testDockerHost.replace(/^unix:\/\//, "");
  const relay = stack.use(new Relay(`${dir}/docker.sock`, socket));
  const node = stack.use(await TestNode.start({ dockerHost: `unix://${relay.path}` }));
  await node.putSample("hello");
  await node.putSample("other");
  const first = await (await fetch(`${node.url}/hello/whoami`)).json();
  const [container] = await node.containers();

  await relay.cut();
  await node.seen(({ message }) => /^Docker does not answer/.test(message));
  const still = await (await fetch(`${node.url}/hello/whoami`)).json();
  assert.equal(still.hostname, first.hostname, "what runs goes on serving");
  const cold = await fetch(`${node.url}/other/`);
  assert.equal(cold.status, 503);
  assert.match(await cold.text(), /^Cannot start "other": Cannot reach Docker/);

  // What happens while nobody listens is found by comparing.
  await node.docker.killContainer(container!, AbortSignal.timeout(9000));
  const from = node.log.length;
  relay.mend();
  await node.seen(({ message }) => message === "Docker answers again", { from });
  await node.seen(({ message }) => message === "instance died", { from });
  for (const name of ["hello", "other"]) {
    const endMs = performance.now() + 20_000;
    let status = 0;
    while (status !== 200 && performance.now() < endMs) {
      const response = await fetch(`${node.url}/${name}/whoami`);
      await response.body?.cancel();
      status = response.status;
    }
    assert.equal(status, 200, name);
  }
});
