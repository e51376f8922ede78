import assert from "node:assert/strict";
import type { PruneEntry, PruneItem } from "../../../lib/contract/prune.ts";
import { assertGolden } from "../../support/cli/golden.ts";
import { run } from "../../support/cli/run.ts";
import { startStreamNode } from "../../support/cli/stream_node.ts";

const UNNAMED = "no component names it and no container uses it";

function image(names: readonly string[], fields: Partial<PruneItem> = {}): PruneItem {
  return {
    kind: "image",
    id: `sha256:${"4f".repeat(32)}`,
    names,
    sizeBytes: 150 * 2 ** 20,
    reason: UNNAMED,
    outcome: "removed",
    ...fields,
  };
}

const CONTAINER = image(["maelstrom-shop-aaaa1111"], {
  kind: "container",
  sizeBytes: 0,
  reason: "stopped, and left over from an earlier run",
});
const NOTICE: PruneEntry = { kind: "notice", text: "Images are left alone: it is so" };

Deno.test("prune prints what went, and fails when something could not go", async () => {
  await using node = startStreamNode([
    CONTAINER,
    image(["redis:3.2", "cache:1"]),
    image([]),
    image(["busy:1"], { outcome: "in_use" }),
    image(["bad:1"], { outcome: "failed", error: "Cannot remove: disk error" }),
  ]);
  const { code, stdout, stderr } = await run(["prune"], { env: node.env });
  assert.equal(code, 1);
  await assertGolden(stdout, "prune.txt");
  assert.equal(
    stderr,
    "bad:1: Cannot remove: disk error\nmaelstrom: Cannot prune all: 1 could not be removed\n",
  );
  assert.deepEqual(node.asked, ["POST /_mael/prune?dryRun=false"]);
});

Deno.test("prune --dry-run prints what would go", async () => {
  await using node = startStreamNode([image(["redis:3.2"], { outcome: "would_remove" })]);
  const { code, stdout } = await run(["prune", "--dry-run"], { env: node.env });
  assert.equal(code, 0);
  assert.match(stdout, /redis:3\.2 .* would go +no component/);
  assert.match(stdout, /Would remove 1 image and 0 containers, up to 150\.0 MiB\n$/);
  assert.deepEqual(node.asked, ["POST /_mael/prune?dryRun=true"]);
});

Deno.test("prune says why images were left alone", async () => {
  await using node = startStreamNode([NOTICE]);
  const { stdout } = await run(["prune"], { env: node.env });
  assert.equal(stdout, "Images are left alone: it is so\nNothing to prune\n");
});

Deno.test("prune --json passes the node's lines on", async () => {
  await using node = startStreamNode([NOTICE, CONTAINER]);
  const { stdout } = await run(["prune", "--json"], { env: node.env });
  assert.deepEqual(stdout.trim().split("\n").map((line) => JSON.parse(line)), [NOTICE, CONTAINER]);
});

Deno.test("prune fails with what ended the run, after what it did", async () => {
  const failure: PruneEntry = { kind: "failure", code: "stopping", text: "the node is stopping" };
  await using node = startStreamNode([CONTAINER, failure]);
  const { code, stdout, stderr } = await run(["prune"], { env: node.env });
  assert.equal(code, 1);
  assert.match(stdout, /Removed 0 images and 1 container/);
  assert.match(stderr, /the node is stopping/);
});
