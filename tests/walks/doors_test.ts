import assert from "node:assert/strict";
import { Credentials } from "../../lib/rpc/credentials.ts";
import { TestNode } from "../support/node.ts";

const LIMIT_MS = 30_000;

/** What a request from inside a container came to. */
interface Seen {
  readonly status: number;
  readonly body: string;
}

type Ask = readonly [method: string, path: string, headers?: Record<string, string>];

/** Makes requests of the private port from inside `container`, as its own processes would. */
async function insideOf(node: TestNode, container: string, asks: readonly Ask[]): Promise<Seen[]> {
  const script = `
    const url = Deno.env.get("MAELSTROM_PRIVATE_URL");
    const seen = [];
    for (const [method, path, headers = {}] of ${JSON.stringify(asks)}) {
      const response = await fetch(url + path, { method, headers });
      seen.push({ status: response.status, body: await response.text() });
    }
    console.log(JSON.stringify(seen));`;
  const command = ["/bin/deno", "eval", "--quiet", script];
  const signal = AbortSignal.timeout(LIMIT_MS);
  const ran = await node.docker.exec(container, command, { timeoutMs: LIMIT_MS, signal });
  assert.equal(ran.exitCode, 0, ran.stderr);
  return JSON.parse(ran.stdout);
}

for (const rpcAuth of ["key", "loopback"]) {
  Deno.test(`walk: a container reaches other components and nothing else (MAEL_RPC_AUTH=${rpcAuth})`, async () => {
    await using node = await TestNode.start({ env: { MAEL_RPC_AUTH: rpcAuth } });
    await node.putSample("caller");
    await node.putSample("callee");
    assert.equal((await (await fetch(`${node.url}/caller/whoami`)).json()).component, "caller");
    const [container = ""] = await node.hasContainers(1);
    const liar = encodeURIComponent(JSON.stringify({ scope: "peer", name: "me" }));
    const [other, ...refused] = await insideOf(node, container, [
      ["GET", "/whoami", { "maelstrom-component": "callee" }],
      ["POST", "/_mael/v1"],
      ["POST", "/_mael/v1", { "maelstrom-component": "callee" }],
      ["POST", "/_mael/v1", { "maelstrom-caller": liar, "maelstrom_caller": liar }],
      ["POST", "/_mael/v1", { "x-forwarded-for": "127.0.0.1", "forwarded": "for=127.0.0.1" }],
      ["POST", "/_mael/v1", { authorization: "Bearer mael_guess" }],
      ["POST", "//_mael/v1"],
      ["POST", "/x/%2e%2e/_mael/%76%31"],
      ["GET", "/_mael/logs?follow=true"],
      ["POST", "/_mael/prune"],
      ["GET", "/_mael/metrics"],
      ["GET", "/metrics"],
      ["GET", "/v1/"],
    ]);
    assert.equal(JSON.parse(other!.body).component, "callee");
    for (const [i, { status, body }] of refused.entries()) {
      assert.ok(status === 401 || status === 404, `${i}: ${status} ${body}`);
      assert.doesNotMatch(body, /jsonrpc|hello from/);
    }
    assert.deepEqual(refused.slice(0, 5).map(({ status }) => status), Array(5).fill(401));
  });
}

