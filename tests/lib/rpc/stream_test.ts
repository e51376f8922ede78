import assert from "node:assert/strict";
import { MaelstromError } from "../../../lib/errors.ts";
import { RpcClient } from "../../../lib/rpc/client.ts";
import type { RpcPlace } from "../../../lib/rpc/locate.ts";

const NEVER = new AbortController().signal;
const NDJSON = { headers: { "content-type": "application/x-ndjson" } };

interface Served extends AsyncDisposable {
  readonly place: RpcPlace;
  /** Query and key of each request. */
  readonly asked: [string, string | null][];
}

/** A node that gives `answer` to everything. */
function serve(answer: (request: Request) => Response): Served {
  const asked: Served["asked"] = [];
  const quiet = { onListen: () => {}, hostname: "127.0.0.1", port: 0 };
  const server = Deno.serve(quiet, (request) => {
    asked.push([new URL(request.url).search, request.headers.get("authorization")]);
    return answer(request);
  });
  return {
    place: { kind: "url", url: `http://127.0.0.1:${server.addr.port}` },
    asked,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function client(...places: RpcPlace[]): RpcClient {
  const findKey = () => Promise.resolve({ key: "k", from: "F" });
  return new RpcClient({ places, findKey }, { limitMs: 5000 });
}

/** A body that sends `parts` and then ends, or goes on for ever without a word. */
function body(
  parts: readonly string[],
  then: "end" | "hang",
): ReadableStream<Uint8Array> {
  const rest = [...parts];
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      const part = rest.shift();
      if (part !== undefined) return controller.enqueue(new TextEncoder().encode(part));
      if (then === "end") controller.close();
      return then === "hang" ? new Promise<void>(() => {}) : undefined;
    },
  }, { highWaterMark: 0 });
}

const stream = (target: RpcClient, silenceMs = Infinity, signal = NEVER) =>
  target.stream({ method: "GET", path: "/_mael/logs?follow=true", silenceMs }, signal);

Deno.test("RpcClient.stream() gives lines, however they are cut, and leaves empty ones out", async () => {
  const parts = ['{"a":', "1}\n\n{", '"b":"é"}\n\n', "\nlast"];
  await using node = serve(() => new Response(body(parts, "end"), NDJSON));
  assert.deepEqual(await Array.fromAsync(stream(client(node.place))), [
    '{"a":1}',
    '{"b":"é"}',
    "last",
  ]);
  assert.equal(node.asked[0]?.[0], "?follow=true");
  assert.match(node.asked[0]?.[1] ?? "", /^Maelstrom-HMAC v=1, by="cli", at=/);
});

const refusals: readonly [name: string, answer: () => Response, code: string, message: RegExp][] = [
  [
    "an error of the node's",
    () => Response.json({ error: { code: 1003, message: "no component" } }, { status: 404 }),
    "not_found",
    /^no component$/,
  ],
  ["a refused key", () => new Response("", { status: 401 }), "not_allowed", /key from F/],
  ["an older node", () => new Response("No such endpoint", { status: 404 }), "unreachable", /404/],
  ["no stream", () => Response.json({ result: {} }), "unreachable", /sent none/],
];
for (const [name, answer, code, message] of refusals) {
  Deno.test(`RpcClient.stream() rejects with ${code} for ${name}`, async () => {
    await using node = serve(answer);
    await assert.rejects(stream(client(node.place)).next(), { code, message });
  });
}

Deno.test("RpcClient.stream() goes on to the next place, and names all when none answers", async () => {
  await using node = serve(() => new Response("x\n", NDJSON));
  const gone: RpcPlace = { kind: "socket", path: "/nonexistent/control.sock" };
  assert.deepEqual(await Array.fromAsync(stream(client(gone, node.place))), ["x"]);
  await assert.rejects(stream(client(gone)).next(), { code: "unreachable", message: /control/ });
});

const isUnreachable = (error: unknown) =>
  error instanceof MaelstromError && error.code === "unreachable";

Deno.test("RpcClient.stream() rejects when the node falls silent", async () => {
  await using node = serve(() => new Response(body(["x\n"], "hang"), NDJSON));
  const lines = stream(client(node.place), 50);
  assert.equal((await lines.next()).value, "x");
  await assert.rejects(lines.next(), { code: "unreachable", message: /nothing came for 0.05 s/ });
});

Deno.test("RpcClient.stream() rejects when the node breaks off", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    using connection = await listener.accept();
    await connection.read(new Uint8Array(1024));
    const head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n" +
      "transfer-encoding: chunked\r\n\r\n2\r\nx\n\r\n";
    await connection.write(new TextEncoder().encode(head));
  })();
  const url = `http://127.0.0.1:${listener.addr.port}`;
  const lines = stream(client({ kind: "url", url }));
  assert.equal((await lines.next()).value, "x");
  await assert.rejects(lines.next(), isUnreachable);
  await serving;
});

Deno.test("RpcClient.stream() ends with its signal, and lets go when it is left", async () => {
  await using node = serve(() => new Response(body(["x\n"], "hang"), NDJSON));
  const stop = new AbortController();
  const lines = stream(client(node.place), Infinity, stop.signal);
  await lines.next();
  const next = lines.next();
  stop.abort();
  await assert.rejects(next, { name: "AbortError" });
  const left = stream(client(node.place));
  await left.next();
  await left.return();
});
