import assert from "node:assert/strict";
import type { TokenInfo } from "../../../lib/contract/v1.ts";
import { type FakeCall, startFakeNode } from "../../support/cli/fake_node.ts";
import { assertGolden } from "../../support/cli/golden.ts";
import { NOW_MS, run } from "../../support/cli/run.ts";

const DAY_MS = 24 * 3600_000;
const TOKENS: readonly TokenInfo[] = [
  { name: "ci", scope: "deploy", createdAt: NOW_MS - DAY_MS, expiresAt: 0, lastUsedAt: NOW_MS },
  {
    name: "old",
    scope: "read",
    createdAt: NOW_MS - 9 * DAY_MS,
    expiresAt: NOW_MS - DAY_MS,
    lastUsedAt: 0,
  },
  {
    name: "ops",
    scope: "admin",
    createdAt: NOW_MS,
    expiresAt: NOW_MS + 90 * DAY_MS,
    lastUsedAt: NOW_MS - 60_000,
  },
];

/** A node with {@linkcode TOKENS}. */
function tokenNode(tokens = TOKENS) {
  const intercept = ({ method, input }: FakeCall) => {
    const { name, scope, expiresInSeconds } = input as Record<string, unknown>;
    const expiresAt = expiresInSeconds ? NOW_MS + Number(expiresInSeconds) * 1000 : 0;
    const found = tokens.some((token) => token.name === name);
    const results: Record<string, unknown> = {
      "MaelstromService.CreateToken": { token: "mael_new", name, scope, expiresAt },
      "MaelstromService.ListTokens": { tokens },
      "MaelstromService.RemoveToken": { name, found },
    };
    return Response.json({ jsonrpc: "2.0", id: "1", result: results[method] });
  };
  const node = startFakeNode({ intercept });
  const tell = (...args: string[]) => run(args, { env: { MAELSTROM_PRIVATE_URL: node.url } });
  return { calls: node.calls, tell, [Symbol.asyncDispose]: () => node[Symbol.asyncDispose]() };
}

Deno.test("token create prints the token alone, and beside it what it is", async () => {
  await using node = tokenNode();
  const args = ["token", "create", "ci", "--scope", "deploy", "--expires", "90d"];
  assert.deepEqual(await node.tell(...args), {
    code: 0,
    stdout: "mael_new\n",
    stderr: "Token created: ci, scope deploy, expires 2024-07-30T12:00:00.000Z. Keep it: it is " +
      "not shown again.\n",
  });
  assert.deepEqual(node.calls[0]?.input, {
    name: "ci",
    scope: "deploy",
    expiresInSeconds: 90 * 24 * 3600,
  });
  const json = await node.tell("token", "create", "ci", "--scope", "read", "--json");
  assert.equal(JSON.parse(json.stdout).expiresAt, 0);
});

const slips: [string[], RegExp][] = [
  [["--scope", "read"], /NAME is missing/],
  [["ci"], /--scope is missing; it is one of read, deploy, admin/],
  [["ci", "--scope", "peer"], /--scope cannot be "peer"; it is one of/],
  [["ci", "--scope", "read", "--expires", "soon"], /must be a length of time .* found "soon"/],
  [["ci", "--scope", "read", "--expires", "0d"], /found "0d"/],
  [["ci", "--scope", "read", "--expires", "9999d"], /of at most ten years, found "9999d"/],
];
for (const [args, message] of slips) {
  Deno.test(`token create ${args.join(" ")} is wrong usage`, async () => {
    await using node = tokenNode();
    const { code, stderr } = await node.tell("token", "create", ...args);
    assert.equal(code, 2);
    assert.match(stderr, message);
    assert.deepEqual(node.calls, []);
  });
}

Deno.test("token ls prints a table, or JSON", async () => {
  await using node = tokenNode();
  const { code, stdout } = await node.tell("token", "ls");
  assert.equal(code, 0);
  await assertGolden(stdout, "token_ls.txt");
  assert.deepEqual(JSON.parse((await node.tell("token", "ls", "--json")).stdout), TOKENS);
  await using none = tokenNode([]);
  assert.equal((await none.tell("token", "ls")).stdout, "No tokens found\n");
});

Deno.test("token rm removes, and exits with 3 when there is none", async () => {
  await using node = tokenNode();
  assert.equal((await node.tell("token", "rm", "ci")).stdout, "Token removed: ci\n");
  const { code, stderr } = await node.tell("token", "rm", "cd");
  assert.equal(code, 3);
  assert.equal(stderr, 'maelstrom: Cannot remove token: there is none with name "cd"\n');
});
