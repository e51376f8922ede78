/** What becomes of instances that are not well, and what is told of those that do not start. */
import assert from "node:assert/strict";
import type { ComponentStatus } from "../../lib/contract/v1.ts";
import { TestNode } from "../support/node.ts";

const OFTEN = { httpHealthCheckSeconds: 1 };

async function ask(node: TestNode, path: string): Promise<string> {
  const response = await fetch(`${node.url}/hello/${path}`);
  const body = await response.text();
  assert.equal(response.status, 200, body);
  return body;
}

async function statusOf(node: TestNode): Promise<ComponentStatus> {
  return JSON.parse(await node.run(["comp", "get", "hello", "--json"])).status;
}

/** The component's status, once `holds` does. */
async function statusWhen(
  node: TestNode,
  holds: (status: ComponentStatus) => boolean,
): Promise<ComponentStatus> {
  const endMs = performance.now() + 20_000;
  for (;;) {
    const status = await statusOf(node);
    if (holds(status)) return status;
    assert.ok(performance.now() < endMs, JSON.stringify(status));
  }
}

for (const order of ["startstop", "stopstart"]) {
  Deno.test(`walk: an unhealthy instance is out at once and replaced, ${order}`, async () => {
    await using node = await TestNode.start();
    const healthCheckFailedCommand = ["/bin/deno", "eval", "console.log('dump'); Deno.exit(3)"];
    await node.putSample("hello", { ...OFTEN, healthCheckFailedCommand, reserveMemoryMiB: 64 }, {
      RestartOrder: order,
      minInstances: 1,
    });
    const first = JSON.parse(await ask(node, "whoami")).hostname;
    // One that was never well after its start would count as a start that failed.
    await statusWhen(node, ({ instances }) => (instances[0]?.health.length ?? 0) > 1);
    // In progress when it leaves the rotation: it ends there, but nobody else gets there.
    const slow = ask(node, "sleep?ms=3000");
    slow.catch(() => {});
    await ask(node, "health?set=down");
    const { container } = await node.seen(({ message }) => message === "instance is unhealthy");
    assert.notEqual(JSON.parse(await ask(node, "whoami")).hostname, first);
    assert.equal(await slow, "slept 3000 ms\n");
    const ended = await node.seen(({ message }) => message === "healthCheckFailedCommand ended");
    const { exitCode, lastLine } = ended;
    assert.deepEqual([ended.container, exitCode, lastLine], [container, 3, "dump"]);
    const names = await node.hasContainers(1);
    assert.notEqual(names[0], container);
    const steps = node.log.map(({ message }) => message)
      .filter((message) => message === "instance serves" || message === "stopping instance");
    const want = order === "startstop"
      ? ["instance serves", "stopping instance"]
      : ["stopping instance", "instance serves"];
    assert.deepEqual(steps, ["instance serves", ...want]);
  });
}

Deno.test("walk: as many failures are borne as the component says", async () => {
  await using node = await TestNode.start();
  await node.putSample("hello", { ...OFTEN, httpHealthCheckMaxFailures: 3 });
  const { hostname } = JSON.parse(await ask(node, "whoami"));
  await ask(node, "health?set=down");
  await node.seen(({ message, failures }) => message === "health check failed" && failures === 2);
  await ask(node, "health?set=up");
  const { instances } = await statusWhen(
    node,
    ({ instances }) => instances[0]?.health.at(-1)?.healthy === true,
  );
  assert.ok(instances[0]!.health.length <= 5);
  const [before, last] = instances[0]!.health.slice(-2).map(({ at }) => at);
  const apartMs = last! - before!;
  assert.ok(apartMs >= 900 && apartMs < 5000, `checked after ${apartMs} ms; by default after 10 s`);
  const failed = instances[0]!.health.filter(({ healthy }) => !healthy);
  assert.ok(failed.length > 0);
  assert.ok(failed.every(({ detail, at }) => detail === "status 503" && at > 0));
  assert.equal(JSON.parse(await ask(node, "whoami")).hostname, hostname);
});

Deno.test("walk: an instance that is never well after its start is a start that failed", async () => {
  await using node = await TestNode.start();
  await node.putSample("hello", OFTEN, { minInstances: 1 });
  await ask(node, "health?set=down");
  const { failures: [failure] } = await statusWhen(node, ({ failures }) => failures.length > 0);
  assert.match(failure!.message, /^Cannot run "hello": health check failed, found status 503$/);
  assert.equal(failure!.health.at(-1)?.detail, "status 503");
  // It is replaced when the wait is over, and then nothing is wrong any longer.
  await statusWhen(
    node,
    ({ failures, instances }) =>
      failures.length === 0 && instances.some(({ status }) => status === "active"),
  );
});

Deno.test("walk: a failing command does not keep an unhealthy instance", async () => {
  await using node = await TestNode.start();
  await node.putSample("hello", { ...OFTEN, healthCheckFailedCommand: ["/no/such/program"] });
  await ask(node, "");
  await ask(node, "health?set=down");
  await node.seen(({ message }) => /healthCheckFailedCommand/.test(message));
  await node.hasContainers(0);
});

Deno.test("walk: a version that does not get healthy says so, with its checks and last lines", async () => {
  await using node = await TestNode.start();
  const order = { RestartOrder: "startstop" };
  await node.putSample("hello", {}, order);
  await ask(node, "");
  const environment = [{ name: "APP_NEVER_HEALTHY", value: "1" }];
  await node.putSample("hello", { httpStartHealthCheckSeconds: 1 }, { ...order, environment });
  const { failures, instances } = await statusWhen(
    node,
    ({ failures }) => (failures[0]?.attempts ?? 0) >= 2,
  );
  const [failure] = failures;
  assert.equal(failure?.componentVersion, 2);
  assert.match(failure.message, /not healthy within 1 s, last check: status 503$/);
  assert.equal(failure.health.at(-1)?.detail, "status 503");
  assert.ok(failure.lines.some((line) => /listening on 8080/.test(line)), String(failure.lines));
  assert.ok(failure.retryAt > Date.now() - 60_000);
  assert.ok(instances.some((info) => info.componentVersion === 1 && info.status === "active"));
  const shown = await node.run(["comp", "get", "hello"]);
  assert.match(
    shown,
    /^# version 2 does not start on test-.*status 503; \d+ attempts?, .*version 1 serves$/m,
  );
  // The old version serves all the time, and what was printed can be put back.
  assert.equal(JSON.parse(await ask(node, "whoami")).version, 1);
  await node.run(["comp", "put", "-f", "-"], shown);
  const json = await node.run(["comp", "get", "hello", "--json"]);
  await node.run(["comp", "put", "-f", "-"], json);
});
