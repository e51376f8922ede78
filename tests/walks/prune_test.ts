import assert from "node:assert/strict";
import type { PruneEntry } from "../../lib/contract/prune.ts";
import { OwnImages } from "../support/docker/own_images.ts";
import { TestNode } from "../support/node.ts";

const LIMIT_MS = 60_000;

/** A node that may prune the images of `images` and no other. */
function startNode(images: OwnImages, env: Record<string, string> = {}): Promise<TestNode> {
  return TestNode.start({
    env: {
      MAEL_DOCKER_PRUNE_UNREG_IMAGES: "true",
      MAEL_DOCKER_PRUNE_UNREG_ONLY: `${images.repository}*`,
      MAEL_DOCKER_PRUNE_UNREG_KEEP: `none*,${images.repository}:kept`,
      MAEL_DOCKER_PRUNE_AGE_MINUTES: "0",
      ...env,
    },
  });
}

/** `name: outcome` of what went, and the notices. */
async function prune(node: TestNode, ...flags: readonly string[]): Promise<string[]> {
  const lines = (await node.run(["prune", "--json", ...flags])).trim().split("\n");
  const entries = lines.filter((line) => line !== "").map((line): PruneEntry => JSON.parse(line));
  return entries.map((entry) =>
    "text" in entry ? entry.text : `${entry.names[0] ?? entry.id}: ${entry.outcome}`
  ).toSorted();
}

/** A stopped container of an earlier run of `node`, or of another node; gives its name. */
async function leftOver(node: TestNode, images: OwnImages, nodeId: string): Promise<string> {
  const name = `maelstrom-left-${crypto.randomUUID().slice(0, 8)}`;
  const Labels = { maelstrom: "true", maelstrom_node: nodeId };
  await images.test.create({ name, Labels });
  assert.ok(await node.docker.inspectContainer(name, AbortSignal.timeout(LIMIT_MS)));
  return name;
}

Deno.test("walk: prune removes images no component names and leftovers of this node, nothing else", async () => {
  await using images = new OwnImages();
  const [old, named] = [await images.make("old"), await images.make("named")];
  const kept = await images.make("kept");
  const used = await images.make("used");
  await images.test.create({ Image: used, Cmd: ["/none"] });
  await using node = await startNode(images);
  await node.putSample("hello");
  await node.putSample("named", { image: `docker.io/library/${named}` });
  await fetch(`${node.url}/hello/`).then((response) => response.text());
  const mine = await leftOver(node, images, node.nodeId);
  const others = await leftOver(node, images, "another-node");

  const dry = await prune(node, "--dry-run");
  assert.deepEqual(dry, [`${mine}: would_remove`, `${old}: would_remove`]);
  assert.equal((await images.left()).length, 4);

  assert.deepEqual(await prune(node), [`${mine}: removed`, `${old}: removed`]);
  assert.deepEqual(await images.left(), [kept, named, used]);
  const signal = AbortSignal.timeout(LIMIT_MS);
  assert.equal(await node.docker.inspectContainer(mine, signal), undefined);
  assert.ok(await node.docker.inspectContainer(others, signal));
  assert.match(await (await fetch(`${node.url}/hello/`)).text(), /hello/);
  assert.match(await node.run(["prune"]), /^Nothing to prune$/m);

  await node.run(["comp", "rm", "named"]);
  assert.deepEqual(await prune(node), [`${named}: removed`]);
});

Deno.test("walk: prune leaves images alone without the setting, below the age, below the disk's threshold", async () => {
  await using images = new OwnImages();
  const old = await images.make("old");
  const cases = [
    [{ MAEL_DOCKER_PRUNE_UNREG_IMAGES: "false" }, /MAEL_DOCKER_PRUNE_UNREG_IMAGES is false/],
    [{ MAEL_DOCKER_PRUNE_AGE_MINUTES: "60" }, /^$/],
    [{ MAEL_DOCKER_PRUNE_DISK_PCT: "100" }, /the disk of Docker is \d+ % full, not more than 100/],
  ] as const;
  for (const [env, notice] of cases) {
    await using node = await startNode(images, { ...env });
    assert.match((await prune(node)).join("\n"), notice);
    assert.deepEqual(await images.left(), [old]);
  }
});
