import assert from "node:assert/strict";
import { EXECUTABLE } from "../support/executable.ts";
import { TestNode } from "../support/node.ts";

const ORDERS = ["startstop", "stopstart"];

async function get(url: string): Promise<string> {
  return await (await fetch(url)).text();
}

function sampleOf(image: string, fields: object = {}): string {
  const docker = { image, httpPort: 8080, httpHealthCheckPath: "/health" };
  return JSON.stringify({ name: "hello", maxConcurrency: 100, docker, ...fields });
}

/** The image of the sample that is put already. */
async function imageOf(node: TestNode): Promise<string> {
  return JSON.parse(await node.run(["comp", "get", "hello", "--json"])).docker.image;
}

for (const RestartOrder of ORDERS) {
  Deno.test(`walk: put --wait returns when the new version serves, after ${RestartOrder}`, async () => {
    await using node = await TestNode.start();
    const fields = { RestartOrder, minInstances: 1 };
    await node.putSample("hello", {}, fields);
    await get(`${node.url}/hello/`);
    const put = sampleOf(await imageOf(node), fields);
    const begun = performance.now();
    const { code, stdout, stderr } = await node.cli(["comp", "put", "-f", "-", "--wait"], put);
    const tookMs = performance.now() - begun;
    const { version } = JSON.parse(await get(`${node.url}/hello/whoami`));
    console.log(`${RestartOrder}: put --wait took ${tookMs.toFixed(0)} ms`);
    assert.deepEqual([code, stdout, version], [0, "Component put: hello version 2\n", 2], stderr);
    assert.match(stderr, /^hello version 2: serves with 1 instance[^\n]*\n$/m);
  });
}

Deno.test("walk: put --wait fails with the last lines, while the old version serves", async () => {
  await using node = await TestNode.start();
  await node.putSample("hello", {}, { RestartOrder: "startstop" });
  await get(`${node.url}/hello/`);
  const environment = [{ name: "APP_EXIT_AT_START", value: "3" }];
  const put = sampleOf(await imageOf(node), { RestartOrder: "startstop", environment });
  const { code, stderr } = await node.cli(["comp", "put", "-f", "-", "--wait"], put);
  assert.equal(code, 1, stderr);
  assert.match(
    stderr,
    /^maelstrom: Cannot roll out version 2 of "hello": process exited with code 3.*; 1 attempt, next in \d+ s; version 1 goes on serving$/m,
  );
  assert.equal(JSON.parse(await get(`${node.url}/hello/whoami`)).version, 1);
});

Deno.test("walk: put --wait of what nobody asks for has nothing to wait for", async () => {
  await using node = await TestNode.start();
  await node.putSample("hello");
  const put = sampleOf(await imageOf(node));
  const { code, stderr } = await node.cli(["comp", "put", "-f", "-", "--wait"], put);
  assert.deepEqual([code, stderr], [0, "hello version 2: starts with its first request\n"]);
});

Deno.test("walk: put --timeout ends the wait, an interrupt too, and the rollout goes on", async () => {
  await using node = await TestNode.start();
  await node.putSample("hello", {}, { minInstances: 1 });
  await node.seen(({ message }) => message === "instance serves");
  const environment = [{ name: "APP_START_DELAY_MS", value: "6000" }];
  const fields = { minInstances: 1, environment, RestartOrder: "startstop" };
  const put = sampleOf(await imageOf(node), fields);
  const late = await node.cli(["comp", "put", "-f", "-", "--timeout", "1"], put);
  assert.equal(late.code, 6, late.stderr);
  assert.match(late.stderr, /after 1 s hello version 2: .*1 of version 1 to replace; it goes on$/m);

  const waiting = new Deno.Command(EXECUTABLE, {
    args: ["comp", "rollback", "hello", "2", "--wait"],
    env: node.env(),
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  });
  assert.equal((await node.cli(["comp", "rollback", "hello", "1"])).code, 0);
  const child = waiting.spawn();
  let told = "";
  for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
    if (told === "") child.kill("SIGINT");
    told += text;
  }
  assert.equal((await child.status).code, 130);
  assert.match(told, /Interrupted; the rollout goes on without being watched\n$/);
  await node.seen(({ message, version }) => message === "instance serves" && version === 4);
});

Deno.test("walk: put --wait of what fits nowhere ends with the reason", async () => {
  await using node = await TestNode.start();
  await node.putSample("hello");
  const put = JSON.stringify({
    name: "big",
    minInstances: 1,
    docker: { image: await imageOf(node), httpPort: 8080, reserveMemoryMiB: 60_000_000 },
  });
  const begun = performance.now();
  const { code, stderr } = await node.cli(["comp", "put", "-f", "-", "--wait"], put);
  assert.equal(code, 1, stderr);
  assert.match(
    stderr,
    /^maelstrom: Cannot place "big": needs 60000000 MiB, largest free is \d+ MiB$/m,
  );
  assert.ok(performance.now() - begun < 20_000);
  assert.match(
    await node.run(["comp", "get", "big"]),
    /^# fewer than wanted: needs 60000000 MiB/m,
  );
});
