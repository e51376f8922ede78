/**
 * Components that are frozen instead of stopped: paused when nobody asks, awake within milliseconds
 * when somebody does.
 */
import assert from "node:assert/strict";
import type { ComponentInfo } from "../../lib/contract/v1.ts";
import { testDockerHost } from "../support/docker/labelled.ts";
import { TestNode } from "../support/node.ts";

const FREEZE = { idleMode: "freeze", idleTimeoutSeconds: 1 };
const THAWS = 20;

function signal(): AbortSignal {
  return AbortSignal.timeout(20_000);
}

/** Resolves when a instance is paused, told from log index `from` on. */
async function frozen(node: TestNode, from = 0): Promise<string> {
  const line = await node.seen(({ message }) => message === "instance frozen", { from });
  const name = String(line.container);
  const detail = await node.docker.inspectContainer(name, signal());
  assert.equal(detail?.state.status, "paused");
  return name;
}

async function ask(node: TestNode, path: string): Promise<string> {
  const response = await fetch(`${node.url}/hello/${path}`);
  const body = await response.text();
  assert.equal(response.status, 200, body);
  return body;
}

async function instances(node: TestNode): Promise<ComponentInfo[]> {
  return JSON.parse(await node.run(["ps", "--json"]));
}

/** Processor time that a container has used, in the kernel's words. */
async function cpuTime(node: TestNode, name: string): Promise<string> {
  const { id } = (await node.docker.inspectContainer(name, signal()))!;
  const v1 = `/sys/fs/cgroup/cpuacct/docker/${id}/cpuacct.usage`;
  const v2 = `/sys/fs/cgroup/system.slice/docker-${id}.scope/cpu.stat`;
  return await Deno.readTextFile(v1).catch(() => Deno.readTextFile(v2));
}

Deno.test("walk: a request to a frozen component is answered within milliseconds", async () => {
  await using node = await TestNode.start();
  await node.putSample("hello", FREEZE);
  await ask(node, "");
  const firstByteMs: number[] = [];
  const unpauseMs: number[] = [];
  for (let thaw = 0, from = 0; thaw < THAWS; thaw++) {
    await frozen(node, from);
    from = node.log.length;
    const begun = performance.now();
    const response = await fetch(`${node.url}/hello/whoami`);
    firstByteMs.push(performance.now() - begun);
    assert.equal((await response.json()).requests, thaw + 2);
    const line = await node.seen(({ message }) => message === "instance thawed", { from });
    unpauseMs.push(Number(line.unpauseMs));
  }
  const median = (values: number[]) => values.toSorted((a, b) => a - b)[THAWS / 2]!.toFixed(1);
  const worst = Math.max(...firstByteMs).toFixed(1);
  console.log(
    `thaw, ${THAWS} times: first byte ${median(firstByteMs)} ms at the median, ${worst} ms at ` +
      `most, of it the engine ${median(unpauseMs)} ms (goal: 30 ms)`,
  );
  assert.equal((await node.containers()).length, 1);
});

Deno.test("walk: a frozen instance uses no processor time, is shown, and stops in the end", async () => {
  await using node = await TestNode.start();
  await node.putSample("hello", { ...FREEZE, frozenTimeoutSeconds: 4, httpHealthCheckSeconds: 1 });
  await ask(node, "");
  const name = await frozen(node);
  const used = await cpuTime(node, name);
  const [shown] = await instances(node);
  assert.equal(shown?.status, "frozen");
  assert.match(await node.run(["ps"]), /\bfrozen\b/);
  assert.equal(await cpuTime(node, name), used);
  await node.hasContainers(0);
  const said = node.log.filter(({ container }) => container === name).map(({ message }) => message);
  assert.deepEqual(said.filter((message) => /health check/.test(message)), []);
  // What it asks for next is a start.
  await ask(node, "");
});

Deno.test("walk: many requests that meet an instance going to sleep are all answered", async () => {
  await using node = await TestNode.start();
  await node.putSample("hello", FREEZE);
  await ask(node, "");
  for (let round = 0; round < 15; round++) {
    // Around the moment at which it is paused: before, during and after.
    const wait = 985 + round * 4;
    await new Promise((resolve) => setTimeout(resolve, wait));
    await Promise.all(
      Array.from(
        { length: 8 },
        (_, n) =>
          n % 2
            ? ask(node, "whoami")
            : fetch(`${node.url}/hello/echo`, { method: "POST", body: "x" })
              .then(async (response) => assert.equal(await response.text(), "x")),
      ),
    );
  }
  assert.equal((await node.containers()).length, 1);
  assert.deepEqual(node.log.filter(({ message }) => /request failed/.test(message)), []);
});

