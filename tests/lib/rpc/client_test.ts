import assert from "node:assert/strict";
import { RpcClient } from "../../../lib/rpc/client.ts";
import type { RpcPlace } from "../../../lib/rpc/locate.ts";
import { component } from "../../support/cli/builders.ts";
import { startFakeNode } from "../../support/cli/fake_node.ts";

const NEVER = new AbortController().signal;

function client(places: RpcPlace[], key?: string, limitMs = 30_000): RpcClient {
  const findKey = () => Promise.resolve(key === undefined ? { from: "F" } : { key, from: "F" });
  return new RpcClient({ places, findKey }, { limitMs });
}

function getShop(target: RpcClient, signal = NEVER) {
  return target.call("MaelstromService.GetComponent", { name: "shop" }, signal);
}

/** A port nobody listens on, now that its listener is closed. */
function closedPort(): RpcPlace {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return { kind: "url", url: `http://127.0.0.1:${listener.addr.port}` };
}

/** A server that reads a request and then does `act`. */
function rawServer(act: (connection: Deno.Conn) => Promise<void>) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted: Promise<void>[] = [];
  const loop = (async () => {
    for await (const connection of listener) {
      accepted.push(
        connection.read(new Uint8Array(4096)).then(() => act(connection))
          .finally(() => connection.close()),
      );
    }
  })();
  return {
    place: { kind: "url", url: `http://127.0.0.1:${listener.addr.port}` } as const,
    connections: () => accepted.length,
    async [Symbol.asyncDispose]() {
      listener.close();
      await loop;
      await Promise.allSettled(accepted);
    },
  };
}

