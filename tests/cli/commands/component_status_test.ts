import assert from "node:assert/strict";
import { statusComment } from "../../../cli/commands/component_status.ts";
import type { ComponentInfo, ComponentStatus } from "../../../lib/contract/v1.ts";
import { component } from "../../support/cli/builders.ts";
import { startFakeNode } from "../../support/cli/fake_node.ts";
import { NOW_MS, run } from "../../support/cli/run.ts";

type Instance = ComponentStatus["instances"][number];

function instance(parts: Partial<Instance> = {}): Instance {
  const info: ComponentInfo = {
    componentName: "shop",
    componentVersion: 3,
    status: "active",
    maxConcurrency: 1,
    memoryReservedMiB: 128,
    startTime: 0,
    lastRequestTime: 0,
    totalRequests: 0,
    activity: [],
    containerName: "maelstrom-shop-1",
    inFlight: 0,
    admits: 1,
    health: [],
  };
  return { nodeId: "n1", ...info, ...parts };
}

const FAILING: ComponentStatus = {
  instances: [
    instance({ nodeId: "n2" }),
    instance({
      health: [
        { at: NOW_MS - 12_000, healthy: true, detail: "status 200" },
        { at: NOW_MS - 2000, healthy: false, detail: "status 503" },
      ],
    }),
    instance({ status: "frozen" }),
    instance({ componentVersion: 4, status: "starting", progress: "pulling shop:8, 45 %" }),
  ],
  failures: [{
    nodeId: "n1",
    componentName: "shop",
    componentVersion: 4,
    message: 'Cannot start "shop": process exited with code 3, last line: no config',
    attempts: 3,
    retryAt: NOW_MS + 7600,
    lines: ["reading config", "no\r\nconfig\u001b[2J"],
    health: [{ at: NOW_MS - 1000, healthy: false, detail: "Connection refused" }],
  }],
};

Deno.test("statusComment() tells instances, the version that fails, its checks and lines", () => {
  assert.equal(
    statusComment(FAILING, NOW_MS),
    `# version 3 on n1: 1 active, 1 frozen
#   maelstrom-shop-1: health status 200, status 503 (failed); 2 seconds ago
# version 3 on n2: 1 active
# version 4 on n1: 1 starting (pulling shop:8, 45 %)
# version 4 does not start on n1: process exited with code 3, last line: no config; 3 attempts, next in 8 s; version 3 serves
#   health check failed: Connection refused; 1 second ago
#   | reading config
#   | no\u{fffd}\u{fffd}config\u{fffd}[2J
`,
  );
});

Deno.test("statusComment() says when nothing runs, and when nothing else serves", () => {
  assert.equal(statusComment({ instances: [], failures: [] }, NOW_MS), "# nothing runs now\n");
  const failures = [{ ...FAILING.failures[0]!, attempts: 1, retryAt: 0, lines: [], health: [] }];
  assert.match(
    statusComment({ instances: [], failures }, NOW_MS),
    /; 1 attempt, next is due; no other version serves\n$/,
  );
});

Deno.test("statusComment() says why there are fewer than wanted", () => {
  const refused = { componentName: "shop", version: 4, reason: "no node takes instances" };
  assert.equal(
    statusComment({ instances: [], failures: [], refused }, NOW_MS),
    "# nothing runs now\n# fewer than wanted: no node takes instances\n",
  );
});

Deno.test("getComponent() tells the status, and putComponent() passes over it", async () => {
  await using node = startFakeNode({
    components: [component("shop", { version: 3 })],
    status: () => FAILING,
  });
  const env = { MAELSTROM_PRIVATE_URL: node.url, MAEL_CLUSTER_KEY: "k" };
  for (const flags of [[], ["--json"]]) {
    const { stdout } = await run(["comp", "get", "shop", ...flags], { env });
    if (flags.length === 0) assert.match(stdout, /^# version 3 on n1: .*\n(#.*\n)+name: shop\n/);
    else assert.deepEqual(JSON.parse(stdout).status, FAILING);
    const { code, stderr } = await run(["comp", "put", "-f", "-"], { env, stdin: stdout });
    assert.deepEqual([code, stderr], [0, ""]);
  }
  assert.equal(node.components.get("shop")?.version, 5);
});
