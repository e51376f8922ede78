import assert from "node:assert/strict";
import { errorKind } from "../../../lib/errors.ts";
import { type Reply, resultOf } from "../../../lib/rpc/reply.ts";

function reply(body: string, fields: Partial<Reply> = {}): Reply {
  return { status: 200, contentType: "application/json", body, ...fields };
}

Deno.test("resultOf() gives the result", () => {
  assert.deepEqual(resultOf(reply(`{"jsonrpc":"2.0","id":"1","result":{"a":1}}`), "x", undefined), {
    a: 1,
  });
});

for (const code of ["not_found", "stale_version", "store_unavailable", "invalid"] as const) {
  Deno.test(`resultOf() throws ${code} as the node sent it`, () => {
    const error = { code: errorKind(code).rpc, message: "Cannot", data: { path: "p" } };
    assert.throws(() => resultOf(reply(JSON.stringify({ error })), "x", undefined), {
      code,
      message: "Cannot",
      detail: { path: "p" },
    });
  });
}

Deno.test("resultOf() throws what a node denies, in its words", () => {
  const denied = reply('{"error":{"code":1005,"message":"needs deploy"}}', { status: 403 });
  assert.throws(() => resultOf(denied, "http://x", { token: "t", from: "T" }), {
    code: "not_allowed",
    message: "needs deploy",
  });
});

Deno.test("resultOf() takes numbers that are not ours for internal", () => {
  assert.throws(() => resultOf(reply(`{"error":{"code":-32601,"message":"no"}}`), "x", undefined), {
    code: "internal",
    message: "no",
  });
});

const strangers: [string, Reply, RegExp][] = [
  ["HTML", reply("<html>", { contentType: "text/html; charset=utf-8" }), /HTTP 200 text\/html, /],
  ["nothing", reply("", { contentType: "" }), /HTTP 200, /],
  ["a redirect", reply("", { status: 302, contentType: "" }), /HTTP 302, /],
  [
    "plain text",
    reply("no such thing\nhere", { status: 404, contentType: "text/plain" }),
    /HTTP 404 text\/plain "no such thing", /,
  ],
  ["long text", reply("x".repeat(999), { contentType: "text/plain" }), /x{300}…/],
  ["a list", reply("[1]"), /application\/json/],
  ["an empty object", reply("{}"), /application\/json/],
  ["a result that is no object", reply(`{"result":1}`), /application\/json/],
  ["broken JSON", reply(`{"result":{`), /application\/json/],
];
for (const [name, answer, want] of strangers) {
  Deno.test(`resultOf() says who answered when it was ${name}`, () => {
    assert.throws(() => resultOf(answer, "http://x", undefined), {
      code: "unreachable",
      message: new RegExp(`http://x answered .*${want.source}`),
    });
  });
}

for (const status of [401, 403]) {
  Deno.test(`resultOf() says which key was refused with ${status}`, () => {
    const refused = reply("", { status });
    assert.throws(() => resultOf(refused, "http://x", { key: "hush", from: "/k" }), {
      code: "not_allowed",
      message: /does not accept the cluster key from \/k$/,
    });
    const said = reply("clocks differ\nmore", { status, contentType: "text/plain" });
    assert.throws(() => resultOf(said, "http://x", { token: "hush", from: "T" }), {
      code: "not_allowed",
      message: /does not accept the token from T \(clocks differ\)$/,
    });
    assert.throws(() => resultOf(refused, "http://x", { from: "A, B" }), {
      code: "not_allowed",
      message: /none was found in A, B; set MAEL_CLUSTER_KEY/,
    });
  });
}
