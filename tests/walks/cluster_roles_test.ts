/** What becomes of a cluster's duties, and of its users, when their owner or the database goes. @module */
import { strict as assert } from "node:assert";
import { openPostgres } from "../../daemon/store/postgres.ts";
import { Store } from "../../daemon/store/store.ts";
import { silentLog } from "../../lib/log.ts";
import { RpcClient } from "../../lib/rpc/client.ts";
import { historyViolations, ownershipsOf } from "../chaos/checker.ts";
import type { Entry } from "../chaos/history.ts";
import { Stage } from "../chaos/stage.ts";
import { until } from "../support/cluster.ts";
import { failures, goodShare, SteadyLoad } from "../support/http/steady_load.ts";
import type { TestNode } from "../support/node.ts";
import { lacksPostgres } from "../support/postgres.ts";

const ignore = lacksPostgres();
const never = new AbortController().signal;
const PER_SECOND = 300;
const OUTAGE_MS = 8000;

type Won = Extract<Entry, { kind: "won" | "lost" | "wrote" }>;

/** Index of the node that owns placement. */
async function ownerOf(stage: Stage): Promise<number> {
  return stage.nodes.indexOf(await stage.cluster.owner("placement"));
}

/** The next win of placement from `sinceMs` on, by another node than `old`. */
async function nextWin(stage: Stage, sinceMs: number, old?: number): Promise<Won> {
  return await until(20_000, "an owner of placement", () =>
    Promise.resolve(
      stage.history().find((entry): entry is Won =>
        entry.kind === "won" && entry.role === "placement" && entry.atMs >= sinceMs &&
        entry.node !== (old === undefined ? "" : stage.nodes[old]!.nodeId)
      ),
    ));
}

/** Every node took targets of the newest epoch. */
async function allFollow(stage: Stage): Promise<void> {
  await until(20_000, "every node to follow the new owner", () => {
    const newest = Math.max(
      ...ownershipsOf(stage.history()).filter(({ role }) => role === "placement")
        .map(({ epoch }) => epoch),
    );
    const followers = new Set(
      stage.history().filter((entry) => entry.kind === "took" && entry.epoch === newest)
        .map(({ node }) => node),
    );
    return Promise.resolve(followers.size === stage.nodes.length ? true : undefined);
  });
}

Deno.test({ name: "walk: placement is handed over when its owner is killed", ignore }, async () => {
  await using stage = await Stage.start(3);
  const owner = await ownerOf(stage);
  const sinceMs = Date.now();
  await stage.kill(owner);
  const { atMs } = await nextWin(stage, sinceMs, owner);
  console.log(`killed: another node owns placement after ${atMs - sinceMs} ms`);
  assert.ok(atMs - sinceMs <= 2000);
  await stage.start(owner);
  await allFollow(stage);
  assert.deepEqual(historyViolations(stage.history()), []);
});

/** Brings `node` targets as its peer `by` does that owns placement in `epoch`, or thinks so. */
async function bringTargets(node: TestNode, by: string, epoch: number): Promise<void> {
  const { MAEL_CLUSTER_KEY: key = "", MAEL_PEER_URL: url = "" } = node.env();
  const findKey = () => Promise.resolve({ key, from: "the test" });
  const places = [{ kind: "url", url }] as const;
  const client = new RpcClient({ places: [...places], findKey }, { by, to: node.nodeId });
  const order = { epoch, number: 1, targets: [], refused: [] };
  await client.call("NodeService.SetTargets", order, never);
}

Deno.test(
  { name: "walk: a node that has just started refuses an earlier owner", ignore },
  async () => {
    await using stage = await Stage.start(1);
    const [node] = stage.nodes;
    const first = await nextWin(stage, 0);
    await stage.kill(0);
    await using store = new Store(
      await openPostgres(stage.cluster.database.dsn, { log: silentLog }),
      { nodeId: "another" },
    );
    await using claim = await until(
      5000,
      "the role to be free",
      () => store.claimRole("placement", never),
    );
    await stage.start(0);
    await assert.rejects(bringTargets(node!, "another", first.epoch), { code: "stale_epoch" });
    await bringTargets(node!, "another", claim.epoch);
    await node!.seen(({ message }) => message === "targets of an earlier owner refused");
    await node!.seen(({ message, epoch }) => message === "targets taken" && epoch === claim.epoch);
  },
);

