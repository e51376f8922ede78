/** Three daemons with one database, and what becomes of users' requests when one of them goes. @module */
import { strict as assert } from "node:assert";
import type { NodeStatus } from "../../lib/contract/v1.ts";
import { TestCluster, until } from "../support/cluster.ts";
import { failures, goodShare, quantileMs, SteadyLoad } from "../support/http/steady_load.ts";
import type { TestNode } from "../support/node.ts";
import { lacksPostgres } from "../support/postgres.ts";

const ignore = lacksPostgres();
const PER_SECOND = 500;
/** As many requests at once as there, for less of the machine. */
const HAND_OVER_PER_SECOND = 200;

/** Instances that serve `component`, by node, as `asked` knows them. */
async function serving(asked: TestNode, component: string): Promise<string[]> {
  const nodes: NodeStatus[] = JSON.parse(await asked.run(["node", "ls", "--json"]));
  return nodes.flatMap(({ nodeId, runningComponents }) =>
    runningComponents.filter(({ componentName, status }) =>
      componentName === component && status === "active"
    ).map(() => nodeId)
  );
}

/** Puts a component that runs on every node of `cluster`. */
async function putEverywhere(cluster: TestCluster, name: string): Promise<void> {
  const count = cluster.nodes.length;
  const [first] = cluster.nodes;
  const settings = { minInstances: count, RestartOrder: "startstop" };
  await first!.putSample(name, {}, settings);
  await until(
    30_000,
    `${count} instances`,
    async () => new Set(await serving(first!, name)).size === count ? true : undefined,
  );
}

function tell(what: string, load: readonly Parameters<typeof quantileMs>[0][number][]): void {
  const good = (100 * goodShare(load)).toFixed(2);
  console.log(
    `${what}: ${load.length} requests, ${good} % answered 200, p50 ${
      quantileMs(load, 0.5).toFixed(1)
    } ms, p99 ${quantileMs(load, 0.99).toFixed(1)} ms`,
  );
}

Deno.test({ name: "walk: a request at any node reaches the one instance", ignore }, async () => {
  await using cluster = await TestCluster.start({ nodes: 3 });
  await cluster.nodes[0]!.putSample("shop");
  const containers = new Set<string>();
  for (const node of cluster.nodes) {
    const response = await fetch(`${node.url}/shop/whoami`);
    assert.equal(response.status, 200);
    containers.add((await response.json()).hostname);
  }
  assert.equal(containers.size, 1);
  assert.equal((await serving(cluster.nodes[2]!, "shop")).length, 1);
});

Deno.test(
  { name: "walk: a node is killed under load, and the others answer", ignore },
  async () => {
    await using cluster = await TestCluster.start({ nodes: 3 });
    await putEverywhere(cluster, "shop");
    const owner = await cluster.owner("placement");
    const others = cluster.nodes.filter((node) => node !== owner);
    const urls = others.map(({ url }) => `${url}/shop/sleep?ms=5`);
    await using load = new SteadyLoad(urls, PER_SECOND);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const killedMs = load.nowMs;
    await owner.kill();
    await cluster.owner("placement", others[0]);
    const handedOverMs = load.nowMs - killedMs;
    await new Promise((resolve) => setTimeout(resolve, 7000));
    const results = await load.stop();
    const during = results.filter(({ atMs }) => atMs >= killedMs && atMs < killedMs + 5000);
    const after = results.filter(({ atMs }) => atMs >= killedMs + 5000);
    tell("during the 5 s after the kill", during);
    tell("after them", after);
    console.log(`placement was taken over within ${handedOverMs.toFixed(0)} ms`);
    assert.ok(goodShare(during) >= 0.99, failures(during).join("\n"));
    assert.equal(goodShare(after), 1, failures(after).join("\n"));
  },
);

