/** How fast a cluster follows its load. @module */
import { strict as assert } from "node:assert";
import { TestCluster, until } from "../support/cluster.ts";
import type { TestNode } from "../support/node.ts";
import { lacksPostgres } from "../support/postgres.ts";

const ignore = lacksPostgres();
const STEADY_MS = Number(Deno.env.get("MAELSTROM_TEST_STEADY_SECONDS") || 20) * 1000;

async function instances(node: TestNode, component: string): Promise<string[]> {
  const listed = JSON.parse(await node.run(["ps", "--json"])) as Record<string, string>[];
  return listed.filter(({ componentName, status }) =>
    componentName === component && status === "active"
  ).map(({ containerName }) => containerName!);
}

/** Keeps `count` requests in progress at `urls` until `done` aborts. */
async function keepBusy(urls: readonly string[], count: number, done: AbortSignal) {
  const bad: string[] = [];
  await Promise.all(Array.from({ length: count }, async (_, n) => {
    while (!done.aborted) {
      const response = await fetch(urls[n % urls.length]!);
      const text = await response.text();
      if (response.status !== 200) bad.push(`${response.status} ${text}`);
    }
  }));
  return bad;
}

Deno.test(
  { name: "walk: a step from 1 to 50 requests finds its count and keeps it", ignore },
  async () => {
    await using cluster = await TestCluster.start({ nodes: 3 });
    const [first] = cluster.nodes;
    await first!.putSample("shop", { reserveMemoryMiB: 64 }, { maxConcurrency: 5 });
    const urls = cluster.nodes.map(({ url }) => `${url}/shop/sleep?ms=200`);
    await (await fetch(urls[0]!)).text();
    const done = new AbortController();
    const one = keepBusy(urls, 1, done.signal);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const before = new Set(await allContainers(cluster));
    const stepMs = performance.now();
    const fifty = keepBusy(urls, 49, done.signal);
    await until(
      10_000,
      "one more container",
      async () =>
        (await allContainers(cluster)).some((name) => !before.has(name)) ? true : undefined,
    );
    const firstMs = performance.now() - stepMs;
    // 50 in progress, 5 at once, 75 % of that wanted in use: 14.
    await until(
      60_000,
      "14 instances",
      async () => (await instances(first!, "shop")).length >= 14 ? true : undefined,
    );
    const foundMs = performance.now() - stepMs;
    const steady = new Set(await instances(first!, "shop"));
    const endMs = performance.now() + STEADY_MS;
    while (performance.now() < endMs) {
      assert.deepEqual(new Set(await instances(first!, "shop")), steady);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    done.abort();
    const bad = [...await one, ...await fifty];
    console.log(
      `first further container after ${firstMs.toFixed(0)} ms, ${steady.size} instances after ` +
        `${foundMs.toFixed(0)} ms, the same ones for ${STEADY_MS / 1000} s`,
    );
    assert.deepEqual(bad, []);
    assert.equal(steady.size, 14);
    // The goal is 1 s; beside other tests the engine itself may take longer.
    assert.ok(firstMs <= 5000, `first further container after ${firstMs} ms`);
  },
);

Deno.test({ name: "walk: 100 components are woken at once on one node", ignore }, async () => {
  await using cluster = await TestCluster.start({ nodes: 1 });
  const [node] = cluster.nodes;
  const names = Array.from({ length: 100 }, (_, n) => `c${n}`);
  await node!.putSamples(names, { reserveMemoryMiB: 16 });
  const begun = performance.now();
  const answers = await Promise.all(names.map(async (name) => {
    const response = await fetch(`${node!.url}/${name}/whoami`);
    const status = response.status;
    await response.text();
    return { name, status, ms: performance.now() - begun };
  }));
  const sorted = answers.map(({ ms }) => ms).sort((a, b) => a - b);
  console.log(
    `100 components woken at once: p50 ${sorted[49]!.toFixed(0)} ms, p95 ${
      sorted[94]!.toFixed(0)
    } ms`,
  );
  assert.deepEqual(answers.filter(({ status }) => status !== 200), []);
  const starts = node!.log.filter(({ message }) => message === "instance serves");
  assert.equal(starts.length, 100);
  assert.equal(new Set(starts.map(({ component }) => component)).size, 100);
});

async function allContainers(cluster: TestCluster): Promise<string[]> {
  return (await Promise.all(cluster.nodes.map((node) => node.containers()))).flat();
}
