import assert from "node:assert/strict";
import { RawBackend, RawPeer } from "../../support/http/raw.ts";
import { ProxyNode } from "../../support/proxy_node.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** An instance that counts its requests and answers each after a turn of the loop. */
class Instance implements AsyncDisposable {
  served = 0;
  most = 0;
  #open = 0;
  readonly #backend: RawBackend;

  constructor(answer = OK) {
    this.#backend = new RawBackend(async (peer) => {
      for (;;) {
        await peer.until("\r\n\r\n");
        this.#open += 1;
        this.most = Math.max(this.most, this.#open);
        try {
          await new Promise((resolve) => setTimeout(resolve, 1));
        } finally {
          this.#open -= 1;
        }
        this.served += 1;
        await peer.send(answer);
      }
    });
  }

  get port(): number {
    return this.#backend.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#backend[Symbol.asyncDispose]();
  }
}

/** `each` requests on one connection; gives what was answered, and "lost" where it broke. */
async function ask(port: number, each: number): Promise<string[]> {
  const answers: string[] = [];
  using peer = await RawPeer.connect(port);
  for (let n = 0; n < each; n++) {
    try {
      await peer.send(GET);
      const { head, body } = await peer.message();
      answers.push(`${head.slice(9, 12)} ${body}`);
    } catch {
      answers.push("lost");
      return answers;
    }
  }
  return answers;
}

async function count(work: Promise<string[]>[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const answer of (await Promise.all(work)).flat()) {
    counts[answer] = (counts[answer] ?? 0) + 1;
  }
  return counts;
}

Deno.test("ProxyWorkers serve 2000 requests at once and never exceed the limit of 7", async () => {
  await using instance = new Instance();
  await using node = await ProxyNode.start({ workers: 3, component: { maxConcurrency: 7 } });
  node.report("i1", instance.port);
  const answers = await count(Array.from({ length: 2000 }, () => ask(node.port, 1)));
  assert.deepEqual(answers, { "200 ok": 2000 });
  assert.ok(instance.most <= 7, `${instance.most} at once`);
  assert.equal(instance.most, 7);
  assert.equal(instance.served, 2000);
});

/** Keeps asking on `width` connections, opened anew when one breaks, until `done` aborts. */
async function load(port: number, width: number, done: AbortSignal): Promise<string[]> {
  const all = Array.from({ length: width }, async () => {
    const answers: string[] = [];
    while (!done.aborted) answers.push(...await ask(port, 10).catch(() => ["refused"]));
    return answers;
  });
  return (await Promise.all(all)).flat();
}

/** Resolves when `instance` has served `more` further requests. */
async function serves(instance: Instance, more: number): Promise<void> {
  const goal = instance.served + more;
  while (instance.served < goal) await new Promise((resolve) => setTimeout(resolve, 1));
}

Deno.test("ProxyWorkers move to another instance under load, and no request fails", async () => {
  await using one = new Instance();
  await using two = new Instance();
  await using node = await ProxyNode.start({ workers: 3, component: { maxConcurrency: 5 } });
  node.report("i1", one.port);
  const done = new AbortController();
  const loading = load(node.port, 30, done.signal);
  await serves(one, 200);
  node.report("i2", two.port);
  node.report("i1", one.port, "stopping");
  await node.routers.drain("i1", AbortSignal.timeout(10_000));
  const { inFlight, lent } = node.routers.instance("i1")!;
  assert.deepEqual({ inFlight, lent }, { inFlight: 0, lent: 0 });
  node.routers.follow("i1", undefined);
  const servedByOne = one.served;
  await serves(two, 500);
  done.abort();
  assert.deepEqual([...new Set(await loading)], ["200 ok"]);
  assert.equal(one.served, servedByOne);
  assert.ok(one.most <= 5 && two.most <= 5, `${one.most} and ${two.most} at once`);
});

Deno.test("ProxyWorkers lose only the connections of a worker that dies under load", async () => {
  await using instance = new Instance();
  await using node = await ProxyNode.start({ workers: 3, component: { maxConcurrency: 7 } });
  node.report("i1", instance.port);
  const done = new AbortController();
  const loading = load(node.port, 30, done.signal);
  await serves(instance, 200);
  node.threads[1]!.terminate();
  await node.seen("proxy worker ended");
  await node.seen("proxy worker serves again");
  await serves(instance, 500);
  done.abort();
  const answers = await loading;
  const lost = answers.filter((answer) => answer !== "200 ok");
  // Each of its connections breaks once, and so do those that it had not accepted yet.
  assert.ok(lost.length <= 30, `${lost.length} lost`);
  assert.deepEqual(lost.filter((answer) => answer !== "lost" && answer !== "refused"), []);
  assert.ok(instance.most <= 7, `${instance.most} at once`);
  assert.equal(node.threads.length, 4);
});

