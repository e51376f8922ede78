/** Who is in, judged by what was said and when. @module */
import { strict as assert } from "node:assert";
import { Cluster } from "../../../daemon/cluster/cluster.ts";
import type { NodeStatus } from "../../../lib/contract/v1.ts";
import { nodeStatus } from "../../support/cli/builders.ts";

const LEASE_MS = 3000;

interface Watch {
  readonly cluster: Cluster;
  /** What listeners were told: `b in`, `b out`, and why a peer is not used. */
  readonly told: string[];
  readonly clock: { nowMs: number };
}

function watch(): Watch {
  const clock = { nowMs: 0 };
  const told: string[] = [];
  const self = () => nodeStatus("a", [], { startedAt: 1 });
  const cluster = new Cluster({
    nodeId: "a",
    protocols: { oldest: 2, newest: 3 },
    self,
    leaseMs: LEASE_MS,
    unused: (nodeId, reason) => told.push(`${nodeId} unused: ${reason}`),
    now: () => clock.nowMs,
  });
  cluster.subscribe((nodeId, status) => told.push(`${nodeId} ${status ? "in" : "out"}`));
  return { cluster, told, clock };
}

function peer(nodeId: string, fields: Partial<NodeStatus> = {}): NodeStatus {
  return nodeStatus(nodeId, [], {
    startedAt: 2,
    version: 1,
    peerUrl: `http://${nodeId}:8374`,
    protocol: 2,
    ...fields,
  });
}

const ids = (statuses: readonly NodeStatus[]) => statuses.map(({ nodeId }) => nodeId);

Deno.test("Cluster is this node alone at first", () => {
  assert.deepEqual(ids(watch().cluster.nodes()), ["a"]);
});

Deno.test("Cluster.answered() takes a peer in and tells of news only", () => {
  const { cluster, told } = watch();
  cluster.answered(peer("b"));
  cluster.answered(peer("b", { observedAt: 7 }));
  assert.deepEqual(told, ["b in"]);
  cluster.answered(peer("b", { version: 2 }));
  assert.deepEqual(told, ["b in", "b in"]);
  assert.deepEqual(ids(cluster.nodes()), ["a", "b"]);
});

Deno.test("Cluster.answered() keeps newer words when older ones arrive late", () => {
  const { cluster } = watch();
  cluster.answered(peer("b", { version: 5, freeMemoryMiB: 5 }));
  cluster.answered(peer("b", { version: 4, freeMemoryMiB: 4 }));
  assert.equal(cluster.peer("b")?.freeMemoryMiB, 5);
});

Deno.test("Cluster.answered() believes a node that has started again, whatever it counted before", () => {
  const { cluster } = watch();
  cluster.answered(peer("b", { version: 50 }));
  cluster.answered(peer("b", { version: 1, startedAt: 9, freeMemoryMiB: 9 }));
  assert.equal(cluster.peer("b")?.freeMemoryMiB, 9);
});

Deno.test("Cluster.answered() of itself changes nothing", () => {
  const { cluster, told } = watch();
  cluster.answered(peer("a"));
  assert.deepEqual(told, []);
  assert.equal(cluster.nodes().length, 1);
});

Deno.test("Cluster.expire() puts out who was silent for the lease, and answered() takes it in again", () => {
  const { cluster, told, clock } = watch();
  cluster.answered(peer("b"));
  clock.nowMs = LEASE_MS;
  cluster.expire();
  assert.deepEqual(told, ["b in"]);
  clock.nowMs += 1;
  cluster.expire();
  assert.deepEqual(told, ["b in", "b out"]);
  assert.equal(cluster.peer("b"), undefined);
  assert.deepEqual(cluster.known().map(({ isIn }) => isIn), [true, false]);
  cluster.answered(peer("b"));
  assert.deepEqual(told, ["b in", "b out", "b in"], "the same words as before are news now");
});

Deno.test("Cluster.refused() puts a peer out at once, and once", () => {
  const { cluster, told } = watch();
  cluster.answered(peer("b"));
  cluster.refused("b");
  cluster.refused("b");
  cluster.refused("nobody");
  assert.deepEqual(told, ["b in", "b out"]);
});

