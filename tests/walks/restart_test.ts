import assert from "node:assert/strict";
import { TestNode } from "../support/node.ts";

/** `count` requests, `width` at a time; gives the hosts that answered 200 and the other answers. */
async function requests(url: string, count: number, width: number) {
  const hosts = new Set<string>();
  const others: string[] = [];
  let sent = 0;
  await Promise.all(Array.from({ length: width }, async () => {
    while (sent++ < count) {
      const response = await fetch(url);
      const body = await response.text();
      if (response.status === 200) hosts.add(JSON.parse(body).hostname);
      else others.push(`${response.status} ${body}`);
    }
  }));
  return { hosts: [...hosts], others };
}

for (const how of ["kill", "stop"] as const) {
  Deno.test(`walk: ${how} of the daemon and restart: state kept, container adopted`, async () => {
    await using node = await TestNode.start();
    await node.putSample("hello");
    const before = await (await fetch(`${node.url}/hello/whoami`)).json();
    const components = await node.run(["comp", "ls", "--json"]);
    const [container] = await node.containers();
    if (how === "kill") await node.kill();
    else assert.equal(await node.stop(), 0);
    assert.deepEqual(await node.containers(), [container]);
    await node.start();
    assert.equal(await node.run(["comp", "ls", "--json"]), components);
    const { hosts, others } = await requests(`${node.url}/hello/whoami`, 500, 20);
    assert.deepEqual(others, []);
    assert.deepEqual(hosts, [before.hostname]);
    assert.ok(node.log.some(({ message }) => message === "adopted container"));
  });
}

Deno.test("walk: a container whose component was removed is not adopted", async () => {
  await using node = await TestNode.start();
  await node.putSample("hello");
  await fetch(`${node.url}/hello/`).then((response) => response.text());
  const [container] = await node.containers();
  await node.run(["comp", "rm", "hello"]);
  await node.kill();
  // Killed while it stops the container, or just after: either way it is gone soon.
  await node.start();
  await node.hasContainers(0);
  assert.ok(container);
});

Deno.test("walk: a version that does not start leaves the old one serving after a restart", async () => {
  await using node = await TestNode.start();
  const settings = { RestartOrder: "startstop" };
  await node.putSample("hello", {}, settings);
  const before = await (await fetch(`${node.url}/hello/whoami`)).json();
  const environment = [{ name: "APP_EXIT_AT_START", value: "3" }];
  await node.putSample("hello", {}, { ...settings, environment });
  await node.seen((line) => /process exited with code 3/.test(line.message));
  await node.kill();
  const from = node.log.length;
  await node.start();
  await node.seen((line) => /process exited with code 3/.test(line.message), { from });
  const after = await (await fetch(`${node.url}/hello/whoami`)).json();
  assert.deepEqual([after.version, after.hostname], [1, before.hostname]);
  await node.putSample("hello", {}, settings);
  await node.seen((line) => line.message === "instance serves" && line.version === 3, { from });
  await node.hasContainers(1);
});

Deno.test("walk: containers without our label are never touched", async () => {
  await using node = await TestNode.start();
  await node.putSample("hello");
  const signal = AbortSignal.timeout(60_000);
  const [image] = (await node.docker.listImages(signal))
    .flatMap(({ tags }) => tags).filter((tag) => tag.startsWith("maelstrom-sample:"));
  const labels: Record<string, string>[] = [{}, { maelstrom: "true" }, {
    maelstrom: "true",
    maelstrom_node: "another",
  }];
  const strangers = await Promise.all(
    labels.map((Labels) => node.docker.createContainer({ Image: image!, Labels }, signal)),
  );
  try {
    for (const { id } of strangers) await node.docker.startContainer(id, signal);
    await node.kill();
    await node.start();
    await fetch(`${node.url}/hello/`).then((response) => response.text());
    for (const { id } of strangers) {
      assert.ok((await node.docker.inspectContainer(id, signal))?.state.running);
    }
  } finally {
    for (const { id } of strangers) await node.docker.removeContainer(id, { force: true }, signal);
  }
});

Deno.test("walk: an instance that dies is replaced", async () => {
  await using node = await TestNode.start();
  await node.putSample("hello", {}, { minInstances: 1 });
  await node.seen((line) => line.message === "instance serves");
  const before = await (await fetch(`${node.url}/hello/whoami`)).json();
  const [container] = await node.containers();
  const from = node.log.length;
  await node.docker.killContainer(container!, AbortSignal.timeout(9000));
  await node.seen((line) => line.message === "instance died", { from });
  await node.seen((line) => line.message === "instance serves", { from });
  const response = await fetch(`${node.url}/hello/whoami`);
  assert.equal(response.status, 200);
  assert.notEqual((await response.json()).hostname, before.hostname);
});
