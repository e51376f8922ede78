/** Whose requests wait where no instance can be reached. @module */
import assert from "node:assert/strict";
import { cutOffComponents } from "../../../daemon/scheduler/cut_off.ts";
import type { ComponentInfo, NodeStatus } from "../../../lib/contract/v1.ts";
import { instance, nodeStatus } from "../../support/cli/builders.ts";

const waiting = [{ componentName: "shop", count: 1 }];

/** Node `a`, where somebody waits for the shop. */
function asking(reached?: readonly string[], has: readonly ComponentInfo[] = []): NodeStatus {
  return nodeStatus("a", has, { waiting, ...(reached ? { reached } : {}) });
}

for (
  const { name, statuses, isCutOff } of [
    {
      name: "whose one instance is out of reach",
      statuses: [asking(["c"]), nodeStatus("b", [instance("shop")]), nodeStatus("c", [])],
      isCutOff: true,
    },
    {
      name: "that is frozen out of reach",
      statuses: [asking([]), nodeStatus("b", [instance("shop", { status: "frozen" })])],
      isCutOff: true,
    },
    {
      name: "one of whose instances is within reach",
      statuses: [
        asking(["c"]),
        nodeStatus("b", [instance("shop")]),
        nodeStatus("c", [instance("shop")]),
      ],
      isCutOff: false,
    },
    {
      name: "that is here, and full",
      statuses: [asking([], [instance("shop")]), nodeStatus("b", [instance("shop")])],
      isCutOff: false,
    },
    {
      name: "that starts somewhere",
      statuses: [
        asking(["c"]),
        nodeStatus("b", [instance("shop")]),
        nodeStatus("c", [instance("shop", { status: "starting" })]),
      ],
      isCutOff: false,
    },
    { name: "that has no instance", statuses: [asking([]), nodeStatus("b", [])], isCutOff: false },
    {
      name: "of which a node waits that does not say whom it reaches",
      statuses: [asking(), nodeStatus("b", [instance("shop")])],
      isCutOff: false,
    },
  ]
) {
  Deno.test(`cutOffComponents() ${isCutOff ? "names" : "leaves out"} a component ${name}`, () => {
    assert.deepEqual([...cutOffComponents(statuses)], isCutOff ? ["shop"] : []);
  });
}
