/** What a peer of another release leaves out, or says beyond what is known here. @module */
import assert from "node:assert/strict";
import { check } from "../../../lib/contract/check.ts";
import { inputSchemas } from "../../../lib/contract/methods.ts";
import { readStatus } from "../../../lib/contract/peer_status.ts";
import type { NodeStatus } from "../../../lib/contract/v1.ts";
import { instance, nodeStatus } from "../../support/cli/builders.ts";

Deno.test("readStatus() leaves a whole status as it is, with what is unknown here", () => {
  const status = { ...nodeStatus("b", [instance("shop")]), mood: "good" };
  assert.equal(JSON.stringify(readStatus(status)), JSON.stringify(status), "in its order, too");
});

Deno.test("readStatus() gives what is missing its default", () => {
  const { nodeId, peerUrl, startedAt, observedAt, version } = nodeStatus("b", []);
  const info = { componentName: "shop", status: "active", maxConcurrency: 7 };
  const words = { nodeId, peerUrl, startedAt, observedAt, version, runningComponents: [info] };
  const { runningComponents: [read], ...status } = readStatus(words as unknown as NodeStatus);
  assert.deepEqual(read, { ...info, admits: 7, activity: [], inFlight: 0, health: [] });
  const { failures, waiting, roles, sources, labels, state, isLeaving, protocol } = status;
  assert.deepEqual({ failures, waiting, roles, sources, labels, state, isLeaving, protocol }, {
    failures: [],
    waiting: [],
    roles: [],
    sources: [],
    labels: {},
    state: "ready",
    isLeaving: false,
    protocol: 1,
  });
});

Deno.test("inputSchemas take what a peer of the next release adds to its requests", () => {
  const target = { componentName: "shop", count: 1, version: 1 };
  const order = { epoch: 3, number: 1, targets: [target], refused: [] };
  const more = { ...order, targets: [{ ...target, zone: "a" }], mood: "good" };
  assert.deepEqual(check(inputSchemas["NodeService.SetTargets"], more, "input"), order);
  const status = { ...nodeStatus("b", []), mood: "good" };
  const word = { nodeId: "b", exiting: false, status };
  const schema = inputSchemas["NodeService.StatusChanged"];
  assert.deepEqual(check(schema, { ...word, mood: "good" }, "input"), word);
});
