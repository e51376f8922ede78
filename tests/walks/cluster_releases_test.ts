/** Nodes of two releases in one cluster, as while it is upgraded, and of two that do not go together. @module */
import { strict as assert } from "node:assert";
import { PROTOCOLS } from "../../lib/contract/protocol.ts";
import type { NodeStatus } from "../../lib/contract/v1.ts";
import { TestCluster, until } from "../support/cluster.ts";
import { failures, goodShare, SteadyLoad } from "../support/http/steady_load.ts";
import type { Program, TestNode } from "../support/node.ts";
import { releaseBefore, releaseSpeaking } from "../support/other_release.ts";
import { lacksPostgres } from "../support/postgres.ts";

const ignore = lacksPostgres();
const PER_SECOND = 200;
const { oldest, newest } = PROTOCOLS;

/** Nodes with instances of `component` that serve, as `asked` knows them. */
async function servedBy(asked: TestNode, component: string): Promise<Set<string>> {
  const nodes: NodeStatus[] = JSON.parse(await asked.run(["node", "ls", "--json"]));
  return new Set(
    nodes.filter(({ runningComponents }) =>
      runningComponents.some(({ componentName, status }) =>
        componentName === component && status === "active"
      )
    ).map(({ nodeId }) => nodeId),
  );
}

async function statusOf(url: string): Promise<number> {
  const response = await fetch(url);
  await response.body?.cancel();
  return response.status;
}

async function serves(asked: TestNode, component: string, nodes: readonly TestNode[]) {
  const wanted = new Set(nodes.map(({ nodeId }) => nodeId));
  await until(30_000, `${component} on ${[...wanted].join(" ")}`, async () => {
    const found = await servedBy(asked, component);
    return found.symmetricDifference(wanted).size === 0 ? true : undefined;
  });
}

/** Placement is owned by one of `nodes`, as `asked` knows it. */
async function owns(cluster: TestCluster, asked: TestNode, nodes: readonly TestNode[]) {
  await until(
    10_000,
    "another owner of placement",
    async () => nodes.includes(await cluster.owner("placement", asked)) ? true : undefined,
  );
}

/**
 * A cluster of two nodes that run `after` and one that runs `before`: requests find their way, and
 * each release owns placement in its turn.
 */
async function upgrade(before: Program | undefined, after: Program | undefined): Promise<void> {
  const nodeOf = (index: number) => {
    const program = index === 0 ? before : after;
    return program ? { program } : {};
  };
  await using cluster = await TestCluster.start({ nodes: 3, nodeOf });
  const [old, first, second] = cluster.nodes as [TestNode, TestNode, TestNode];
  for (const node of cluster.nodes) {
    await until(
      10_000,
      `all nodes to be in at ${node.nodeId}`,
      async () => /unused|silent/.test(await node.run(["node", "ls"])) ? undefined : true,
    );
  }
  await first.putSample("one");
  const containers = new Set<string>();
  for (const { url } of cluster.nodes) {
    const response = await fetch(`${url}/one/whoami`);
    assert.equal(response.status, 200);
    containers.add((await response.json()).hostname);
  }
  assert.deepEqual([...containers].slice(1), [], "every node reaches the one instance");
  const everywhere = { minInstances: 3, RestartOrder: "startstop" };
  await second.putSample("shop", {}, everywhere);
  await serves(old, "shop", cluster.nodes);

  await using load = new SteadyLoad([`${old.url}/shop/sleep?ms=5`], PER_SECOND);
  // The old release alone is left to own placement, and takes its peers back as they come.
  await Promise.all([first.stop(), second.stop()]);
  await owns(cluster, old, [old]);
  await old.putSample("late", {}, everywhere);
  await Promise.all([first.start(), second.start()]);
  await serves(first, "late", cluster.nodes);
  await serves(old, "shop", cluster.nodes);
  const results = await load.stop();
  console.log(
    `${results.length} requests, ${(100 * goodShare(results)).toFixed(2)} % answered 200`,
  );
  assert.equal(goodShare(results), 1, failures(results).join("\n"));

  assert.equal(await old.stop(), 0);
  await owns(cluster, first, [first, second]);
  await old.start();
  await serves(second, "late", cluster.nodes);
  assert.equal(await statusOf(`${old.url}/one/whoami`), 200);
  const complaints = cluster.nodes.flatMap(({ log }) =>
    log.filter(({ message }) => message === "peer is not used" || message === "peer refuses")
  );
  assert.deepEqual(complaints, []);
}

Deno.test(
  { name: "walk: nodes of this release and of the next are one cluster", ignore },
  async () => {
    await using next = await releaseSpeaking({ oldest: newest, newest: newest + 1 });
    await upgrade(undefined, next.program);
  },
);

Deno.test(
  { name: "walk: nodes that name no range of versions and those that do are one cluster", ignore },
  async () => {
    const before = await releaseBefore();
    if (typeof before === "string") return console.log(`skipped: ${before}`);
    await using release = before;
    await upgrade(release.program, undefined);
  },
);

Deno.test(
  { name: "walk: a node whose messages nobody understands is not used, and named", ignore },
  async () => {
    await using far = await releaseSpeaking({ oldest: newest + 6, newest: newest + 6 });
    await using cluster = await TestCluster.start({ nodes: 2 });
    const [first, second] = cluster.nodes as [TestNode, TestNode];
    const stranger = await cluster.join({ program: far.program });
    const ours = oldest === newest ? `version ${newest}` : `versions ${oldest} to ${newest}`;
    const reason = `it speaks version ${newest + 6} of the messages between nodes, ` +
      `this node ${ours}`;
    for (const node of [first, second]) {
      await node.seen(({ message, peer, ...fields }) =>
        message === "peer is not used" && peer === stranger.nodeId && fields["reason"] === reason
      );
      const said = await node.run(["node", "ls"]);
      assert.ok(said.includes(`Node ${stranger.nodeId} is not used: ${reason}`), said);
    }
    await stranger.seen(({ message, peer }) =>
      message === "peer is not used" && peer === first.nodeId
    );
    await first.putSample("shop", {}, { minInstances: 3, RestartOrder: "startstop" });
    await until(30_000, "3 instances", async () => {
      const names = await Promise.all([first, second].map((node) => node.containers()));
      return names.flat().length === 3 ? true : undefined;
    });
    for (const { url } of [first, second]) {
      assert.equal(await statusOf(`${url}/shop/whoami`), 200);
    }
    assert.deepEqual(await stranger.containers(), []);
    const removed = await first.cli(["node", "rm", stranger.nodeId]);
    assert.match(removed.stderr, /it is running; stop its daemon first/);
    for (const node of [first, second]) {
      const told = node.log.filter(({ message }) => message === "peer is not used");
      assert.equal(told.length, 1);
    }
    // Its end is that of any node.
    await stranger.stop();
    await cluster.known(first, 2);
  },
);
