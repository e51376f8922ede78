import assert from "node:assert/strict";
import { assertGolden } from "../../support/cli/golden.ts";
import { instance, nodeStatus } from "../../support/cli/builders.ts";
import { startFakeNode } from "../../support/cli/fake_node.ts";
import { run } from "../../support/cli/run.ts";

const NODES = [
  nodeStatus("0d9f2b64-a-long-id", [
    instance("shop"),
    instance("blog", { status: "starting", lastRequestTime: 0, totalRequests: 0, activity: [] }),
  ]),
  nodeStatus("node-2", [
    instance("a-component-whose-name-is-too-long", { status: "stopping", maxConcurrency: 0 }),
    instance("shop", { lastRequestTime: -6795364578871 }),
  ], { peerUrl: "not a url" }),
];

for (
  const [golden, ...spellings] of [
    ["node_ls.txt", ["node", "ls"], ["cluster", "nodes"]],
    ["ps.txt", ["ps"], ["cluster", "ps"]],
  ] as const
) {
  for (const words of spellings) {
    Deno.test(`${words.join(" ")} prints a table`, async () => {
      await using node = startFakeNode({ nodes: NODES });
      const { code, stdout } = await run(words, { env: { MAELSTROM_PRIVATE_URL: node.url } });
      assert.equal(code, 0);
      await assertGolden(stdout, golden);
    });
  }
}

Deno.test("listInstances() colours the status on a terminal", async () => {
  await using node = startFakeNode({ nodes: NODES });
  const env = { MAELSTROM_PRIVATE_URL: node.url };
  const { stdout } = await run(["ps"], { env, isTerminal: true });
  await assertGolden(stdout, "ps_colour.txt");
  const plain = await run(["ps"], { env: { ...env, NO_COLOR: "1" }, isTerminal: true });
  assert.ok(!plain.stdout.includes("\x1b"));
});

Deno.test("listNodes() and listInstances() print JSON", async () => {
  await using node = startFakeNode({ nodes: NODES });
  const env = { MAELSTROM_PRIVATE_URL: node.url };
  assert.deepEqual(JSON.parse((await run(["node", "ls", "--json"], { env })).stdout), NODES);
  const instances = JSON.parse((await run(["ps", "--json"], { env })).stdout);
  assert.deepEqual(
    instances.map(({ nodeId, componentName }: Record<string, string>) => [
      componentName,
      nodeId,
    ]),
    [
      ["a-component-whose-name-is-too-long", "node-2"],
      ["blog", "0d9f2b64-a-long-id"],
      ["shop", "0d9f2b64-a-long-id"],
      ["shop", "node-2"],
    ],
  );
});

Deno.test("listInstances() says that nothing runs; listNodes() prints nothing", async () => {
  await using node = startFakeNode();
  const env = { MAELSTROM_PRIVATE_URL: node.url };
  assert.equal((await run(["ps", "--refresh"], { env })).stdout, "No running containers found\n");
  assert.equal((await run(["node", "ls"], { env })).stdout, "");
  assert.deepEqual(node.calls.map(({ input }) => input.forceRefresh), [true, false]);
});
