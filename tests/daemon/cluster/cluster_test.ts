/** Who is in, judged by what was said and when. @module */
import { strict as assert } from "node:assert";
import { Cluster } from "../../../daemon/cluster/cluster.ts";
import type { NodeStatus } from "../../../lib/contract/v1.ts";
import { nodeStatus } from "../../support/cli/builders.ts";

const LEASE_MS = 3000;

interface Watch {
  readonly cluster: Cluster;
  /** What listeners were told: `b in`, `b out`. */
  readonly told: string[];
  readonly clock: { nowMs: number };
}

function watch(): Watch {
  const clock = { nowMs: 0 };
  const told: string[] = [];
  const self = () => nodeStatus("a", [], { startedAt: 1 });
  const cluster = new Cluster({ nodeId: "a", self, leaseMs: LEASE_MS, now: () => clock.nowMs });
  cluster.subscribe((nodeId, status) => told.push(`${nodeId} ${status ? "in" : "out"}`));
  return { cluster, told, clock };
}

function peer(nodeId: string, fields: Partial<NodeStatus> = {}): NodeStatus {
  return nodeStatus(nodeId, [], {
    startedAt: 2,
    version: 1,
    peerUrl: `http://${nodeId}:8374`,
    ...fields,
  });
}

const ids = (statuses: readonly NodeStatus[]) => statuses.map(({ nodeId }) => nodeId);

Deno.test("Cluster is this node alone at first", () => {
  assert.deepEqual(ids(watch().cluster.nodes()), ["a"]);
});

Deno.test("Cluster.hear() takes a peer in and tells of news only", () => {
  const { cluster, told } = watch();
  cluster.hear(peer("b"));
  cluster.hear(peer("b", { observedAt: 7 }));
  assert.deepEqual(told, ["b in"]);
  cluster.hear(peer("b", { version: 2 }));
  assert.deepEqual(told, ["b in", "b in"]);
  assert.deepEqual(ids(cluster.nodes()), ["a", "b"]);
});

Deno.test("Cluster.hear() keeps newer words when older ones arrive late", () => {
  const { cluster } = watch();
  cluster.hear(peer("b", { version: 5, freeMemoryMiB: 5 }));
  cluster.hear(peer("b", { version: 4, freeMemoryMiB: 4 }));
  assert.equal(cluster.peer("b")?.freeMemoryMiB, 5);
});

Deno.test("Cluster.hear() believes a node that has started again, whatever it counted before", () => {
  const { cluster } = watch();
  cluster.hear(peer("b", { version: 50 }));
  cluster.hear(peer("b", { version: 1, startedAt: 9, freeMemoryMiB: 9 }));
  assert.equal(cluster.peer("b")?.freeMemoryMiB, 9);
});

Deno.test("Cluster.hear() of itself changes nothing", () => {
  const { cluster, told } = watch();
  cluster.hear(peer("a"));
  assert.deepEqual(told, []);
  assert.equal(cluster.nodes().length, 1);
});

Deno.test("Cluster.expire() puts out who was silent for the lease, and hear() takes it in again", () => {
  const { cluster, told, clock } = watch();
  cluster.hear(peer("b"));
  clock.nowMs = LEASE_MS;
  cluster.expire();
  assert.deepEqual(told, ["b in"]);
  clock.nowMs += 1;
  cluster.expire();
  assert.deepEqual(told, ["b in", "b out"]);
  assert.equal(cluster.peer("b"), undefined);
  assert.deepEqual(cluster.known().map(({ isIn }) => isIn), [true, false]);
  cluster.hear(peer("b"));
  assert.deepEqual(told, ["b in", "b out", "b in"], "the same words as before are news now");
});

Deno.test("Cluster.refused() puts a peer out at once, and once", () => {
  const { cluster, told } = watch();
  cluster.hear(peer("b"));
  cluster.refused("b");
  cluster.refused("b");
  cluster.refused("nobody");
  assert.deepEqual(told, ["b in", "b out"]);
});

Deno.test("Cluster.forget() leaves no trace", () => {
  const { cluster, told } = watch();
  cluster.hear(peer("b"));
  cluster.forget("b");
  assert.deepEqual(told, ["b in", "b out"]);
  assert.deepEqual(ids(cluster.known().map(({ status }) => status)), ["a"]);
});

Deno.test("Cluster forgets the old name of a node that was given a new one", () => {
  const { cluster, told } = watch();
  cluster.hear(peer("b", { peerUrl: "http://same:8374" }));
  cluster.hear(peer("c", { peerUrl: "http://same:8374" }));
  assert.deepEqual(told, ["b in", "b out", "c in"]);
  assert.deepEqual(ids(cluster.nodes()), ["a", "c"]);
});
