import assert from "node:assert/strict";
import type {
  Component,
  ComponentFailure,
  ComponentInfo,
  ComponentStatus,
} from "../../lib/contract/v1.ts";
import { component, instance, nodeStatus } from "../support/cli/builders.ts";
import { type FakeNodeOptions, rpcError, startFakeNode } from "../support/cli/fake_node.ts";
import { NOW_MS, run, type RunOptions } from "../support/cli/run.ts";

const PUT = ["comp", "put", "shop", "--image", "shop:8", "--port", "80"];
const OLD: Partial<ComponentInfo> = { componentVersion: 1 };
const STARTING: Partial<ComponentInfo> = { componentVersion: 2, status: "starting" };
const NEW: Partial<ComponentInfo> = { componentVersion: 2 };

type Look = readonly Partial<ComponentInfo>[] | Partial<ComponentFailure>;

/** Gives the nth look at `name` the nth status, any further one the last. */
function looks(name: string, ...all: readonly Look[]) {
  let count = 0;
  return (): ComponentStatus => {
    const look = all[Math.min(count++, all.length - 1)]!;
    const isList = Array.isArray(look);
    const instances = (isList ? look : [OLD]) as readonly Partial<ComponentInfo>[];
    return {
      instances: instances.map((parts) => ({ nodeId: "n1", ...instance(name, parts) })),
      failures: isList ? [] : [{ nodeId: "n1", ...failure(name, look as object) }],
    };
  };
}

function failure(name: string, parts: Partial<ComponentFailure>): ComponentFailure {
  return {
    componentName: name,
    componentVersion: 2,
    message: `Cannot start "${name}": process exited with code 3`,
    attempts: 2,
    retryAt: Date.now() + 60_000,
    lines: ["\x1b[31mboom\x1b[0m", "last words"],
    health: [{ at: NOW_MS, healthy: false, detail: "status 503" }],
    ...parts,
  };
}

interface Put extends RunOptions {
  readonly args?: readonly string[];
  readonly node?: FakeNodeOptions;
}

/** Puts version 2 of `shop` at a node where the looks at it give `all`. */
async function put(all: readonly Look[], { args = ["--wait"], node = {}, ...options }: Put = {}) {
  await using fake = startFakeNode({
    components: [component("shop")],
    // The first answer is for the put, which asks for the version.
    status: looks("shop", [], ...all),
    ...node,
  });
  return await run([...PUT, ...args], { env: { MAELSTROM_PRIVATE_URL: fake.url }, ...options });
}

Deno.test("followRollout() ends when the new version does not start, and shows why", async () => {
  const { code, stdout, stderr } = await put([[OLD, STARTING], {}]);
  assert.deepEqual([code, stdout], [1, "Component put: shop version 2\n"]);
  const lines = stderr.split("\n");
  assert.deepEqual(lines.slice(0, 2), [
    "shop version 2: 1 starting, 1 of version 1 to replace",
    "shop version 2: does not start",
  ]);
  assert.match(lines[2]!, /^\[shop\]\t2024-05-01T\S+ health check failed: status 503$/);
  assert.deepEqual(lines.slice(3, 5), ["[shop]\tboom", "[shop]\tlast words"]);
  assert.match(
    lines[5]!,
    /^maelstrom: Cannot roll out version 2 of "shop": process exited with code 3; 2 attempts, next in \d+ s; version 1 goes on serving$/,
  );
});

/** Nothing runs, and the planner says that nothing can. */
function refused(version: number): ComponentStatus {
  const reason = "needs 512 MiB, largest free is 300 MiB";
  return { instances: [], failures: [], refused: { componentName: "shop", version, reason } };
}

Deno.test("followRollout() ends when no node has room, and says why", async () => {
  const begun = performance.now();
  const { code, stderr } = await put([], { node: { status: () => refused(2) } });
  assert.equal(code, 1);
  assert.equal(
    stderr,
    "shop version 2: has no place: needs 512 MiB, largest free is 300 MiB\n" +
      'maelstrom: Cannot place "shop": needs 512 MiB, largest free is 300 MiB\n',
  );
  assert.ok(performance.now() - begun < 10_000);
});

