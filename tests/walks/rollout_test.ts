import assert from "node:assert/strict";
import { failures, quantileMs, SteadyLoad } from "../support/http/steady_load.ts";
import { TestNode } from "../support/node.ts";

const PER_SECOND = 500;

for (const order of ["startstop", "stopstart"]) {
  Deno.test(`walk: a new version serves after ${order}, and no request fails`, async () => {
    await using node = await TestNode.start();
    const settings = { RestartOrder: order };
    await node.putSample("hello", {}, settings);
    const before = await (await fetch(`${node.url}/hello/whoami`)).json();
    assert.equal(before.version, 1);
    await using load = new SteadyLoad([`${node.url}/hello/sleep?ms=5`], PER_SECOND);
    await load.reaches(PER_SECOND);
    const putMs = load.nowMs;
    await node.putSample("hello", {}, settings);
    await node.seen((line) => line.message === "instance serves" && line.version === 2);
    const servedMs = load.nowMs - putMs;
    await node.hasContainers(1);
    await load.reaches(load.results.length + PER_SECOND);
    const results = await load.stop();
    console.log(
      `${order}: ${results.length} requests at ${PER_SECOND}/s, ${
        failures(results).length
      } failed, ` +
        `p99 ${quantileMs(results, 0.99).toFixed(0)} ms; new version served after ` +
        `${servedMs.toFixed(0)} ms`,
    );
    assert.deepEqual(failures(results), []);
    const after = await (await fetch(`${node.url}/hello/whoami`)).json();
    assert.equal(after.version, 2);
  });
}

Deno.test("walk: a removed component takes its event sources and container along", async () => {
  await using node = await TestNode.start();
  await node.putSample("hello");
  await fetch(`${node.url}/hello/`).then((response) => response.text());
  await node.run(["comp", "rm", "hello"]);
  const response = await fetch(`${node.url}/hello/`);
  assert.equal(response.status, 404);
  await response.body?.cancel();
  assert.deepEqual(JSON.parse(await node.run(["es", "ls", "--json"])), []);
  await node.hasContainers(0);
  assert.equal((await node.cli(["comp", "get", "hello"])).code, 3);
});

Deno.test("walk: a version that does not start leaves the old one serving", async () => {
  await using node = await TestNode.start();
  const settings = { RestartOrder: "startstop" };
  await node.putSample("hello", {}, settings);
  await fetch(`${node.url}/hello/`).then((response) => response.text());
  const environment = [{ name: "APP_EXIT_AT_START", value: "3" }];
  await node.putSample("hello", {}, { ...settings, environment });
  await node.seen((line) => /process exited with code 3/.test(line.message));
  const body = await (await fetch(`${node.url}/hello/whoami`)).json();
  assert.equal(body.version, 1);
});
