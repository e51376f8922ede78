import assert from "node:assert/strict";
import { EXECUTABLE } from "../support/executable.ts";
import { testDockerHost } from "../support/docker/labelled.ts";
import { TestNode } from "../support/node.ts";
import { freePorts } from "../support/ports.ts";

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
  const { code, stderr } = await daemon({ MAEL_DATA_DIR: node.dataDir }).catch((error) => {
    // The directory belongs to the running node; only it may remove it.
    throw error;
  });
  assert.equal(code, 1);
  assert.match(stderr, /another daemon is using it/);
});
