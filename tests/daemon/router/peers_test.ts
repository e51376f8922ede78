/** Instances of peers in a router: used when none of this node's has room, and never for relays. @module */
import assert from "node:assert/strict";
import { QueueBudget } from "../../../daemon/router/queue.ts";
import { Routers } from "../../../daemon/router/router.ts";
import type { NodeStatus } from "../../../lib/contract/v1.ts";
import { instance, nodeStatus } from "../../support/cli/builders.ts";

const SOON = () => performance.now() + 60_000;
const never = new AbortController().signal;

function setUp() {
  const woken: string[] = [];
  const suspects: string[] = [];
  const routers = new Routers({
    queueMax: 10,
    queueBudget: new QueueBudget(10),
    wake: (component) => woken.push(component),
    blocked: () => undefined,
    thaw: () => {},
    verify: () => {},
    verifyPeer: (nodeId) => suspects.push(nodeId),
    now: () => 0,
  });
  const here = (id: string, admits = 1) =>
    routers.follow(id, {
      id,
      component: "shop",
      version: 1,
      uid: "u",
      status: "active",
      address: { hostname: "127.0.0.1", port: 9 },
      admits,
      maxConcurrency: admits,
      reserveMemoryMiB: 128,
      sinceMs: 0,
    });
  return { routers, router: routers.of("shop"), here, woken, suspects };
}

/** A peer with one instance of shop for each of `admits`. */
function peer(nodeId: string, ...admits: readonly number[]): NodeStatus {
  const instances = admits.map((admits) => instance("shop", { admits }));
  return nodeStatus(nodeId, instances, { peerUrl: `http://${nodeId}:8374` });
}

Deno.test("Router.claim() takes this node's places first, then the peers' in turn", () => {
  const { routers, router, here } = setUp();
  here("one");
  routers.followPeer("b", peer("b", 1, 1));
  routers.followPeer("c", peer("c", 1));
  const places = Array.from({ length: 5 }, () => router.claim());
  assert.deepEqual(places.map((place) => place?.peer ?? place?.id), [
    "one",
    "b",
    "c",
    "b",
    undefined,
  ]);
});

Deno.test("Router.claim() of a relayed request sees this node alone", () => {
  const { routers, router, here } = setUp();
  routers.followPeer("b", peer("b", 9));
  assert.equal(router.claim("local"), undefined);
  here("one");
  assert.equal(router.claim("local")?.id, "one");
  assert.equal(router.claim("local"), undefined);
});

Deno.test("Router.wait() of a relayed request asks for an instance here and gets the next free one", async () => {
  const { routers, router, here, woken } = setUp();
  routers.followPeer("b", peer("b", 1));
  const relayed = router.wait(SOON(), never, "local");
  assert.deepEqual(woken, ["shop"]);
  const busy = router.claim()!;
  const any = router.wait(SOON(), never);
  here("one");
  const first = await relayed;
  assert.equal(first.kind === "instance" && first.instance.id, "one");
  router.release(busy);
  const second = await any;
  assert.equal(second.kind === "instance" && second.instance.peer, "b");
});

Deno.test("Routers.followPeer() follows what a peer has, until it is out", async () => {
  const { routers, router, woken } = setUp();
  routers.followPeer("b", peer("b", 1));
  const first = router.claim()!;
  assert.equal(router.claim(), undefined);
  routers.followPeer("b", peer("b", 1, 1));
  assert.equal(router.claim()?.peer, "b", "it has grown");
  const waiting = router.wait(SOON(), never);
  routers.followPeer("b", undefined);
  assert.equal(router.state, "pending");
  assert.deepEqual(woken, ["shop"], "nobody serves any more");
  router.release(first);
  routers.followPeer("c", peer("c", 1));
  const wait = await waiting;
  assert.equal(wait.kind === "instance" && wait.instance.peer, "c");
});

Deno.test("Router.suspend() of a peer has the peer checked, and it comes back when it is heard", () => {
  const { routers, router, suspects } = setUp();
  routers.followPeer("b", peer("b", 2));
  const place = router.claim()!;
  router.release(place);
  router.suspend(place);
  assert.deepEqual(suspects, ["b"]);
  assert.equal(router.claim(), undefined);
  routers.followPeer("b", peer("b", 2));
  assert.equal(router.claim()?.peer, "b");
});
