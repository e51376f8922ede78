import assert from "node:assert/strict";
import { apiHandler, BODY_BYTES_MAX } from "../../../daemon/api/api.ts";
import type { Methods } from "../../../daemon/api/rpc.ts";
import { silentLog } from "../../../lib/log.ts";
import { ADMINISTRATOR } from "../../../lib/rpc/caller.ts";

const handler = apiHandler({} as Methods, silentLog);
const url = "http://node/_mael/v1";

Deno.test("apiHandler() knows one endpoint", async () => {
  assert.equal((await handler(new Request("http://node/_mael/v2"), ADMINISTRATOR)).status, 404);
});

Deno.test("apiHandler() takes POST only", async () => {
  const response = await handler(new Request(url), ADMINISTRATOR);
  assert.equal(response.status, 405);
  assert.equal(response.headers.get("allow"), "POST");
});

Deno.test("apiHandler() refuses a body over its limit, in the protocol's words", async () => {
  const body = "x".repeat(BODY_BYTES_MAX + 1);
  const response = await handler(new Request(url, { method: "POST", body }), ADMINISTRATOR);
  assert.equal(response.status, 413);
  const { error } = await response.json();
  assert.equal(error.code, 1006);
  assert.match(error.message, /larger than 1048576 bytes/);
});

Deno.test("apiHandler() refuses what is not UTF-8", async () => {
  const response = await handler(
    new Request(url, { method: "POST", body: new Uint8Array([255]) }),
    ADMINISTRATOR,
  );
  assert.equal(response.status, 400);
  assert.equal((await response.json()).error.code, 1001);
});
