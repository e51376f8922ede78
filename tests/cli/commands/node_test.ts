import assert from "node:assert/strict";
import { assertGolden } from "../../support/cli/golden.ts";
import { instance, nodeStatus, sourceStatus } from "../../support/cli/builders.ts";
import { rpcError, startFakeNode } from "../../support/cli/fake_node.ts";
import { run } from "../../support/cli/run.ts";

const NODES = [
  nodeStatus("0d9f2b64-a-long-id", [
    instance("shop"),
    instance("blog", {
      status: "starting",
      lastRequestTime: 0,
      totalRequests: 0,
      activity: [],
      progress: "pulling blog:7, 45 %",
    }),
  ]),
  nodeStatus("node-2", [
    instance("a-component-whose-name-is-too-long", { status: "stopping", maxConcurrency: 0 }),
    instance("shop", { lastRequestTime: -6795364578871 }),
  ], {
    peerUrl: "not a url",
    state: "draining",
    roles: [{ role: "placement", epoch: 3 }, { role: "cron", epoch: 9 }],
  }),
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
  assert.deepEqual(
    JSON.parse((await run(["node", "ls", "--json"], { env })).stdout),
    NODES.map((node) => ({ ...node, isSilent: false })),
  );
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

Deno.test("listNodes() says why a node that is there is not used", async () => {
  const nodeId = "node-2";
  await using node = startFakeNode({
    nodes: NODES,
    unusedNodes: [{ nodeId, reason: "it speaks version 9" }],
  });
  const env = { MAELSTROM_PRIVATE_URL: node.url };
  const lines = (await run(["node", "ls"], { env })).stdout.trim().split("\n");
  assert.match(lines.at(-2)!, /^node-2 .* unused /);
  assert.equal(lines.at(-1), "Node node-2 is not used: it speaks version 9");
  const [, shown] = JSON.parse((await run(["node", "ls", "--json"], { env })).stdout);
  assert.deepEqual([shown.isSilent, shown.unusedReason], [false, "it speaks version 9"]);
  assert.match((await run(["ps"], { env })).stdout, /node-2/, "what runs there does run");
});

Deno.test("listInstances() says that nothing runs; listNodes() prints nothing", async () => {
  await using node = startFakeNode();
  const env = { MAELSTROM_PRIVATE_URL: node.url };
  assert.equal((await run(["ps", "--refresh"], { env })).stdout, "No running containers found\n");
  assert.equal((await run(["node", "ls"], { env })).stdout, "");
  assert.deepEqual(node.calls.map(({ input }) => input.forceRefresh), [true, false]);
});

Deno.test("listInstances() watches until it is interrupted, through a node that is away", async () => {
  const stop = new AbortController();
  let looked = 0;
  await using node = startFakeNode({
    nodes: NODES,
    intercept: () => {
      looked += 1;
      if (looked === 4) stop.abort();
      return looked === 2 ? rpcError("stopping", "The node is stopping") : undefined;
    },
  });
  const env = { MAELSTROM_PRIVATE_URL: node.url };
  const options = { env, signal: stop.signal };
  const { code, stdout, stderr } = await run(["ps", "--watch", "0.1", "--json"], options);
  assert.deepEqual([code, stderr], [0, "maelstrom: The node is stopping\n"]);
  const lists = stdout.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(lists.map((list) => list.length), [4, 4]);
});

Deno.test("listInstances() watching draws over the screen, and keeps what was last known", async () => {
  const stop = new AbortController();
  let looked = 0;
  await using node = startFakeNode({
    nodes: NODES,
    intercept: () => {
      looked += 1;
      if (looked === 3) stop.abort();
      return looked === 2 ? rpcError("stopping", "The node is stopping") : undefined;
    },
  });
  const env = { MAELSTROM_PRIVATE_URL: node.url, NO_COLOR: "1" };
  const size = { terminalSize: { columns: 90, rows: 6 }, isTerminal: true };
  const { code, stdout } = await run(["ps", "-w", "0.1"], { env, signal: stop.signal, ...size });
  assert.equal(code, 0);
  const [before, first, second] = stdout.split("\x1b[H");
  assert.equal(before, "");
  const lines = (frame = "") =>
    // deno-lint-ignore no-control-regex -- what draws on a terminal
    frame.replaceAll(/\x1b\[[?\d]*[a-zA-Z]/g, "").split("\n").map((line) => line.trimEnd());
  const [time, ...rows] = lines(first);
  assert.match(time!, /^2024-05-01T/);
  assert.deepEqual(rows, [
    "Component      Ver  Status    Node ID        Max RAM  Last Request    # Requests  Concur %",
    "-".repeat(90),
    "a-component-…  1    stopping  node-2         128      20 seconds ago  1234        200.00",
    "… and 3 more lines",
    "",
  ]);
  assert.deepEqual(lines(second).slice(1, 3), ["The node is stopping", rows[0]]);
});

Deno.test("listInstances() watching fails at once when no node answers", async () => {
  const { code, stderr } = await run(["ps", "-w"], {
    env: { MAELSTROM_PRIVATE_URL: "http://127.0.0.1:1" },
  });
  assert.equal(code, 1);
  assert.match(stderr, /Cannot reach a node/);
});

Deno.test("drainNode() waits for instances, pollers and messages, and says what is left", async () => {
  const roles = [{ role: "source/jobs/0", epoch: 1 }, { role: "placement", epoch: 3 }];
  const sources = [sourceStatus("jobs", { inFlight: 2 })];
  const stages = [
    nodeStatus("a", [instance("shop")], { state: "draining", roles, sources }),
    nodeStatus("a", [], { state: "draining", roles: [roles[1]!], sources }),
    nodeStatus("a", [], { state: "draining", roles: [roles[1]!] }),
  ];
  let looked = 0;
  await using node = startFakeNode({
    intercept: ({ method }) => {
      if (method !== "NodeService.ListNodeStatus") return Response.json({ id: "1", result: {} });
      // It is looked up first.
      const stage = stages[Math.max(0, looked++ - 1)];
      return Response.json({ id: "1", result: { nodes: [stage, nodeStatus("b", [])] } });
    },
  });
  const env = { MAELSTROM_PRIVATE_URL: node.url };
  const { code, stdout } = await run(["node", "drain", "a"], { env });
  assert.equal(
    stdout,
    "1 instance, 1 poller, 2 messages left: shop\n2 messages left\nNode drained: a\n",
  );
  assert.equal(code, 0);
});

Deno.test("drainNode() does not wait for pollers that no other node can take", async () => {
  const fields = { state: "draining", roles: [{ role: "source/jobs/0", epoch: 1 }] } as const;
  await using node = startFakeNode({
    nodes: [nodeStatus("a", [], fields)],
    intercept: ({ method }) =>
      method === "NodeService.PutNodeState" ? Response.json({ id: "1", result: {} }) : undefined,
  });
  const env = { MAELSTROM_PRIVATE_URL: node.url };
  const { stdout } = await run(["node", "drain", "a"], { env });
  assert.equal(stdout, "Node drained: a\n");
});

const STUCK = [{
  componentName: "shop",
  version: 1,
  reason: "needs 512 MiB, largest free is 300 MiB",
}];

Deno.test("drainNode() tells what is stuck and why, and ends with it when its time is over", async () => {
  const nodes = [nodeStatus("n1", [instance("shop"), instance("blog")], { stuck: STUCK })];
  await using node = startFakeNode({ nodes });
  const env = { MAELSTROM_PRIVATE_URL: node.url };
  const { code, stdout, stderr } = await run(["node", "drain", "n1", "--deadline", "1"], { env });
  assert.equal(code, 6);
  const why = 'no other node takes "shop": needs 512 MiB, largest free is 300 MiB';
  assert.equal(stdout, `2 instances left: blog, shop\n${why}\n`);
  assert.equal(
    stderr,
    'maelstrom: Cannot drain node "n1" within 1 s: 2 instances left: blog, shop; ' +
      `${why}; it goes on draining\n`,
  );
});

Deno.test("drainNode() tells each change once, until nothing is left", async () => {
  const all = [
    nodeStatus("n1", [instance("shop")]),
    nodeStatus("n1", [instance("shop")], { stuck: STUCK }),
    nodeStatus("n1", [instance("shop")], { stuck: STUCK }),
    nodeStatus("n1", [instance("shop")]),
    nodeStatus("n1", []),
  ];
  let looked = -1;
  await using node = startFakeNode({
    intercept: ({ method }) => {
      if (!method.endsWith("ListNodeStatus")) return undefined;
      const nodes = [all[Math.min(Math.max(0, looked++), all.length - 1)]!];
      const result = { respondingNodeId: "n1", nodes };
      return Response.json({ jsonrpc: "2.0", id: "1", result });
    },
  });
  const { code, stdout } = await run(["node", "drain", "n1"], {
    env: { MAELSTROM_PRIVATE_URL: node.url },
  });
  assert.equal(code, 0);
  assert.deepEqual(stdout.split("\n"), [
    "1 instance left: shop",
    "1 instance left: shop",
    'no other node takes "shop": needs 512 MiB, largest free is 300 MiB',
    "1 instance left: shop",
    "Node drained: n1",
    "",
  ]);
});