Deno.test("Cluster.forget() leaves no trace", () => {
  const { cluster, told } = watch();
  cluster.answered(peer("b"));
  cluster.forget("b");
  assert.deepEqual(told, ["b in", "b out"]);
  assert.deepEqual(ids(cluster.known().map(({ status }) => status)), ["a"]);
});

Deno.test("Cluster forgets the old name of a node that was given a new one", () => {
  const { cluster, told } = watch();
  cluster.answered(peer("b", { peerUrl: "http://same:8374" }));
  cluster.answered(peer("c", { peerUrl: "http://same:8374" }));
  assert.deepEqual(told, ["b in", "b out", "c in"]);
  assert.deepEqual(ids(cluster.nodes()), ["a", "c"]);
});

const fault = ({ cluster }: Watch) => cluster.known().map(({ fault }) => fault ?? "").join("");

Deno.test("Cluster.hear() takes nobody in who has not answered", () => {
  const { cluster, told } = watch();
  cluster.hear(peer("b"));
  assert.deepEqual([told, cluster.isHeard("b"), cluster.isAlone], [[], true, true]);
  cluster.answered(peer("b"));
  assert.deepEqual(told, ["b in"]);
  cluster.hear(peer("b", { version: 2 }));
  assert.deepEqual(told, ["b in", "b in"], "what it says of its own accord is news");
});

Deno.test("Cluster.expire() puts out a peer that is heard and does not answer", () => {
  const at = watch();
  const { cluster, told, clock } = at;
  const unreached = "it is heard, but does not answer at http://b:8374";
  cluster.answered(peer("b"));
  for (let second = 1; second <= 8; second++) {
    clock.nowMs = second * 1000;
    cluster.hear(peer("b"));
    cluster.expire();
    assert.equal(told.includes("b out"), second > 6, `after ${second} s`);
    assert.equal(told.length > 2, second > 7, `after ${second} s`);
  }
  assert.deepEqual(told, ["b in", "b out", `b unused: ${unreached}`]);
  assert.equal(fault(at), unreached);
  cluster.answered(peer("b"));
  assert.deepEqual(told.slice(3), ["b in"]);
  assert.equal(fault(at), "");
});

Deno.test("Cluster tells once that a peer refuses while it is heard", () => {
  const { cluster, told, clock } = watch();
  cluster.answered(peer("b"));
  for (let second = 1; second <= 8; second++) {
    clock.nowMs = second * 1000;
    cluster.refused("b");
    cluster.hear(peer("b"));
  }
  assert.equal(told.length, 3);
  assert.deepEqual(told.slice(0, 2), ["b in", "b out"]);
});

for (
  const { name, fields, is } of [
    { name: "of this release", fields: { protocol: 3, oldestProtocol: 2 }, is: "in" },
    { name: "of the next release", fields: { protocol: 4, oldestProtocol: 3 }, is: "in" },
    { name: "that names one version", fields: { protocol: 2 }, is: "in" },
    {
      name: "of an old release",
      fields: { protocol: 1 },
      is: "unused: it speaks version 1 of the messages between nodes, this node versions 2 to 3",
    },
    {
      name: "of a release far ahead",
      fields: { protocol: 5, oldestProtocol: 4 },
      is: "unused: it speaks versions 4 to 5 of the messages between nodes, " +
        "this node versions 2 to 3",
    },
  ]
) {
  Deno.test(`Cluster judges a peer ${name}, and says so once`, () => {
    const { cluster, told } = watch();
    cluster.answered(peer("b", fields));
    cluster.hear(peer("b", fields));
    cluster.answered(peer("b", fields));
    assert.deepEqual(told, [`b ${is}`]);
    assert.deepEqual(cluster.reached(), is === "in" ? ["b"] : []);
    assert.equal(cluster.isHeard("b"), true);
  });
}

Deno.test("Cluster uses a peer that was upgraded", () => {
  const { cluster, told } = watch();
  cluster.answered(peer("b", { protocol: 1 }));
  cluster.answered(peer("b", { protocol: 2, startedAt: 3 }));
  assert.deepEqual(told.slice(1), ["b in"]);
});
