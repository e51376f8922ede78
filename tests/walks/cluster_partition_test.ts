/** Requests on their way to a node that is lost, and nodes that reach each other one way only. @module */
import { strict as assert } from "node:assert";
import type { NodeStatus } from "../../lib/contract/v1.ts";
import { historyViolations } from "../chaos/checker.ts";
import { Stage } from "../chaos/stage.ts";
import { until } from "../support/cluster.ts";
import { failures, goodShare, quantileMs, SteadyLoad } from "../support/http/steady_load.ts";
import type { TestNode } from "../support/node.ts";
import { lacksPostgres } from "../support/postgres.ts";

const ignore = lacksPostgres();
const PER_SECOND = 50;

/** Index of the one node on which `component` runs. */
async function placeOf(stage: Stage, component: string): Promise<number> {
  const nodes: NodeStatus[] = JSON.parse(await stage.nodes[0]!.run(["node", "ls", "--json"]));
  const [place, ...more] = nodes.filter(({ runningComponents }) =>
    runningComponents.some(({ componentName }) => componentName === component)
  );
  assert.deepEqual(more, []);
  return stage.nodes.findIndex(({ nodeId }) => nodeId === place?.nodeId);
}

/** Starts the one instance of `shop`, and gives the index of its node and of another one. */
async function putShop(stage: Stage): Promise<[has: number, asks: number]> {
  await stage.nodes[0]!.putSample("shop");
  const response = await fetch(`${stage.nodes[0]!.url}/shop/whoami`);
  await response.body?.cancel();
  const has = await placeOf(stage, "shop");
  return [has, (has + 1) % stage.nodes.length];
}

async function statusOf(request: Promise<Response>): Promise<number> {
  const response = await request;
  await response.body?.cancel();
  return response.status;
}

for (
  const { name, lose, refused } of [
    { name: "is killed", lose: (stage: Stage, index: number) => stage.kill(index), refused: 502 },
    {
      name: "stands still",
      lose: (stage: Stage, index: number) => Promise.resolve(void stage.freeze(index)),
      refused: 504,
    },
  ]
) {
  Deno.test(
    {
      name: `walk: a request at a node that ${name} is answered elsewhere, if it may be repeated`,
      ignore,
    },
    async () => {
      await using stage = await Stage.start(3);
      const [has, asks] = await putShop(stage);
      const url = `${stage.nodes[asks]!.url}/shop/sleep?ms=3000`;
      const begunMs = performance.now();
      const got = statusOf(fetch(url)).then((status) => ({ status, atMs: performance.now() }));
      const posted = statusOf(fetch(url, { method: "POST", body: "x" }));
      await new Promise((resolve) => setTimeout(resolve, 1000));
      await lose(stage, has);
      const { status, atMs } = await got;
      console.log(`${name}: GET answered ${status} after ${(atMs - begunMs).toFixed(0)} ms`);
      assert.equal(status, 200);
      assert.equal(await posted, refused);
    },
  );
}

Deno.test(
  { name: "walk: a node that is heard and cannot be reached costs nobody an answer", ignore },
  async () => {
    await using stage = await Stage.start(3);
    const [has, asks] = await putShop(stage);
    const [far, near, other] = [has, asks, 3 - has - asks].map((n) => stage.nodes[n]!) as [
      TestNode,
      TestNode,
      TestNode,
    ];
    await using load = new SteadyLoad(
      [far, near, other].map(({ url }) => `${url}/shop/whoami`),
      50,
    );
    await load.reaches(PER_SECOND);
    const mend = stage.network.block([asks, near.nodeId], [has, far.nodeId]);
    const partedMs = load.nowMs;
    await near.seen(({ message, peer }) => message === "peer is not used" && peer === far.nodeId);
    const noticedMs = load.nowMs - partedMs;
    assert.match(
      await near.run(["node", "ls"]),
      new RegExp(`Node ${far.nodeId} is not used: it is heard, but does not answer at http`),
    );
    assert.doesNotMatch(await far.run(["node", "ls"]), /unused|silent/);
    // By now those who wait at the near node have an instance that it reaches.
    await until(
      20_000,
      "an answer at the near node",
      async () => await statusOf(fetch(`${near.url}/shop/whoami`)) === 200 ? true : undefined,
    );
    await load.reaches(load.results.length + 2 * PER_SECOND);
    mend();
    await until(
      10_000,
      "the far node to be used again",
      async () => /unused|silent/.test(await near.run(["node", "ls"])) ? undefined : true,
    );
    await load.reaches(load.results.length + 2 * PER_SECOND);
    const results = await load.stop();
    console.log(
      `one way broken, noticed after ${noticedMs.toFixed(0)} ms: ${results.length} requests, ` +
        `${(100 * goodShare(results)).toFixed(2)} % answered 200, p50 ${
          quantileMs(results, 0.5).toFixed(1)
        } ms, slowest ${quantileMs(results, 1).toFixed(0)} ms`,
    );
    assert.equal(goodShare(results), 1, failures(results).join("\n"));
    assert.deepEqual(historyViolations(stage.history()), []);
  },
);
