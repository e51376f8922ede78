import assert from "node:assert/strict";
import { Scheduler } from "../../../daemon/scheduler/scheduler.ts";
import type { NodeStatus, TargetOrder } from "../../../lib/contract/v1.ts";
import { silentLog } from "../../../lib/log.ts";
import { type ComponentParts, stored } from "../../support/builders.ts";
import { instance, nodeStatus } from "../../support/cli/builders.ts";

const STILL_MS = 800;

Deno.test("Scheduler plans again soon after the machine stood still while it planned", async () => {
  const plannedMs: number[] = [];
  const second = Promise.withResolvers<void>();
  const scheduler = new Scheduler({
    catalog: {
      current: {
        components: [],
        eventSources: [],
        cfg: [],
        componentByName: new Map(),
        eventSourceByName: new Map(),
      },
    },
    nodes: () => {
      const begun = performance.now();
      plannedMs.push(begun);
      // The process gets no time: as when the machine is suspended, or somebody else has it.
      while (plannedMs.length === 1 && performance.now() - begun < STILL_MS);
      if (plannedMs.length === 2) second.resolve();
      return [];
    },
    send: () => Promise.resolve(),
    log: silentLog,
    now: () => Date.now(),
  });
  const stop = new AbortController();
  const owning = scheduler.own(1, stop.signal);
  await second.promise;
  stop.abort();
  await owning;
  const restMs = plannedMs[1]! - plannedMs[0]! - STILL_MS;
  assert.ok(restMs >= 500, `it rests a little, ${restMs} ms`);
  assert.ok(restMs < 2000, `it does not make up for what it has not done, ${restMs} ms`);
});

/** The first order to each of `nodes`, in a cluster with these components. */
async function firstOrders(nodes: readonly NodeStatus[], ...components: ComponentParts[]) {
  const orders: Record<string, Omit<TargetOrder, "epoch" | "number">> = {};
  const stop = new AbortController();
  const all = components.map((parts) => stored(parts));
  const scheduler = new Scheduler({
    catalog: {
      current: {
        components: all,
        componentByName: new Map(all.map((one) => [one.component.name, one])),
        eventSources: [],
        eventSourceByName: new Map(),
        cfg: [],
      },
    },
    nodes: () => nodes,
    send: (nodeId, { epoch: _epoch, number: _number, ...order }) => {
      orders[nodeId] ??= order;
      if (Object.keys(orders).length === nodes.length) stop.abort();
      return Promise.resolve();
    },
    log: silentLog,
    now: () => nodes[0]!.observedAt,
  });
  await scheduler.own(1, stop.signal);
  return orders;
}

Deno.test("Scheduler tells every node what has no place, for which version and why", async () => {
  const docker = { reserveMemoryMiB: 9000 };
  const { n1, n2 } = await firstOrders(
    [nodeStatus("n1", []), nodeStatus("n2", [])],
    { name: "big", version: 3, minInstances: 1, docker },
  );
  const reason = "needs 9000 MiB, largest free is 8000 MiB";
  const refused = [{ componentName: "big", version: 3, reason }];
  assert.deepEqual([n1, n2], [{ targets: [], refused }, { targets: [], refused }]);
});

Deno.test("Scheduler tells a draining node what is stuck there and why", async () => {
  const { n1, n2 } = await firstOrders(
    [
      nodeStatus("n1", [instance("shop", { memoryReservedMiB: 600, activity: [] })], {
        state: "draining",
      }),
      nodeStatus("n2", [], { totalMemoryMiB: 500 }),
    ],
    { name: "shop", minInstances: 1, docker: { reserveMemoryMiB: 600 } },
  );
  const reason = "needs 600 MiB, largest free is 500 MiB";
  assert.deepEqual(n1!.stuck, [{ componentName: "shop", version: 1, reason }]);
  assert.deepEqual(n2, { targets: [], refused: [] });
});