const SILENCES = [
  { name: "stands still", silence: (stage: Stage, index: number) => stage.freeze(index) },
  {
    name: "hears nothing of the database",
    silence: (stage: Stage, index: number) => {
      stage.relays[index]!.stall();
      return () => stage.relays[index]!.flow();
    },
  },
];

for (const { name, silence } of SILENCES) {
  Deno.test(
    { name: `walk: placement is handed over when its owner ${name}, and nobody obeys two`, ignore },
    async () => {
      await using stage = await Stage.start(3);
      const owner = await ownerOf(stage);
      const sinceMs = Date.now();
      const mend = silence(stage, owner);
      const { atMs } = await nextWin(stage, sinceMs, owner);
      console.log(`${name}: another node owns placement after ${atMs - sinceMs} ms`);
      assert.ok(atMs - sinceMs <= 10_000);
      mend();
      const { nodeId } = stage.nodes[owner]!;
      const isOver = () =>
        ownershipsOf(stage.history()).some((one) =>
          one.node === nodeId && one.role === "placement" && one.toMs < Infinity
        );
      await until(
        5000,
        "the old owner to give up",
        () => Promise.resolve(isOver() ? true : undefined),
      );
      await allFollow(stage);
      assert.deepEqual(historyViolations(stage.history()), []);
    },
  );
}

Deno.test(
  { name: "walk: users are served while the database is away, and duties resume", ignore },
  async () => {
    await using stage = await Stage.start(3);
    const [first] = stage.nodes;
    await first!.putSample("shop", {}, { minInstances: 3, RestartOrder: "startstop" });
    await until(30_000, "3 instances", async () => {
      const listed = JSON.parse(await first!.run(["ps", "--json"])) as { status: string }[];
      return listed.filter(({ status }) => status === "active").length === 3 ? true : undefined;
    });
    const urls = stage.nodes.map(({ url }) => `${url}/shop/sleep?ms=5`);
    await using load = new SteadyLoad(urls, PER_SECOND);
    await stage.server.stop("immediate");
    const awayMs = Date.now();
    const outage = new Promise((resolve) => setTimeout(resolve, OUTAGE_MS));
    await until(5000, "every role to be given up", () =>
      Promise.resolve(
        ownershipsOf(stage.history()).every(({ toMs }) => toMs < Infinity) ? true : undefined,
      ));
    const put = await first!.cli(["es", "rm", "shop_http"]);
    const refusedMs = Date.now() - awayMs;
    assert.notEqual(put.code, 0);
    assert.match(put.stderr, /Cannot use the database/);
    await outage;
    await stage.server.resume();
    const backMs = Date.now();
    const { atMs } = await nextWin(stage, backMs);
    await allFollow(stage);
    await first!.putSample("later");
    await until(10_000, "a put to be in effect at another node", async () => {
      const response = await fetch(`${stage.nodes[2]!.url}/later/whoami`);
      await response.body?.cancel();
      return response.status === 200 ? true : undefined;
    });
    const results = await load.stop();
    console.log(
      `the database was away for ${OUTAGE_MS} ms: ${results.length} requests, ` +
        `${(100 * goodShare(results)).toFixed(2)} % answered 200; a put was refused within ` +
        `${refusedMs} ms; placement had an owner ${atMs - backMs} ms after it was back`,
    );
    assert.equal(goodShare(results), 1, failures(results).join("\n"));
    assert.deepEqual(historyViolations(stage.history()), []);
  },
);

Deno.test({ name: "walk: a node that fell silent for good is forgotten", ignore }, async () => {
  await using stage = await Stage.start(3, { MAEL_NODE_LIVENESS_SECONDS: "2" });
  const owner = await ownerOf(stage);
  const gone = (owner + 1) % 3;
  const { nodeId } = stage.nodes[gone]!;
  await stage.kill(gone);
  const left = await stage.cluster.known(stage.nodes[owner]!, 2);
  assert.ok(left.every((node) => node.nodeId !== nodeId));
  const wrote = stage.history().find(({ kind }) => kind === "wrote");
  assert.equal(wrote?.node, stage.nodes[owner]!.nodeId);
  assert.equal(await stage.cluster.database.sql("select count(*) from node_status"), "2");
  await stage.start(gone);
  await stage.cluster.known(stage.nodes[owner]!, 3);
});