Deno.test("RpcClient.call() calls over a socket, without a key", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/control.sock`;
  await using node = startFakeNode({ socket: path, components: [component("shop")] });
  const result = await getShop(client([{ kind: "socket", path }], "k"));
  assert.deepEqual(result.component, component("shop"));
  assert.deepEqual(node.calls, [{
    method: "MaelstromService.GetComponent",
    input: { name: "shop" },
    authorization: null,
  }]);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("RpcClient.call() calls over TCP, signed with the key", async () => {
  await using node = startFakeNode({ key: "k", components: [component("shop")] });
  await getShop(client([{ kind: "url", url: node.url }], "k"));
  assert.match(node.calls[0]?.authorization ?? "", /^Maelstrom-HMAC v=1, by="cli", at=/);
});

Deno.test("RpcClient.call() sends a token in place of the key, and says whose it is", async () => {
  await using node = startFakeNode();
  const places: RpcPlace[] = [{ kind: "url", url: node.url }];
  const findKey = () => Promise.resolve({ token: "mael_t", from: "F" });
  await new RpcClient({ places, findKey }).call("NodeService.ListNodeStatus", {}, NEVER);
  assert.equal(node.calls[0]?.authorization, "Bearer mael_t");
});

Deno.test("RpcClient.call() signs as whom it is told, for whom it is told", async () => {
  await using node = startFakeNode({ key: "k" });
  const places: RpcPlace[] = [{ kind: "url", url: node.url }];
  const findKey = () => Promise.resolve({ key: "k", from: "F" });
  const target = new RpcClient({ places, findKey }, { by: "node 1", to: "node-2" });
  await target.call("NodeService.ListNodeStatus", {}, NEVER);
  await target.call("NodeService.ListNodeStatus", {}, NEVER);
  const [first = "", second = ""] = node.calls.map(({ authorization }) => authorization ?? "");
  assert.match(first, / by="node%201", to="node-2", at=/);
  assert.notEqual(first, second);
});

Deno.test("RpcClient.call() rejects with what the node refused", async () => {
  await using node = startFakeNode();
  await assert.rejects(getShop(client([{ kind: "url", url: node.url }])), {
    code: "not_found",
    message: "No Component found with name: shop",
  });
});

Deno.test("RpcClient.call() rejects when the key is refused", async () => {
  await using node = startFakeNode({ key: "k" });
  await assert.rejects(getShop(client([{ kind: "url", url: node.url }], "wrong")), {
    code: "not_allowed",
    message: /does not accept the cluster key from F \(key needed\)$/,
  });
});

Deno.test("RpcClient.call() goes on to the next place when a socket is stale", async () => {
  const path = await Deno.makeTempFile();
  await using node = startFakeNode({ components: [component("shop")] });
  await getShop(client([{ kind: "socket", path }, { kind: "url", url: node.url }]));
  assert.equal(node.calls.length, 1);
  await Deno.remove(path);
});

Deno.test("RpcClient.call() names every place when none answers", async () => {
  const closed = closedPort();
  const places: RpcPlace[] = [{ kind: "socket", path: "/nonexistent/control.sock" }, closed];
  await assert.rejects(getShop(client(places)), (error: Error & { code?: string }) => {
    assert.equal(error.code, "unreachable");
    assert.match(error.message, /\/nonexistent\/control\.sock \(no such file or directory\) or /);
    assert.match(error.message, /http:\/\/127\.0\.0\.1:\d+ \(connection refused\); is the daemon/);
    return true;
  });
});

Deno.test("RpcClient.call() says when no call can go to a port", async () => {
  await assert.rejects(getShop(client([{ kind: "url", url: "http://127.0.0.1:6000" }])), {
    code: "unreachable",
    message: /nothing answers at http:\/\/127\.0\.0\.1:6000 \(.*blocked\)/,
  });
});

Deno.test("RpcClient.call() does not call again when the connection broke", async () => {
  await using server = rawServer(() => Promise.resolve());
  await using node = startFakeNode({ components: [component("shop")] });
  await assert.rejects(getShop(client([server.place, { kind: "url", url: node.url }])), {
    code: "unreachable",
    message: /broke it off \(.+\); it may have been carried out$/,
  });
  assert.equal(server.connections(), 1);
  assert.equal(node.calls.length, 0);
});

Deno.test("RpcClient.call() rejects what is not HTTP", async () => {
  await using server = rawServer(async (connection) => {
    await connection.write(new TextEncoder().encode("SSH-2.0-OpenSSH\r\n"));
  });
  await assert.rejects(getShop(client([server.place])), { code: "unreachable" });
});

Deno.test("RpcClient.call() rejects an answer that breaks off", async () => {
  await using server = rawServer(async (connection) => {
    const head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{";
    await connection.write(new TextEncoder().encode(head));
  });
  await assert.rejects(getShop(client([server.place])), { code: "unreachable" });
});

Deno.test("RpcClient.call() rejects an answer that is not UTF-8", async () => {
  await using node = startFakeNode({ intercept: () => new Response(new Uint8Array([0xff])) });
  await assert.rejects(getShop(client([{ kind: "url", url: node.url }])), {
    code: "unreachable",
    message: /^Cannot read answer of .*: not valid UTF-8$/,
  });
});

Deno.test("RpcClient.call() does not follow a redirect with the key", async () => {
  await using node = startFakeNode({ components: [component("shop")] });
  const headers = { location: `${node.url}/_mael/v1` };
  await using door = startFakeNode({
    intercept: () => new Response(null, { status: 307, headers }),
  });
  await assert.rejects(getShop(client([{ kind: "url", url: door.url }], "k")), {
    code: "unreachable",
    message: /HTTP 307/,
  });
  assert.equal(node.calls.length, 0);
});

Deno.test("RpcClient.call() gives up after its limit, in head and in body", async () => {
  for (const start of ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"]) {
    const over = Promise.withResolvers<void>();
    await using server = rawServer(async (connection) => {
      await connection.write(new TextEncoder().encode(start));
      await over.promise;
    });
    await assert.rejects(getShop(client([server.place], "k", 50)), {
      code: "timeout",
      message:
        /^Cannot complete MaelstromService\.GetComponent: no answer from http:.* within 0\.05 s/,
    });
    over.resolve();
  }
});

Deno.test("RpcClient.call() ends when its signal aborts", async () => {
  const over = Promise.withResolvers<void>();
  const abort = new AbortController();
  await using server = rawServer(async () => {
    abort.abort();
    await over.promise;
  });
  await assert.rejects(getShop(client([server.place]), abort.signal), { name: "AbortError" });
  over.resolve();
  await assert.rejects(getShop(client([server.place]), abort.signal), { name: "AbortError" });
});
