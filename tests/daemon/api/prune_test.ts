import assert from "node:assert/strict";
import { apiHandler } from "../../../daemon/api/api.ts";
import { pruneEndpoint } from "../../../daemon/api/prune.ts";
import type { Methods } from "../../../daemon/api/rpc.ts";
import { Pruner } from "../../../daemon/prune/pruner.ts";
import { MaelstromError } from "../../../lib/errors.ts";
import { silentLog } from "../../../lib/log.ts";
import { ADMINISTRATOR } from "../../../lib/rpc/caller.ts";

const IDS = ["a", "b", "c"];

function parts(listed: Error | undefined = undefined) {
  const removed: string[] = [];
  const stop = new AbortController();
  const docker = {
    listImages: () => Promise.resolve([]),
    listContainers: () =>
      listed ? Promise.reject(listed) : Promise.resolve(IDS.map((id) => ({
        id,
        name: `name-${id}`,
        image: "i",
        imageId: "sha256:0",
        createdAtMs: 0,
        status: "exited" as const,
        labels: {},
        addresses: {},
      }))),
    removeImage: () => Promise.resolve("done" as const),
    removeContainer: (id: string) => {
      removed.push(id);
      return Promise.resolve("done" as const);
    },
  };
  const pruner = new Pruner({
    docker,
    policy: { images: false, keep: [], only: [], ageMs: 0, diskPct: 0 },
    isOurs: () => true,
    isKnown: () => false,
    named: () => Promise.resolve([]),
    diskPct: () => Promise.resolve(undefined),
    log: silentLog,
    now: () => 0,
  });
  const handler = apiHandler({} as Methods, silentLog, {
    "/_mael/prune": pruneEndpoint(pruner, silentLog, stop.signal),
  });
  const post = (query = "") =>
    handler(new Request(`http://node/_mael/prune${query}`, { method: "POST" }), ADMINISTRATOR);
  return { post, removed, stop };
}

Deno.test("pruneEndpoint() answers a failure before the first word as an error", async () => {
  const { post } = parts(new MaelstromError("engine_unavailable", "Cannot reach Docker"));
  const response = await post();
  assert.equal(response.status, 503);
  assert.equal((await response.json()).error.message, "Cannot reach Docker");
  assert.equal((await parts().post("?dryRun=perhaps")).status, 400);
});

Deno.test("pruneEndpoint() only tells, in a dry run", async () => {
  const { post, removed } = parts();
  const lines = (await (await post("?dryRun=true")).text()).trim().split("\n").map((line) =>
    JSON.parse(line)
  );
  assert.equal(lines[0].kind, "notice");
  assert.deepEqual(lines.slice(1).map(({ names, outcome }) => [names[0], outcome]), [
    ["name-a", "would_remove"],
    ["name-b", "would_remove"],
    ["name-c", "would_remove"],
  ]);
  assert.deepEqual(removed, []);
});

Deno.test("pruneEndpoint() removes, and stops when the caller leaves", async () => {
  const { post, removed } = parts();
  const reader = (await post()).body!.getReader();
  await reader.read();
  assert.equal(removed.length, 0);
  await reader.read();
  assert.equal(removed.length, 1);
  await reader.cancel();
  assert.equal(removed.length, 1);
  // The next caller need not wait for the one that left.
  assert.equal((await (await post()).text()).trim().split("\n").length, 4);
  assert.deepEqual(removed, ["a", ...IDS]);
});

Deno.test("pruneEndpoint() refuses a second run, and says so when the node stops", async () => {
  const { post, stop } = parts();
  const first = await post();
  assert.equal((await post()).status, 409);
  stop.abort();
  const last = (await first.text()).trim().split("\n").at(-1) ?? "";
  assert.deepEqual(JSON.parse(last), {
    kind: "failure",
    code: "stopping",
    text: "Cannot go on pruning: the node is stopping",
  });
});
