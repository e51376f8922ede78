import assert from "node:assert/strict";
import type { InstanceFact } from "../../../daemon/cluster/members.ts";
import { QueueBudget } from "../../../daemon/router/queue.ts";
import { Router, type RouterOptions, Routers } from "../../../daemon/router/router.ts";
import { MaelstromError } from "../../../lib/errors.ts";

const SOON = () => performance.now() + 60_000;
const never = new AbortController().signal;

function fact(id: string, parts: Partial<InstanceFact> = {}): InstanceFact {
  return {
    id,
    component: "foo",
    version: 1,
    uid: "u",
    status: "active",
    address: { hostname: "127.0.0.1", port: 9 },
    admits: 1,
    maxConcurrency: 1,
    reserveMemoryMiB: 128,
    sinceMs: 0,
    ...parts,
  };
}

function setUp(parts: Partial<RouterOptions> = {}) {
  const woken: string[] = [];
  const thawed: string[] = [];
  const verified: string[] = [];
  const options: RouterOptions = {
    queueMax: 1000,
    queueBudget: new QueueBudget(1000),
    wake: (component) => woken.push(component),
    blocked: () => undefined,
    thaw: (id) => thawed.push(id),
    verify: (id) => verified.push(id),
    verifyPeer: () => {},
    now: () => 0,
    ...parts,
  };
  return { router: new Router("foo", options), options, woken, thawed, verified };
}

Deno.test("Router is off at first", () => {
  const { router } = setUp();
  assert.equal(router.state, "off");
  assert.equal(router.inFlight, 0);
  assert.equal(router.claim(), undefined);
});

Deno.test("Router is on while an instance is attached", () => {
  const { router } = setUp();
  router.attach(fact("a"));
  router.attach(fact("b"));
  router.detach("a");
  assert.equal(router.state, "on");
  router.detach("b");
  assert.equal(router.state, "off");
});

Deno.test("Router.wait() asks for an instance and is pending until one comes", async () => {
  const { router, woken } = setUp();
  const wait = router.wait(SOON(), never);
  assert.equal(router.state, "pending");
  assert.equal(router.inFlight, 1);
  assert.deepEqual(woken, ["foo"]);
  router.attach(fact("a"));
  const result = await wait;
  assert.equal(result.kind, "instance");
  assert.equal(router.state, "on");
});

Deno.test("Router serves 500 waiting requests one by one, first come first served", async () => {
  const { router } = setUp();
  const order: number[] = [];
  const requests = Array.from({ length: 500 }, async (_, n) => {
    const wait = await router.wait(SOON(), never);
    assert.equal(wait.kind, "instance");
    order.push(n);
    assert.equal(router.inFlight, 500 - order.length + 1);
    if (wait.kind === "instance") router.release(wait.instance);
  });
  router.attach(fact("a"));
  await Promise.all(requests);
  assert.deepEqual(order, Array.from({ length: 500 }, (_, n) => n));
  router.detach("a");
  assert.ok(router.idle);
});

Deno.test("Router.claim() goes round the instances and passes over full ones", () => {
  const { router } = setUp();
  for (const id of ["a", "b", "c"]) router.attach(fact(id, { admits: 2 }));
  const ids = Array.from({ length: 7 }, () => router.claim()?.id);
  assert.deepEqual(ids, ["a", "b", "c", "a", "b", "c", undefined]);
});

Deno.test("Router.claim() lets those who wait go first", async () => {
  const { router } = setUp();
  router.attach(fact("a"));
  const first = router.claim()!;
  const waiting = router.wait(SOON(), never);
  assert.equal(router.claim(), undefined);
  router.release(first);
  assert.equal(router.claim(), undefined, "the waiter has the place");
  assert.equal((await waiting).kind, "instance");
});

Deno.test("Router.claim() has no limit for a soft one", () => {
  const { router } = setUp();
  router.attach(fact("a", { admits: Infinity }));
  for (let n = 0; n < 100; n++) assert.ok(router.claim());
});

