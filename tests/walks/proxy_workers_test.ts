import assert from "node:assert/strict";
import { TestNode } from "../support/node.ts";

const WORKERS = { MAEL_PROXY_WORKERS: "3" };

/** Statuses of `count` requests at once, each on a connection of its own. */
async function statuses(url: string, count: number): Promise<number[]> {
  const headers = { connection: "close" };
  const answers = await Promise.all(Array.from({ length: count }, async () => {
    const response = await fetch(url, { headers });
    await response.body?.cancel();
    return response.status;
  }));
  return [...new Set(answers)];
}

Deno.test("walk: several workers serve one component from cold start to idle stop", async () => {
  await using node = await TestNode.start({ env: WORKERS });
  await node.putSample("hello", { idleTimeoutSeconds: 2 }, { maxConcurrency: 3, maxInstances: 1 });
  assert.deepEqual(await statuses(`${node.url}/hello/sleep?ms=5`, 100), [200]);
  assert.equal(node.log.filter(({ message }) => message === "instance serves").length, 1);
  const stopping = await node.seen((line) => line.message === "stopping instance");
  assert.ok(stopping);
  await node.hasContainers(0);
  assert.deepEqual(await statuses(`${node.url}/hello/`, 20), [200]);
});

Deno.test("walk: an answered put is in effect in all workers", async () => {
  await using node = await TestNode.start({ env: WORKERS });
  await node.putSample("hello");
  for (let n = 0; n < 3; n++) {
    assert.deepEqual(await statuses(`${node.url}/hello/`, 12), [200]);
    await node.run(["es", "rm", "hello_http"]);
    assert.deepEqual(await statuses(`${node.url}/hello/`, 12), [404]);
    const rule = ["--component", "hello", "--path", "/hello/", "--strip-prefix"];
    await node.run(["es", "put", "hello_http", ...rule]);
  }
});

Deno.test("walk: several workers end their requests when the daemon stops", async () => {
  await using node = await TestNode.start({ env: WORKERS });
  await node.putSample("hello");
  assert.deepEqual(await statuses(`${node.url}/hello/`, 1), [200]);
  const slow = statuses(`${node.url}/hello/sleep?ms=3000`, 6);
  let inFlight = 0;
  while (inFlight < 6) {
    const [status] = JSON.parse(`[${await node.run(["node", "ls", "--json"])}]`).flat();
    inFlight = status.runningComponents[0].inFlight;
  }
  const stopped = node.stop();
  assert.deepEqual(await slow, [200]);
  assert.equal(await stopped, 0);
});