Deno.test("followRollout() goes on when there is room after all", async () => {
  let looked = 0;
  const serves = looks("shop", [NEW]);
  const { code, stderr } = await put([], {
    node: { status: () => looked++ < 2 ? refused(2) : serves() },
  });
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^shop version 2: serves with 1 instance$/m);
});

Deno.test("followRollout() ends when its time is over", async () => {
  const { code, stderr } = await put([[OLD]], { args: ["--timeout", "1"] });
  assert.equal(code, 6);
  assert.equal(
    stderr,
    "shop version 2: 1 of version 1 to replace\n" +
      "maelstrom: Cannot see the rollout end: after 1 s shop version 2: 1 of version 1 to replace; " +
      "it goes on\n",
  );
});

Deno.test("followRollout() ends when its time is over, also when the node says nothing", async () => {
  const over = Promise.withResolvers<Response>();
  let looked = 0;
  const begun = performance.now();
  const ran = put([[OLD]], {
    args: ["--timeout", "1"],
    node: {
      intercept: ({ method }) =>
        method.endsWith("GetComponent") && looked++ > 0 ? over.promise : undefined,
    },
  });
  setTimeout(() => over.resolve(new Response()), 4000);
  const { code, stderr } = await ran;
  assert.equal(code, 6);
  assert.match(
    stderr,
    /after \d+ s shop version 2: the node does not answer, asking again; it goes/,
  );
  assert.ok(performance.now() - begun < 15_000);
});

Deno.test("followRollout() ends when somebody puts another version, or removes it", async () => {
  let looked = 0;
  const replaced = await put([[OLD]], {
    node: {
      intercept: ({ method }) => {
        if (!method.endsWith("GetComponent") || looked++ === 0) return undefined;
        const status = looks("shop", [OLD])();
        const result = { component: component("shop", { version: 3 }), status };
        return Response.json({ jsonrpc: "2.0", id: "1", result });
      },
    },
  });
  assert.equal(replaced.code, 5);
  assert.match(replaced.stderr, /version 2 of "shop": version 3 was put since$/m);
  looked = 0;
  const removed = await put([[OLD]], {
    node: {
      intercept: ({ method }) =>
        method.endsWith("GetComponent") && looked++ > 0
          ? rpcError("not_found", "No Component found")
          : undefined,
    },
  });
  assert.equal(removed.code, 3);
  assert.match(removed.stderr, /version 2 of "shop": it was removed since$/m);
});

Deno.test("followRollout() leaves the rollout alone when it is interrupted", async () => {
  const interrupt = new AbortController();
  let looked = 0;
  const { code, stderr } = await put([], {
    signal: interrupt.signal,
    node: {
      status: () => {
        if (looked++ > 1) interrupt.abort();
        return looks("shop", [OLD])();
      },
    },
  });
  assert.equal(code, 130);
  assert.match(stderr, /^Interrupted; the rollout goes on without being watched\n$/m);
});

Deno.test("followRollout() waits for a node that restarts", async () => {
  let looked = 0;
  const { code, stderr } = await put([[OLD], [NEW]], {
    node: {
      intercept: ({ method }) =>
        method.endsWith("GetComponent") && ++looked === 3
          ? rpcError("stopping", "the node is stopping")
          : undefined,
    },
  });
  assert.equal(code, 0);
  assert.deepEqual(stderr.split("\n"), [
    "shop version 2: 1 of version 1 to replace",
    "shop version 2: the node does not answer, asking again",
    "shop version 2: serves with 1 instance",
    "",
  ]);
});

Deno.test("followRollout() says each change once, and no percentages", async () => {
  const pulling = (percent: number) => [{ ...STARTING, progress: `pulling shop:8, ${percent} %` }];
  const { code, stderr } = await put([
    [{ ...OLD, status: "stopping" }],
    [],
    pulling(1),
    pulling(40),
    pulling(99),
    [NEW, NEW],
  ]);
  assert.equal(code, 0);
  assert.deepEqual(stderr.split("\n"), [
    "shop version 2: 1 stopping",
    "shop version 2: starts with its first request",
    "shop version 2: 1 starting (pulling shop:8, 1 %)",
    "shop version 2: serves with 2 instances",
    "",
  ]);
});

