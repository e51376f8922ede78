/** Whose row goes, and when the removal ends. @module */
import { strict as assert } from "node:assert";
import {
  forgetSilentNodes,
  type SilentNodesOptions,
} from "../../../daemon/cluster/silent_nodes.ts";
import { MaelstromError } from "../../../lib/errors.ts";
import { silentLog } from "../../../lib/log.ts";
import { nodeStatus } from "../../support/cli/builders.ts";

const owner = { role: "placement", epoch: 3 };
const known = () => [
  { status: nodeStatus("here", []), isIn: true },
  { status: nodeStatus("other", []), isIn: false, fault: "it speaks version 9" },
  { status: nodeStatus("gone", []), isIn: false },
];

type Remove = SilentNodesOptions["store"]["removeSilentNodes"];

function options(removeSilentNodes: Remove, livenessMs = 1000): SilentNodesOptions {
  const now = () => 5000;
  return { store: { removeSilentNodes }, cluster: { known }, livenessMs, log: silentLog, now };
}

Deno.test("forgetSilentNodes() keeps who is heard, and removes as owner", async () => {
  const stop = new AbortController();
  const calls: unknown[] = [];
  const remove: Remove = (...call) => {
    calls.push(call);
    stop.abort();
    return Promise.resolve(["gone"]);
  };
  await forgetSilentNodes(options(remove), owner, stop.signal);
  assert.deepEqual(calls, [[owner, { beforeMs: 4000, kept: new Set(["here", "other"]) }]]);
});

Deno.test("forgetSilentNodes() ends with stale_epoch when the role was claimed again", async () => {
  const remove: Remove = () => Promise.reject(new MaelstromError("stale_epoch", "over"));
  const { signal } = new AbortController();
  await assert.rejects(forgetSilentNodes(options(remove), owner, signal), { code: "stale_epoch" });
});

Deno.test("forgetSilentNodes() outlives a database that is away", async () => {
  const stop = new AbortController();
  const remove: Remove = () => {
    stop.abort();
    return Promise.reject(new MaelstromError("store_unavailable", "away"));
  };
  await forgetSilentNodes(options(remove), owner, stop.signal);
});

Deno.test("forgetSilentNodes() waits for no write when its role is lost", async () => {
  const stop = new AbortController();
  const write = Promise.withResolvers<string[]>();
  const remove: Remove = () => {
    queueMicrotask(() => stop.abort());
    return write.promise;
  };
  await forgetSilentNodes(options(remove), owner, stop.signal);
  write.reject(new MaelstromError("store_unavailable", "late"));
});

Deno.test("forgetSilentNodes() removes nothing when the liveness is 0", async () => {
  const stop = new AbortController();
  const remove: Remove = () => assert.fail("removed");
  const work = forgetSilentNodes(options(remove, 0), owner, stop.signal);
  stop.abort();
  await work;
});
