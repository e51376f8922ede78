import assert from "node:assert/strict";
import { Scheduler } from "../../../daemon/scheduler/scheduler.ts";
import type { NodeStatus, TargetOrder } from "../../../lib/contract/v1.ts";
import { silentLog } from "../../../lib/log.ts";
import { type ComponentParts, stored } from "../../support/builders.ts";
import { instance, nodeStatus } from "../../support/cli/builders.ts";

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