Deno.test("followRollout() does not wait for what starts with its first request", async () => {
  const { code, stderr } = await put([[]]);
  assert.deepEqual([code, stderr], [0, "shop version 2: starts with its first request\n"]);
});

Deno.test("followRollout() draws over what it drew on a terminal", async () => {
  const terminalSize = { columns: 80, rows: 24 };
  const { stderr } = await put([[OLD], [NEW]], { args: [], isTerminal: true, terminalSize });
  const [first, second, ...rest] = stderr.split("\x1b[1A");
  assert.equal(
    first,
    "\x1b[?7l\rshop version 2: 1 of version 1 to replace (0 s)\x1b[K\n\x1b[?7h\x1b[J",
  );
  assert.equal(
    second,
    "\x1b[?7l\rshop version 2: serves with 1 instance\x1b[K\n\x1b[?7h\x1b[J",
  );
  assert.deepEqual(rest, []);
});

Deno.test("putComponent() waits by default on a terminal only", async () => {
  assert.equal((await put([[NEW]], { args: [] })).stderr, "");
  assert.match((await put([[NEW]], { args: [], isTerminal: true })).stderr, /serves with 1/);
  assert.equal((await put([[NEW]], { args: ["--no-wait"], isTerminal: true })).stderr, "");
});

for (
  const [args, says] of [
    [["--wait", "--no-wait"], /"comp put": --no-wait contradicts --wait$/m],
    [["--timeout", "5", "--no-wait"], /--no-wait contradicts --timeout$/m],
    [["--timeout", "0"], /--timeout: must be between 1 and 86400 seconds, found 0$/m],
    [["--timeout", "x"], /--timeout: must be a whole number, found "x"$/m],
  ] as const
) {
  Deno.test(`putComponent() refuses ${args.join(" ")} before it puts`, async () => {
    await using node = startFakeNode();
    const ran = await run([...PUT, ...args], { env: { MAELSTROM_PRIVATE_URL: node.url } });
    assert.equal(ran.code, 2);
    assert.match(ran.stderr, says);
    assert.equal(node.calls.length, 0);
  });
}

Deno.test("putComponent() waits for every component of a file", async () => {
  await using node = startFakeNode({
    status: ({ name }: Component) => looks(name, [{ componentVersion: 1 }])(),
  });
  const stdin = ["a", "b"].map((name) => `name: ${name}\ndocker: {image: i, httpPort: 1}`)
    .join("\n---\n");
  const env = { MAELSTROM_PRIVATE_URL: node.url };
  const { code, stderr } = await run(["comp", "put", "-f", "-", "--wait"], { env, stdin });
  assert.equal(code, 0, stderr);
  assert.equal(
    stderr,
    "a version 1: serves with 1 instance\nb version 1: serves with 1 instance\n",
  );
});

Deno.test("putProject() waits for what was added and updated, and tells every failure", async () => {
  const image = (name: string) => `  ${name}: {image: "${name}:1", httpport: 80}\n`;
  const file = `name: demo\ncomponents:\n${image("a")}${image("b")}${image("c")}`;
  const failed = { componentVersion: 1, lines: [], health: [] };
  await using node = startFakeNode({
    nodes: [nodeStatus("n1", [])],
    status: ({ name }: Component) => looks(name, name.endsWith("c") ? [] : failed)(),
  });
  const env = { MAELSTROM_PRIVATE_URL: node.url };
  const put = await run(["project", "put", "-f", "-", "--wait", "--json"], { env, stdin: file });
  assert.equal(put.code, 1);
  assert.equal(JSON.parse(put.stdout).componentsAdded.length, 3);
  assert.deepEqual(put.stderr.match(/^maelstrom: Cannot roll out version 1 of "demo_[ab]"/gm), [
    'maelstrom: Cannot roll out version 1 of "demo_a"',
    'maelstrom: Cannot roll out version 1 of "demo_b"',
  ]);
  assert.match(put.stderr, /^demo_c version 1: starts with its first request$/m);
});