Deno.test("walk: what is in use is not frozen: open streams, minInstances", async () => {
  await using node = await TestNode.start();
  await node.putSample("hello", FREEZE);
  await node.putSample("kept", FREEZE, { minInstances: 1 });
  const url = `${node.url.replace("http", "ws")}/hello/ws`;
  const socket = new WebSocket(url);
  await new Promise((resolve) => socket.addEventListener("open", resolve, { once: true }));
  const serves = await node.seen(({ message, component }) =>
    message === "instance serves" && component === "kept"
  );
  assert.ok(serves);
  // Three idle timeouts: nothing was said, and the socket lives.
  await new Promise((resolve) => setTimeout(resolve, 3000));
  assert.deepEqual((await instances(node)).map(({ status }) => status), ["active", "active"]);
  const echo = new Promise<string>((resolve) =>
    socket.addEventListener("message", ({ data }) => resolve(data), { once: true })
  );
  socket.send("still here");
  assert.equal(await echo, "still here");
  const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
  socket.close();
  await closed;
  const name = await frozen(node);
  assert.match(name, /hello/);
});

Deno.test("walk: proxy threads wake a frozen component, which does not count as cold", async () => {
  await using node = await TestNode.start({ env: { MAEL_PROXY_WORKERS: "2" } });
  await node.putSample("hello", FREEZE, { onColdStart: "fail", softConcurrencyLimit: true });
  const cold = await fetch(`${node.url}/hello/`);
  assert.equal(cold.status, 503);
  await cold.body?.cancel();
  await node.seen(({ message }) => message === "instance serves");
  for (let round = 0, from = 0; round < 3; round++) {
    await frozen(node, from);
    from = node.log.length;
    await Promise.all(Array.from({ length: 8 }, () => ask(node, "whoami")));
  }
});

for (const how of ["kill", "stop"] as const) {
  Deno.test(`walk: ${how} of the daemon and restart: a frozen instance stays frozen`, async () => {
    await using node = await TestNode.start();
    await node.putSample("hello", FREEZE);
    await ask(node, "");
    const name = await frozen(node);
    await node[how]();
    await node.start();
    const [shown] = await instances(node);
    assert.deepEqual([shown?.containerName, shown?.status], [name, "frozen"]);
    assert.equal(JSON.parse(await ask(node, "whoami")).requests, 2);
    assert.deepEqual(await node.containers(), [name]);
  });
}

Deno.test("walk: a rollout replaces a frozen instance, and removal takes it away", async () => {
  await using node = await TestNode.start();
  await node.putSample("hello", FREEZE, { RestartOrder: "startstop" });
  await ask(node, "");
  const old = await frozen(node);
  const from = node.log.length;
  await node.putSample("hello", FREEZE, { RestartOrder: "startstop" });
  const name = await frozen(node, from);
  assert.notEqual(name, old);
  assert.deepEqual(await node.hasContainers(1), [name]);
  assert.equal(JSON.parse(await ask(node, "whoami")).version, 2);
  await frozen(node, node.log.length);
  await node.run(["comp", "rm", "hello"]);
  await node.hasContainers(0);
});

Deno.test("walk: a frozen version serves while the next one does not start", async () => {
  await using node = await TestNode.start();
  await node.putSample("hello", FREEZE, { RestartOrder: "startstop" });
  await ask(node, "");
  await frozen(node);
  const environment = [{ name: "APP_EXIT_AT_START", value: "3" }];
  await node.putSample("hello", FREEZE, { RestartOrder: "startstop", environment });
  await node.seen(({ message }) => /process exited with code 3/.test(message));
  assert.equal(JSON.parse(await ask(node, "whoami")).version, 1);
});

Deno.test("walk: a frozen instance whose process was killed is not waited for", async () => {
  await using node = await TestNode.start();
  await node.putSample("hello", FREEZE);
  await ask(node, "");
  const name = await frozen(node);
  await node.docker.killContainer(name, signal());
  assert.equal(JSON.parse(await ask(node, "whoami")).requests, 1);
  assert.notDeepEqual(await node.hasContainers(1), [name]);
});

/** An engine that answers everything but a pause. */
function engineWithoutPause(): Deno.HttpServer<Deno.NetAddr> {
  const path = testDockerHost.replace("unix://", "");
  const client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { pathname, search } = new URL(request.url);
    if (pathname.endsWith("/pause")) {
      return Response.json({ message: "cgroup has no freezer" }, { status: 500 });
    }
    return fetch(`http://docker${pathname}${search}`, {
      client,
      method: request.method,
      headers: request.headers,
      body: request.body,
      signal: request.signal,
    });
  });
  void server.finished.then(() => client.close());
  return server;
}

Deno.test("walk: where the engine cannot pause, an idle instance is stopped", async () => {
  await using engine = engineWithoutPause();
  const dockerHost = `tcp://127.0.0.1:${engine.addr.port}`;
  await using node = await TestNode.start({ dockerHost });
  await node.putSample("hello", FREEZE);
  for (let round = 0; round < 2; round++) {
    await ask(node, "");
    await node.hasContainers(0);
  }
  const warnings = node.log.filter(({ message }) => /cannot freeze/.test(message));
  assert.equal(warnings.length, 1);
  assert.match(String(warnings[0]?.error), /cgroup has no freezer/);
});