Deno.test(
  { name: "walk: a node is drained under load, and no request fails", ignore },
  async () => {
    await using cluster = await TestCluster.start({ nodes: 3 });
    const [first, , last] = cluster.nodes as [TestNode, TestNode, TestNode];
    await first.putSample("shop", {}, { minInstances: 2, RestartOrder: "startstop" });
    await until(
      30_000,
      "2 instances",
      async () => (await serving(first, "shop")).length === 2 ? true : undefined,
    );
    const urls = cluster.nodes.map(({ url }) => `${url}/shop/sleep?ms=15`);
    await using load = new SteadyLoad(urls, HAND_OVER_PER_SECOND);
    const [victim] = await serving(first, "shop");
    const said = await last.run(["node", "drain", victim!]);
    assert.match(said, /Node drained/);
    assert.ok(!(await serving(first, "shop")).includes(victim!));
    await last.run(["node", "uncordon", victim!]);
    const results = await load.stop();
    tell("while a node was drained", results);
    assert.equal(goodShare(results), 1, failures(results).join("\n"));
  },
);

Deno.test({ name: "walk: a node stops under load, and no request fails", ignore }, async () => {
  await using cluster = await TestCluster.start({ nodes: 3 });
  await putEverywhere(cluster, "shop");
  const owner = await cluster.owner("placement");
  const others = cluster.nodes.filter((node) => node !== owner);
  const urls = others.map(({ url }) => `${url}/shop/sleep?ms=15`);
  await using load = new SteadyLoad(urls, HAND_OVER_PER_SECOND);
  await load.reaches(HAND_OVER_PER_SECOND);
  assert.equal(await owner.stop(), 0);
  await load.reaches(load.results.length + 2 * HAND_OVER_PER_SECOND);
  await owner.start();
  await cluster.known(others[0]!, 3);
  await load.reaches(load.results.length + HAND_OVER_PER_SECOND);
  const results = await load.stop();
  tell("while a node stopped and started again", results);
  assert.equal(goodShare(results), 1, failures(results).join("\n"));
});

Deno.test({ name: "walk: logs at any node are those of all", ignore }, async () => {
  await using cluster = await TestCluster.start({ nodes: 3 });
  await putEverywhere(cluster, "shop");
  for (const { url, nodeId } of cluster.nodes) {
    await (await fetch(`${url}/shop/say?text=${nodeId}`)).body?.cancel();
  }
  const wanted = cluster.nodes.map(({ nodeId }) => nodeId).sort();
  for (const node of cluster.nodes) {
    const lines = (await node.run(["logs", "shop", "--json"])).trim().split("\n")
      .map((line) => JSON.parse(line));
    const nodes = new Set(lines.map((entry) => entry.node));
    assert.deepEqual([...nodes].sort(), wanted, `at ${node.nodeId}`);
  }
});

Deno.test({ name: "walk: nodes are shown, cordoned and removed", ignore }, async () => {
  await using cluster = await TestCluster.start({ nodes: 2 });
  const [first, second] = cluster.nodes as [TestNode, TestNode];
  const shown = JSON.parse(await first.run(["node", "get", second.nodeId.slice(0, 9), "--json"]));
  assert.equal(shown.nodeId, second.nodeId);
  assert.match(await first.run(["node", "get", second.nodeId]), /^nodeId: test-/);
  assert.equal((await first.cli(["node", "get", "nobody"])).code, 3);
  assert.equal((await first.cli(["node", "get", "test-"])).code, 1, "both begin so");

  await first.run(["node", "cordon", second.nodeId]);
  await first.putSample("shop", {}, { minInstances: 2, RestartOrder: "startstop" });
  await until(
    30_000,
    "2 instances",
    async () => (await serving(first, "shop")).length === 2 ? true : undefined,
  );
  assert.deepEqual(new Set(await serving(first, "shop")), new Set([first.nodeId]));
  assert.match(await second.run(["node", "ls"]), /cordoned/);
  await first.run(["node", "uncordon", second.nodeId]);
  await until(
    30_000,
    "an instance on each",
    async () => new Set(await serving(first, "shop")).size === 2 ? true : undefined,
  );

  const refused = await first.cli(["node", "rm", second.nodeId]);
  assert.equal(refused.code, 5);
  assert.match(refused.stderr, /it is running; stop its daemon first/);
  await second.kill();
  await until(
    20_000,
    "the node to be silent",
    async () => /silent/.test(await first.run(["node", "ls"])) ? true : undefined,
  );
  await first.run(["node", "rm", second.nodeId]);
  assert.equal((await cluster.known(first, 1)).length, 1);
});