Deno.test("Router.wait() refuses when the queue is full", async () => {
  const { router } = setUp({ queueMax: 1 });
  const first = router.wait(SOON(), never);
  assert.deepEqual(await router.wait(SOON(), never), { kind: "full" });
  router.fail(new MaelstromError("start_failed", "x"));
  assert.equal((await first).kind, "failed");
});

Deno.test("Routers share the budget of all queues", async () => {
  const queueBudget = new QueueBudget(1);
  const { options } = setUp({ queueBudget });
  const routers = new Routers(options);
  const client = new AbortController();
  const first = routers.of("foo").wait(SOON(), client.signal);
  assert.deepEqual(await routers.of("bar").wait(SOON(), never), { kind: "full" });
  client.abort();
  await first;
  assert.equal(queueBudget.waiting, 0);
});

Deno.test("Router.knock() asks for an instance without waiting", () => {
  const { router, woken } = setUp();
  assert.equal(router.knock(), undefined);
  assert.deepEqual(woken, ["foo"]);
  assert.equal(router.queued, 1, "counts as one who waits");
  router.attach(fact("a"));
  assert.equal(router.queued, 0);
});

Deno.test("Router.wait() ends at its deadline and gives its place back", async () => {
  const { router } = setUp();
  assert.deepEqual(await router.wait(performance.now() + 5, never), { kind: "timed_out" });
  assert.equal(router.inFlight, 0);
});

Deno.test("Router.wait() ends when the client leaves and gives its place back", async () => {
  const { router } = setUp();
  const client = new AbortController();
  const wait = router.wait(SOON(), client.signal);
  client.abort();
  assert.deepEqual(await wait, { kind: "left" });
  assert.equal(router.inFlight, 0);
  assert.deepEqual(await router.wait(SOON(), client.signal), { kind: "left" });
});

Deno.test("Router.wait() fails at once while starts are failing and nothing serves", async () => {
  const error = new MaelstromError("start_failed", "no such image");
  const { router, woken } = setUp({ blocked: () => error });
  assert.deepEqual(await router.wait(SOON(), never), { kind: "failed", error });
  assert.deepEqual(woken, []);
});

Deno.test("Router.fail() ends no wait while an instance serves", async () => {
  const { router } = setUp();
  router.attach(fact("a"));
  const place = router.claim()!;
  const wait = router.wait(SOON(), never);
  router.fail(new MaelstromError("start_failed", "the new version does not start"));
  router.release(place);
  assert.equal((await wait).kind, "instance");
});

Deno.test("Router.suspend() takes an instance out once and asks whether it lives", () => {
  const { router, verified } = setUp();
  router.attach(fact("a", { admits: 2 }));
  const instance = router.claim()!;
  router.claim();
  router.suspend(instance);
  router.suspend(instance);
  assert.deepEqual(verified, ["a"]);
  assert.equal(router.state, "off");
  router.release(instance);
  router.release(instance);
  router.attach(fact("a", { admits: 2 }));
  assert.equal(router.claim()?.id, "a");
});

Deno.test("Router.retire() lets requests in progress end and wakes for those who wait", async () => {
  const { router, woken } = setUp();
  router.attach(fact("a"));
  const place = router.claim()!;
  const wait = router.wait(SOON(), never);
  router.retire("a");
  assert.deepEqual(woken, ["foo"]);
  let drained = false;
  const drain = router.drain("a", never).then(() => drained = true);
  router.release(place);
  await drain;
  assert.ok(drained);
  router.attach(fact("b"));
  const result = await wait;
  assert.equal(result.kind === "instance" && result.instance.id, "b");
});

Deno.test("Router.drain() gives up when its signal aborts", async () => {
  const { router } = setUp();
  router.attach(fact("a"));
  router.claim();
  const limit = new AbortController();
  const drain = router.drain("a", limit.signal);
  limit.abort();
  await drain;
});