Deno.test("walk: a token does what its scope says, until it is removed", async () => {
  await using node = await TestNode.start();
  await node.putSample("hello");
  const created = await node.cli(["token", "create", "ci", "--scope", "read", "--expires", "1h"]);
  assert.match(created.stderr, /^Token created: ci, scope read, expires 2\d{3}-/);
  const token = created.stdout.trim();
  const at = { MAELSTROM_PRIVATE_URL: `http://127.0.0.1:${node.privatePort}` };
  const withToken = { env: { ...at, MAELSTROM_TOKEN: token } };
  assert.match(await node.run(["comp", "ls"], undefined, withToken), /hello/);
  assert.equal((await node.cli(["logs", "hello"], undefined, withToken)).code, 0);
  const denials: [string[], RegExp][] = [
    [["comp", "rm", "hello"], /RemoveComponent: it needs scope "deploy", token "ci" has "read"/],
    [["token", "ls"], /ListTokens: it needs scope "admin", token "ci" has "read"/],
    [["prune"], /Cannot use \/_mael\/prune: it needs scope "admin", token "ci" has "read"/],
  ];
  for (const [args, message] of denials) {
    const { code, stderr } = await node.cli(args, undefined, withToken);
    assert.equal(code, 4, stderr);
    assert.match(stderr, message);
  }
  const listed = JSON.parse(await node.run(["token", "ls", "--json"]));
  assert.ok(listed[0].lastUsedAt > 0);
  assert.equal(await node.run(["token", "rm", "ci"]), "Token removed: ci\n");
  const removed = await node.cli(["comp", "ls"], undefined, withToken);
  assert.equal(removed.code, 4);
  assert.match(
    removed.stderr,
    /does not accept the token from MAELSTROM_TOKEN \(Cannot use the API/,
  );
  // The cluster key, found in the data directory, signs instead.
  assert.match(await node.run(["comp", "ls"], undefined, { env: at }), /hello/);
});

Deno.test("walk: a signed request is taken once, also by a node that was killed meanwhile", async () => {
  await using node = await TestNode.start();
  const key = (await Deno.readTextFile(`${node.dataDir}/cluster.key`)).trim();
  const path = "/_mael/v1";
  const body = '{"jsonrpc":"2.0","id":1,"method":"NodeService.GetStatus","params":[{}]}';
  const request = { method: "POST", path, body } as const;
  const { authorization = "" } = await new Credentials({ by: "test" }).show(
    { key, from: "" },
    request,
  );
  const send = async (sent = body): Promise<Seen> => {
    const response = await fetch(`http://127.0.0.1:${node.privatePort}${path}`, {
      method: "POST",
      headers: { authorization },
      body: sent,
    });
    return { status: response.status, body: await response.text() };
  };
  const first = await send();
  assert.equal(first.status, 200);
  assert.match(first.body, new RegExp(node.nodeId));
  const again = await send();
  assert.equal(again.status, 401);
  assert.match(again.body, /the request was received before/);
  await node.kill();
  await node.start();
  const later = await send();
  assert.equal(later.status, 401);
  assert.match(later.body, /it was signed before this node started/);
});

Deno.test("walk: a component sees the machine's directories only where the node allows it", async () => {
  const env = { MAEL_HOST_MOUNTS: "" };
  await using node = await TestNode.start({ env });
  const folder = await Deno.makeTempDir({ prefix: "maelstrom-mounted-" });
  await using _folder = {
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
  await Deno.writeTextFile(`${folder}/note`, "seen");
  const docker = { volumes: [{ source: folder, target: "/data", readOnly: true }] };
  await assert.rejects(
    node.putSample("hello", docker),
    /docker\.volumes\[0\]\.source is ".*", and MAEL_HOST_MOUNTS of this node .* \(names none\)/,
  );

  await node.stop();
  env.MAEL_HOST_MOUNTS = folder;
  await node.start();
  await node.putSample("hello", docker);
  assert.equal((await fetch(`${node.url}/hello/health`)).status, 200);
  const [container = ""] = await node.hasContainers(1);
  const signal = AbortSignal.timeout(LIMIT_MS);
  const read = ["/bin/deno", "eval", "--quiet", "console.log(Deno.readTextFileSync('/data/note'))"];
  const ran = await node.docker.exec(container, read, { timeoutMs: LIMIT_MS, signal });
  assert.equal(ran.stdout, "seen\n", ran.stderr);

  await node.stop();
  await node.docker.removeContainer(container, { force: true }, signal);
  env.MAEL_HOST_MOUNTS = "";
  await node.start();
  const response = await fetch(`${node.url}/hello/health`);
  assert.equal(response.status, 503);
  assert.match(
    await response.text(),
    /Cannot start "hello": docker.*MAEL_HOST_MOUNTS of this node/,
  );
});
