import assert from "node:assert/strict";
import { TestNode } from "../support/node.ts";

Deno.test("walk: nothing runs, a request starts a container, idle stops it", async (t) => {
  await using node = await TestNode.start();
  await node.putSample("hello", { idleTimeoutSeconds: 2 });
  assert.deepEqual(await node.containers(), []);
  let container = "";

  await t.step("the first request starts a container and is answered by it", async () => {
    const response = await fetch(`${node.url}/hello/whoami`);
    assert.equal(response.status, 200);
    const body = await response.json();
    assert.equal(body.component, "hello");
    container = body.hostname;
    assert.equal((await node.containers()).length, 1);
  });

  await t.step("the second request is answered by the same container", async () => {
    const body = await (await fetch(`${node.url}/hello/whoami`)).json();
    assert.equal(body.hostname, container);
    assert.equal((await node.containers()).length, 1);
  });

  await t.step("ps shows it with its requests", async () => {
    const { nodes } = JSON.parse(`{"nodes":${await node.run(["node", "ls", "--json"])}}`);
    const [instance] = nodes[0].runningComponents;
    assert.equal(instance.componentName, "hello");
    assert.equal(instance.status, "active");
    assert.equal(instance.totalRequests, 2);
    assert.match(await node.run(["ps"]), /^hello +1 +active /m);
  });

  await t.step("idle, it is stopped and removed", async () => {
    await node.seen((line) => line.message === "stopping instance");
    await node.hasContainers(0);
  });

  await t.step(
    "a request that arrives while it is being stopped is served by a new one",
    async () => {
      await fetch(`${node.url}/hello/`).then((response) => response.text());
      const from = node.log.length;
      await node.seen((line) => line.message === "stopping instance", { from });
      const response = await fetch(`${node.url}/hello/whoami`);
      assert.equal(response.status, 200);
      assert.notEqual((await response.json()).hostname, container);
    },
  );
});

Deno.test("walk: a client that leaves while it waits does not end the start", async () => {
  await using node = await TestNode.start();
  await node.putSample("slow", {}, { environment: [{ name: "APP_START_DELAY_MS", value: "700" }] });
  const leaving = AbortSignal.timeout(300);
  await assert.rejects(fetch(`${node.url}/slow/`, { signal: leaving }));
  const response = await fetch(`${node.url}/slow/count`);
  assert.equal(response.status, 200);
  await response.body?.cancel();
  const started = node.log.filter(({ message }) => message === "instance serves");
  assert.equal(started.length, 1);
});
