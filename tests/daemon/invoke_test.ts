import assert from "node:assert/strict";
import { Invoker } from "../../daemon/invoke.ts";
import type { InvokeRequest } from "../../daemon/sources/invoke.ts";

const NEVER = new AbortController().signal;
const GET: InvokeRequest = {
  method: "GET",
  path: "/a?b=c",
  headers: [],
  body: "",
  replyBytesMax: 300,
};

/** A private port that answers as `handle` says, and what calls through it. */
function setUp(handle: (request: Request) => Response | Promise<Response>) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handle);
  const { port } = server.addr;
  const options = { hostname: "127.0.0.1", port, pass: () => "pass", maxDurationMs: () => 1000 };
  const invoker = new Invoker(options);
  const end = () => {
    invoker[Symbol.dispose]();
    return server.shutdown();
  };
  return { invoke: invoker.invoke, [Symbol.asyncDispose]: end };
}

Deno.test("Invoker.invoke() sends what it is given, and says whose it is", async () => {
  await using door = setUp(async (request) =>
    Response.json({
      method: request.method,
      path: new URL(request.url).pathname + new URL(request.url).search,
      own: request.headers.get("x-own"),
      component: request.headers.get("maelstrom-component"),
      pass: request.headers.get("maelstrom-relay-pass"),
      length: request.headers.get("content-length"),
      body: await request.text(),
    })
  );
  const headers = [["X-Own", "a"], ["X-Own", "b"], ["Maelstrom-Component", "other"]] as const;
  const request = { ...GET, method: "PUT", headers, body: "h\u00e9" };
  const { status, body } = await door.invoke("shop", request, NEVER);
  assert.equal(status, 200);
  assert.deepEqual(JSON.parse(body), {
    method: "PUT",
    path: "/a?b=c",
    own: "a, b",
    component: "shop",
    pass: "pass",
    length: "3",
    body: "h\u00e9",
  });
});

Deno.test("Invoker.invoke() reads an answer to its end, and keeps its beginning", async () => {
  let isRead = false;
  await using door = setUp(() => {
    let left = 1000;
    return new Response(
      new ReadableStream({
        pull(controller) {
          if (left-- > 0) return controller.enqueue(new Uint8Array(10_000).fill(97));
          isRead = true;
          controller.close();
        },
      }),
      { status: 502 },
    );
  });
  const { status, body } = await door.invoke("shop", GET, NEVER);
  assert.deepEqual([status, body, isRead], [502, "a".repeat(300), true]);
});

Deno.test("Invoker.invoke() gives up when it is told to, with the reason it is given", async () => {
  const arrived = Promise.withResolvers<void>();
  const leave = Promise.withResolvers<Response>();
  await using door = setUp(() => {
    arrived.resolve();
    return leave.promise;
  });
  const stop = new AbortController();
  const answer = door.invoke("shop", GET, stop.signal);
  await arrived.promise;
  stop.abort("replaced");
  await assert.rejects(answer, (reason) => reason === "replaced");
  leave.resolve(new Response());
});

Deno.test("Invoker.invoke() sends a request once, also when its connection breaks", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  let connections = 0;
  const serving = (async () => {
    for await (const connection of listener) {
      connections++;
      await connection.read(new Uint8Array(1000));
      connection.close();
    }
  })();
  const options = { hostname: "127.0.0.1", port, pass: () => "", maxDurationMs: () => 1000 };
  const message = /^Cannot call "shop": /;
  using invoker = new Invoker(options);
  await assert.rejects(invoker.invoke("shop", GET, NEVER), { code: "unreachable", message });
  listener.close();
  await serving;
  assert.equal(connections, 1);
});
