import assert from "node:assert/strict";
import { callRpc, type Methods } from "../../../daemon/api/rpc.ts";
import type { Component } from "../../../lib/contract/v1.ts";
import { MaelstromError } from "../../../lib/errors.ts";
import { silentLog } from "../../../lib/log.ts";
import { ADMINISTRATOR } from "../../../lib/rpc/caller.ts";
import { component } from "../../support/builders.ts";

function setUp(parts: Partial<Methods> = {}) {
  const puts: Component[] = [];
  const methods = {
    "MaelstromService.PutComponent": ({ component }: { component: Component }) => {
      puts.push(component);
      return Promise.resolve({ name: component.name, version: 1 });
    },
    "MaelstromService.GetComponent": () =>
      Promise.reject(new MaelstromError("not_found", "No Component found with name: c1")),
    ...parts,
  } as unknown as Methods;
  const signal = new AbortController().signal;
  const call = async (body: unknown) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const context = { methods, log: silentLog, caller: ADMINISTRATOR };
    return JSON.parse((await callRpc(text, context, signal)).body);
  };
  const put = (component: unknown) =>
    call({ id: "1", method: "MaelstromService.PutComponent", params: [{ component }] });
  return { call, put, puts };
}

Deno.test("callRpc() answers with the result and echoes any id", async () => {
  for (const id of ["1", 7, null]) {
    const { put: _, call } = setUp();
    const params = [{ component: component({ version: 0 }) }];
    const reply = await call({
      jsonrpc: "2.0",
      id,
      method: "MaelstromService.PutComponent",
      params,
    });
    assert.deepEqual(reply, { jsonrpc: "2.0", id, result: { name: "shop", version: 1 } });
  }
});

Deno.test("callRpc() gives errors by the ancestor's numbers", async () => {
  const { call } = setUp();
  const params = [{ name: "c1" }];
  assert.deepEqual(await call({ id: "1", method: "MaelstromService.GetComponent", params }), {
    jsonrpc: "2.0",
    id: "1",
    error: { code: 1003, message: "No Component found with name: c1" },
  });
});

Deno.test("callRpc() hides nothing but says internal for a bug", async () => {
  const { call } = setUp({
    "MaelstromService.GetComponent": () => Promise.reject(new TypeError("x is undefined")),
  });
  const reply = await call({ id: 1, method: "MaelstromService.GetComponent", params: [{}] });
  assert.equal(reply.error.code, -32603);
});

const faults: [string, unknown, number][] = [
  ["no JSON", "{", -32700],
  ["nothing", "", -32700],
  ["a number", 5, -32600],
  ["an unknown method", { id: 1, method: "X.Y", params: [{}] }, -32601],
  ["a method from Object", { id: 1, method: "toString", params: [{}] }, -32601],
  ["no list", { id: 1, method: "NodeService.GetStatus", params: {} }, -32602],
  ["two params", { id: 1, method: "NodeService.GetStatus", params: [{}, {}] }, -32602],
  ["an empty batch", [], -32600],
  ["too large a batch", Array(101).fill({}), -32600],
];

for (const [name, body, code] of faults) {
  Deno.test(`callRpc() answers ${name} with ${code}`, async () => {
    assert.equal((await setUp().call(body)).error.code, code);
  });
}

Deno.test("callRpc() answers a batch in order", async () => {
  const { call } = setUp();
  const one = { id: 1, method: "X" };
  const replies = await call([one, { id: 2, method: "MaelstromService.GetComponent" }, one]);
  assert.deepEqual(replies.map(({ id }: { id: number }) => id), [1, 2, 1]);
});

Deno.test("callRpc() refuses bad fields by their path, and calls nothing", async () => {
  const cases: [unknown, RegExp][] = [
    [null, /^input\.component must be an object, found null$/],
    [{ ...component(), nme: 1 }, /^input\.component\.nme is not a known field/],
    [{ ...component(), name: " " }, /^input\.component\.name is required$/],
    [component({ docker: { httpPort: 70000 } }), /docker\.httpPort must be at most 65535, found/],
    [component({ minInstances: 3, maxInstances: 2 }), /minInstances must not be higher/],
    [component({ docker: { limitMemoryMiB: 1, reserveMemoryMiB: 2 } }), /limitMemoryMiB must not/],
    [component({ environment: [{ name: "A=B", value: "" }] }), /environment\[0\]\.name must not/],
    [{ ...component(), restartOrder: "x" }, /RestartOrder must be one of "startstop", "stopst/],
    [{ ...component(), restartOrder: "startstop", RestartOrder: "startstop" }, /has both/],
  ];
  for (const [value, message] of cases) {
    const { put, puts } = setUp();
    const { error } = await put(value);
    assert.equal(error.code, 1001);
    assert.match(error.message, message);
    assert.deepEqual(puts, []);
  }
});

Deno.test("callRpc() never repeats a secret", async () => {
  const docker = { image: "x", httpPort: 1, pullPassword: ["hunter2"] };
  const { error } = await setUp().put({ ...component(), docker });
  assert.doesNotMatch(error.message, /hunter2/);
  const long = component({ environment: [{ name: "A", value: `hunter2${"\0"}` }] });
  assert.doesNotMatch((await setUp().put(long)).error.message, /hunter2/);
});

Deno.test("callRpc() accepts restartOrder and stores RestartOrder", async () => {
  const { put, puts } = setUp();
  await put({ ...component(), restartOrder: "startstop" });
  assert.equal(puts[0]?.RestartOrder, "startstop");
});