Deno.test("ProxyWorkers report load and totals, without idle tokens", async () => {
  await using instance = new Instance();
  await using node = await ProxyNode.start({ workers: 2, component: { maxConcurrency: 3 } });
  node.report("i1", instance.port);
  await count(Array.from({ length: 10 }, () => ask(node.port, 10)));
  const traffic = node.routers.instance("i1")!;
  const begun = Date.now();
  while (traffic.totalRequests < 100 || traffic.inFlight > 0 || traffic.lent > 0) {
    assert.ok(Date.now() - begun < 5000, `${traffic.totalRequests} ${traffic.lent}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.equal(traffic.totalRequests, 100);
  assert.ok(Date.now() - traffic.lastRequestMs < 5000);
});

Deno.test("ProxyWorkers count an upgraded connection as in flight until it ends", async () => {
  await using backend = new RawBackend(async (peer) => {
    await peer.until("\r\n\r\n");
    await peer.send("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
    await peer.send(await peer.exactly(4));
    await peer.rest();
    peer.close();
  });
  await using node = await ProxyNode.start({ workers: 2 });
  node.report("i1", backend.port);
  using client = await RawPeer.connect(node.port);
  await client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
  await client.until("\r\n\r\n");
  await client.send("ping");
  assert.equal(await client.exactly(4), "ping");
  const traffic = node.routers.instance("i1")!;
  assert.equal(traffic.inFlight, 1);
  let isDrained = false;
  node.report("i1", backend.port, "stopping");
  const drained = node.routers.drain("i1", AbortSignal.timeout(9000)).then(() => isDrained = true);
  await node.workers.applied(AbortSignal.timeout(1000));
  assert.ok(!isDrained);
  client.close();
  await drained;
  assert.equal(traffic.inFlight, 0);
});

Deno.test("ProxyWorkers.applied() says that every worker serves the newest state", async () => {
  await using instance = new Instance();
  await using node = await ProxyNode.start({ workers: 3 });
  node.report("i1", instance.port);
  const { components } = node.state();
  for (let n = 0; n < 5; n++) {
    node.workers.postState({ components, eventSources: [], cfg: [] });
    await node.workers.applied(AbortSignal.timeout(5000));
    const without = await count(Array.from({ length: 12 }, () => ask(node.port, 1)));
    assert.deepEqual(Object.keys(without).map((answer) => answer.slice(0, 3)), ["404"]);
    node.workers.postState(node.state());
    await node.workers.applied(AbortSignal.timeout(5000));
    assert.deepEqual(await count(Array.from({ length: 12 }, () => ask(node.port, 1))), {
      "200 ok": 12,
    });
  }
});

Deno.test("ProxyWorkers.drain() lets requests end and then ends the threads", async () => {
  const answer = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  await using backend = new RawBackend(async (peer) => {
    await peer.message();
    asked.resolve();
    await answer.promise;
    await peer.send(OK);
    await peer.rest();
  });
  await using node = await ProxyNode.start({ workers: 2, args: ["--access-log", "1"] });
  node.report("i1", backend.port);
  const asking = ask(node.port, 1);
  await asked.promise;
  const draining = node.workers.drain(AbortSignal.timeout(9000));
  answer.resolve();
  assert.deepEqual(await asking, ["200 ok"]);
  await draining;
  await assert.rejects(Deno.connect({ hostname: "127.0.0.1", port: node.port }));
  assert.match(node.written.join(""), /"component":"shop".*"instance":"i1"/);
});

Deno.test("ProxyWorkers.drain() cuts what does not end in time", async () => {
  const asked = Promise.withResolvers<void>();
  await using backend = new RawBackend(async (peer) => {
    await peer.message();
    asked.resolve();
    await peer.rest();
  });
  await using node = await ProxyNode.start({ workers: 2 });
  node.report("i1", backend.port);
  const asking = ask(node.port, 1);
  await asked.promise;
  await node.workers.drain(AbortSignal.abort());
  assert.deepEqual(await asking, ["lost"]);
  assert.equal(node.routers.instance("i1")!.lent, 0);
});

Deno.test("ProxyWorkers.start() fails with the reason when a port cannot be bound", async () => {
  await assert.rejects(
    ProxyNode.start({ workers: 2, args: ["--public-addr", "192.0.2.1"] }),
    /Cannot listen on 192\.0\.2\.1/,
  );
});
