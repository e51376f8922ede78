import assert from "node:assert/strict";
import { rpcError, startFakeNode } from "../../support/cli/fake_node.ts";
import { assertGolden } from "../../support/cli/golden.ts";
import { NOW_MS, run } from "../../support/cli/run.ts";

const INFOS = [
  {
    name: "DB_PASSWORD",
    secret: true,
    version: 3,
    modifiedAt: NOW_MS,
    usedBy: ["blog", "shop"],
  },
  { name: "REGION", value: "eu", secret: false, version: 1, modifiedAt: NOW_MS, usedBy: [] },
];

/** A node that answers each method with what `results` gives. */
function nodeWith(results: Readonly<Record<string, unknown>>) {
  const node = startFakeNode({
    intercept: ({ method }) => {
      const result = results[method.replace("MaelstromService.", "")];
      return result instanceof Response
        ? result
        : Response.json({ jsonrpc: "2.0", id: "1", result });
    },
  });
  return { node, env: { MAELSTROM_PRIVATE_URL: node.url, MAEL_CLUSTER_KEY: "k" } };
}

Deno.test("putCfg() sends every value and tells what came of each", async () => {
  const { node, env } = nodeWith({
    PutCfg: {
      changed: [{ name: "B", version: 2, secret: false }],
      components: [{ name: "shop", version: 8 }],
    },
  });
  await using _node = node;
  const { code, stdout, stderr } = await run(["cfg", "put", "A=", "B=x=y"], { env });
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal(
    stdout,
    "Value unchanged: A\nValue put: B version 2\nComponent rolls out: shop version 8\n",
  );
  assert.deepEqual(node.calls[0]?.input, {
    values: [{ name: "A", value: "" }, { name: "B", value: "x=y" }],
  });
});

for (
  const [stdin, value] of [["s3cret\n", "s3cret"], ["a\r\n", "a"], ["a\n\n", "a\n"], [
    "",
    "",
  ]] as const
) {
  Deno.test(`putCfg() reads ${JSON.stringify(stdin)} as ${JSON.stringify(value)}`, async () => {
    const { node, env } = nodeWith({
      PutCfg: { changed: [{ name: "A", version: 1, secret: true }], components: [] },
    });
    await using _node = node;
    const { stdout } = await run(["cfg", "put", "A", "-", "--secret"], { env, stdin });
    assert.equal(stdout, "Value put: A version 1 (secret)\n");
    assert.deepEqual(node.calls[0]?.input, { values: [{ name: "A", value, secret: true }] });
  });
}

for (
  const args of [[], ["hunter2"], ["A", "hunter2"], ["=hunter2"], ["A=hunter2", "-"], [
    "A",
    "-",
    "b",
  ], [
    "-",
  ]]
) {
  Deno.test(`putCfg() refuses "${args.join(" ")}" without repeating it`, async () => {
    const { node, env } = nodeWith({});
    await using _node = node;
    const { code, stderr } = await run(["cfg", "put", ...args], { env });
    assert.equal(code, 2);
    assert.match(stderr, /^maelstrom: Cannot (run|read)[^]*Try 'maelstrom help cfg put'\.\n$/);
    assert.ok(!stderr.includes("hunter2"), stderr);
    assert.deepEqual(node.calls, []);
  });
}

Deno.test("listCfg() prints a table without secrets, or JSON", async () => {
  const { node, env } = nodeWith({ ListCfg: { values: INFOS } });
  await using _node = node;
  await assertGolden((await run(["cfg", "ls"], { env })).stdout, "cfg_ls.txt");
  const { stdout } = await run(["cfg", "ls", "--json"], { env });
  assert.deepEqual(JSON.parse(stdout), INFOS);
});

Deno.test("listCfg() says that there is none", async () => {
  const { node, env } = nodeWith({ ListCfg: { values: [] } });
  await using _node = node;
  assert.equal((await run(["cfg", "ls"], { env })).stdout, "No values found\n");
});

Deno.test("getCfg() prints the value alone; a secret is not allowed", async () => {
  const plain = nodeWith({ GetCfg: { cfg: INFOS[1] } });
  await using _plain = plain.node;
  assert.equal((await run(["cfg", "get", "REGION"], { env: plain.env })).stdout, "eu\n");
  const secret = nodeWith({ GetCfg: rpcError("not_allowed", "Cannot show value: it is secret") });
  await using _secret = secret.node;
  assert.equal((await run(["cfg", "get", "DB_PASSWORD"], { env: secret.env })).code, 4);
});

Deno.test("removeCfg() tells what is gone, absent and in use apart", async () => {
  const cases = [
    [{ name: "A", found: true }, 0, "Value removed: A\n"],
    [
      { name: "A", found: false },
      3,
      'maelstrom: Cannot remove value: there is none with name "A"\n',
    ],
    [
      rpcError("in_use", 'Cannot remove value "A": used by shop'),
      5,
      'maelstrom: Cannot remove value "A": used by shop\n',
    ],
  ] as const;
  for (const [result, code, said] of cases) {
    const { node, env } = nodeWith({ RemoveCfg: result });
    await using _node = node;
    const ran = await run(["cfg", "rm", "A"], { env });
    assert.deepEqual([ran.code, ran.stdout + ran.stderr], [code, said]);
  }
});