Deno.test("Routers.follow() attaches, retires and detaches", () => {
  const { options } = setUp();
  const routers = new Routers(options);
  routers.follow("a", fact("a", { status: "starting" }));
  assert.equal(routers.of("foo").state, "off");
  routers.follow("a", fact("a"));
  assert.equal(routers.of("foo").state, "on");
  routers.follow("a", fact("a", { status: "stopping" }));
  assert.equal(routers.of("foo").state, "off");
  assert.ok(routers.instance("a"));
  routers.follow("a", undefined);
  assert.equal(routers.instance("a"), undefined);
});

Deno.test("Routers.sweep() tells those who wait for a component that is gone", async () => {
  const { options } = setUp();
  const routers = new Routers(options);
  const wait = routers.of("foo").wait(SOON(), never);
  routers.sweep(() => false);
  const result = await wait;
  assert.equal(result.kind === "failed" && result.error.code, "not_found");
});

Deno.test("Router keeps a frozen instance out of rotation and on, and asks for it once", async () => {
  const { router, woken, thawed } = setUp();
  router.attach(fact("a", { admits: 2 }));
  router.freeze(fact("a", { status: "frozen", admits: 2 }));
  assert.equal(router.state, "on");
  assert.equal(router.claim(), undefined);
  assert.deepEqual(thawed, []);
  const waits = [router.wait(SOON(), never), router.wait(SOON(), never, "local")];
  assert.deepEqual([thawed, woken], [["a"], []]);
  router.attach(fact("a", { admits: 2 }));
  for (const wait of waits) assert.equal((await wait).kind, "instance");
});

Deno.test("Router asks for as many frozen instances as those who wait need", () => {
  const { router, thawed } = setUp();
  for (const id of ["a", "b", "c"]) router.freeze(fact(id, { status: "frozen", admits: 2 }));
  for (let n = 0; n < 3; n++) void router.wait(SOON(), never);
  assert.deepEqual(thawed, ["a", "b"]);
});

Deno.test("Router asks for a frozen instance when the others are full", () => {
  const { router, thawed } = setUp();
  router.attach(fact("a"));
  router.freeze(fact("b", { status: "frozen" }));
  assert.equal(router.claim()?.id, "a");
  assert.deepEqual(thawed, []);
  void router.wait(SOON(), never);
  assert.deepEqual(thawed, ["b"]);
});

Deno.test("Router asks for the next frozen instance when the first went instead", () => {
  const { router, thawed } = setUp();
  for (const id of ["a", "b"]) router.freeze(fact(id, { status: "frozen" }));
  void router.wait(SOON(), never);
  router.retire("a");
  assert.deepEqual(thawed, ["a", "b"]);
});

Deno.test("Router asks for an instance when the last frozen one went", () => {
  const { router, woken } = setUp();
  router.freeze(fact("a", { status: "frozen" }));
  void router.wait(SOON(), never);
  assert.deepEqual(woken, []);
  router.detach("a");
  assert.deepEqual(woken, ["foo"]);
  assert.equal(router.state, "pending");
});

Deno.test("Router.wait() goes on past a failing start while an instance is frozen", async () => {
  const { router, thawed } = setUp({ blocked: () => new MaelstromError("start_failed", "no") });
  router.freeze(fact("a", { status: "frozen" }));
  const wait = router.wait(SOON(), never);
  router.fail(new MaelstromError("start_failed", "no"));
  assert.deepEqual(thawed, ["a"]);
  router.attach(fact("a"));
  assert.equal((await wait).kind, "instance");
});

Deno.test("Routers.follow() takes an instance that admits nothing out of rotation", () => {
  const { options } = setUp();
  const routers = new Routers(options);
  for (const status of ["active", "frozen"] as const) {
    routers.follow("a", fact("a"));
    assert.equal(routers.of("foo").state, "on");
    routers.follow("a", fact("a", { status, admits: 0 }));
    assert.equal(routers.of("foo").state, "off");
  }
});
