/** Each field of what a node says of itself, against another witness of the same fact. */
import assert from "node:assert/strict";
import type { ComponentInfo, NodeStatus } from "../../lib/contract/v1.ts";
import { witness } from "../support/docker/witness.ts";
import { TestNode } from "../support/node.ts";

const LIMIT_MS = 30_000;

async function statusOf(node: TestNode): Promise<NodeStatus> {
  const [status] = JSON.parse(await node.run(["node", "ls", "--refresh", "--json"]));
  return status;
}

/** The only instance that the node has, once `isMeant` holds for it. */
async function instance(
  node: TestNode,
  isMeant: (info: ComponentInfo) => boolean,
): Promise<ComponentInfo> {
  const endMs = performance.now() + LIMIT_MS;
  for (;;) {
    const { runningComponents } = await statusOf(node);
    const found = runningComponents.find(isMeant);
    if (found && runningComponents.length === 1) return found;
    assert.ok(performance.now() < endMs, `has ${JSON.stringify(runningComponents)}`);
  }
}

function memoryOf(field: string): number {
  const text = Deno.readTextFileSync("/proc/meminfo");
  return Math.floor(Number(new RegExp(`^${field}: +(\\d+) kB$`, "m").exec(text)?.[1]) / 1024);
}

Deno.test("walk: a node tells its machine", async () => {
  const beganMs = Date.now();
  await using node = await TestNode.start();
  const readyMs = Date.now();
  const status = await statusOf(node);
  const { NCPU } = await witness().info();
  const { nodeId, peerUrl, numCPUs, totalMemoryMiB, runningComponents } = status;
  assert.deepEqual(
    { nodeId, port: new URL(peerUrl).port, numCPUs, totalMemoryMiB, runningComponents },
    {
      nodeId: node.nodeId,
      port: String(node.privatePort),
      numCPUs: NCPU,
      totalMemoryMiB: memoryOf("MemTotal"),
      runningComponents: [],
    },
  );
  const isNear = (found: number, wanted: number, by: number) => Math.abs(found - wanted) <= by;
  assert.ok(isNear(status.freeMemoryMiB, memoryOf("MemAvailable"), totalMemoryMiB / 4));
  const loads = (await Deno.readTextFile("/proc/loadavg")).split(" ").slice(0, 3).map(Number);
  for (const [i, load] of [status.loadAvg1m, status.loadAvg5m, status.loadAvg15m].entries()) {
    assert.ok(isNear(load, loads[i]!, 2), `${load} is not about ${loads[i]}`);
  }
  assert.ok(status.startedAt >= beganMs && status.startedAt <= readyMs);
  assert.ok(status.observedAt >= readyMs && status.observedAt <= Date.now());
  assert.ok((await statusOf(node)).observedAt > status.observedAt);
});

for (
  const [given, offered] of [["512", 512], ["0", 0], ["-200", Infinity], ["999999999", Infinity]]
) {
  Deno.test(`walk: a node with MAEL_TOTAL_MEMORY=${given} offers that, or all there is`, async () => {
    await using node = await TestNode.start({ env: { MAEL_TOTAL_MEMORY: String(given) } });
    const { totalMemoryMiB, freeMemoryMiB } = await statusOf(node);
    assert.equal(totalMemoryMiB, Math.min(Number(offered), memoryOf("MemTotal")));
    assert.ok(freeMemoryMiB <= totalMemoryMiB);
  });
}

Deno.test("walk: a node tells each instance, from its start to its end", async (t) => {
  await using node = await TestNode.start();
  const before = await statusOf(node);

  await t.step("while it starts", async () => {
    const beganMs = Date.now();
    const environment = [{ name: "APP_START_DELAY_MS", value: "600000" }];
    await node.putSample("late", {}, { minInstances: 1, environment });
    const info = await instance(node, ({ status }) => status === "starting");
    assert.equal(info.componentName, "late");
    assert.ok(info.startTime >= beganMs && info.startTime <= Date.now());
    assert.deepEqual([info.totalRequests, info.lastRequestTime, info.activity], [0, 0, []]);
    await node.run(["comp", "rm", "late"]);
    await node.hasContainers(0);
  });

  await t.step("when it serves, and nobody has asked", async () => {
    const fields = { maxConcurrency: 7, minInstances: 1 };
    await node.putSample("hello", { reserveMemoryMiB: 96 }, fields);
    const info = await instance(node, ({ status }) => status === "active");
    const { componentName, componentVersion, maxConcurrency, memoryReservedMiB } = info;
    assert.deepEqual({ componentName, componentVersion, maxConcurrency, memoryReservedMiB }, {
      componentName: "hello",
      componentVersion: 1,
      maxConcurrency: 7,
      memoryReservedMiB: 96,
    });
    assert.deepEqual([info.totalRequests, info.lastRequestTime], [0, 0]);
    assert.deepEqual([info.containerName], await node.containers());
    assert.ok((await statusOf(node)).version > before.version, "it grows with each change");
  });

  await t.step("when requests have been answered, and while one is", async () => {
    const askedMs = Date.now();
    for (let n = 0; n < 3; n++) await (await fetch(`${node.url}/hello/`)).text();
    const info = await instance(node, ({ totalRequests }) => totalRequests === 3);
    assert.ok(info.lastRequestTime >= askedMs && info.lastRequestTime <= Date.now());
    const stop = new AbortController();
    const slow = fetch(`${node.url}/hello/sleep?seconds=60`, { signal: stop.signal })
      .catch(() => undefined);
    await instance(node, ({ inFlight }) => inFlight === 1);
    stop.abort();
    await slow;
    await instance(node, ({ inFlight }) => inFlight === 0);
  });

  await t.step("while it ends its last request, and when it is gone", async () => {
    const stop = new AbortController();
    const slow = fetch(`${node.url}/hello/sleep?seconds=60`, { signal: stop.signal })
      .catch(() => undefined);
    await instance(node, ({ inFlight }) => inFlight === 1);
    await node.run(["comp", "rm", "hello"]);
    await instance(node, ({ status, inFlight }) => status === "stopping" && inFlight === 1);
    stop.abort();
    await slow;
    await node.hasContainers(0);
    assert.deepEqual((await statusOf(node)).runningComponents, []);
  });
});
