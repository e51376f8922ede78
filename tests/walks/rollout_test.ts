import assert from "node:assert/strict";
import { TestNode } from "../support/node.ts";

/** Requests one after the other until `done` aborts; gives every answer that is not 200. */
async function keepAsking(
  url: string,
  done: AbortSignal,
): Promise<{ sent: number; bad: string[] }> {
  const bad: string[] = [];
  let sent = 0;
  while (!done.aborted) {
    sent += 1;
    try {
      const response = await fetch(url);
      const body = await response.text();
      if (response.status !== 200) bad.push(`${response.status} ${body}`);
    } catch (error) {
      if (!done.aborted) bad.push(String(error));
    }
  }
  return { sent, bad };
}

for (const order of ["startstop", "stopstart"]) {
  Deno.test(`walk: a new version serves after ${order}, and no request fails`, async () => {
    await using node = await TestNode.start();
    const settings = { RestartOrder: order };
    await node.putSample("hello", {}, settings);
    const before = await (await fetch(`${node.url}/hello/whoami`)).json();
    assert.equal(before.version, 1);
    using stack = new DisposableStack();
    const done = new AbortController();
    stack.defer(() => done.abort());
    const asking = Promise.all(
      Array.from({ length: 4 }, () => keepAsking(`${node.url}/hello/sleep?ms=5`, done.signal)),
    );
    await node.putSample("hello", {}, settings);
    const from = node.log.findLastIndex(({ message }) => message === "instance serves") + 1;
    await node.seen((line) => line.message === "instance serves" && line.version === 2);
    await node.hasContainers(1);
    done.abort();
    const results = await asking;
    assert.deepEqual(results.flatMap(({ bad }) => bad), []);
    const after = await (await fetch(`${node.url}/hello/whoami`)).json();
    assert.equal(after.version, 2);
    assert.ok(from > 0);
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
