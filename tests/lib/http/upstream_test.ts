import assert from "node:assert/strict";
import { probe } from "../../../lib/http/probe.ts";
import { Upstream } from "../../../lib/http/upstream.ts";
import { answering, Engine, RawBackend } from "../../support/http/raw.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const never = new AbortController().signal;

function addressOf(backend: RawBackend): { hostname: string; port: number } {
  return { hostname: "127.0.0.1", port: backend.port };
}

Deno.test("probe() gives the status, whatever comes after the head", async () => {
  const seen: string[] = [];
  await using backend = answering(({ head }) => {
    seen.push(head);
    return "HTTP/1.1 103 Hi\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n";
  });
  const status = await probe(addressOf(backend), "/up", {
    host: "h",
    timeoutMs: 5000,
    signal: never,
  });
  assert.equal(status, 404);
  assert.deepEqual(seen, ["GET /up HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"]);
});

Deno.test("probe() rejects with TimeoutError when nothing is said", async () => {
  await using backend = new RawBackend(async (peer) => {
    await peer.rest();
  });
  await assert.rejects(
    probe(addressOf(backend), "/", { timeoutMs: 50, signal: never }),
    { name: "TimeoutError" },
  );
});

Deno.test("probe() rejects with AbortError when its signal aborts", async () => {
  const heard = Promise.withResolvers<void>();
  await using backend = new RawBackend(async (peer) => {
    await peer.message();
    heard.resolve();
    await peer.rest();
  });
  const stop = new AbortController();
  const probing = probe(addressOf(backend), "/", { timeoutMs: 5000, signal: stop.signal });
  void heard.promise.then(() => stop.abort());
  await assert.rejects(probing, { name: "AbortError" });
});

Deno.test("probe() rejects what is not HTTP, and an early end", async () => {
  for (const answer of ["SSH-2.0-x\r\n\r\n\r\n\r\n", "HTTP/1.1 200 OK\r\nA"]) {
    await using backend = new RawBackend(async (peer) => {
      await peer.message();
      await peer.send(answer);
      await peer.conn.closeWrite();
    });
    await assert.rejects(
      probe(addressOf(backend), "/", { timeoutMs: 5000, signal: never }),
      /Cannot read answer/,
    );
  }
});

Deno.test("probe() rejects when nobody listens", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await assert.rejects(
    probe({ hostname: "127.0.0.1", port }, "/", { timeoutMs: 5000, signal: never }),
    { name: "ConnectionRefused" },
  );
});

Deno.test("Upstream reaches a unix socket, and is refused where there is none", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/s`;
  const upstream = new Upstream({ path });
  try {
    await assert.rejects(upstream.connect(never));
    assert.equal(upstream.busy, 0);
    using listener = Deno.listen({ transport: "unix", path });
    const accepting = listener.accept();
    const connection = await upstream.connect(never);
    assert.equal(upstream.busy, 1);
    upstream.release(connection, false);
    (await accepting).close();
  } finally {
    upstream.close();
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("Upstream.connect() ends with its signal", async () => {
  const upstream = new Upstream({ hostname: "127.0.0.1", port: 1 });
  await assert.rejects(upstream.connect(AbortSignal.abort()));
  assert.equal(upstream.busy, 0);
});

Deno.test("Upstream closes connections that waited too long", async () => {
  const ended = Promise.withResolvers<void>();
  await using backend = new RawBackend(async (peer) => {
    await peer.message();
    await peer.send(OK);
    await peer.rest();
    ended.resolve();
  });
  await using engine = new Engine(backend.port, { upstream: { idleMs: 50 } });
  using client = await engine.client();
  await client.send(GET);
  await client.message();
  assert.equal(engine.upstream.idle, 1);
  await ended.promise;
  assert.equal(engine.upstream.idle, 0);
});

Deno.test("Upstream keeps no more waiting connections than its limit", async () => {
  let open = 0;
  const all = Promise.withResolvers<void>();
  await using backend = new RawBackend(async (peer) => {
    await peer.message();
    if (++open === 5) all.resolve();
    await all.promise;
    await peer.send(OK);
    await peer.rest();
  });
  await using engine = new Engine(backend.port, { upstream: { idleMax: 2 } });
  const clients = await Promise.all(Array.from({ length: 5 }, () => engine.client()));
  await Promise.all(clients.map(async (client) => {
    await client.send(GET);
    await client.message();
  }));
  for (let i = 0; i < 5; i++) await engine.result(i);
  assert.equal(engine.upstream.idle, 2);
  for (const client of clients) client.close();
});

Deno.test("Upstream.close() lets a busy connection finish, then closes it", async () => {
  const gate = Promise.withResolvers<void>();
  const entered = Promise.withResolvers<void>();
  await using backend = new RawBackend(async (peer) => {
    await peer.message();
    entered.resolve();
    await gate.promise;
    await peer.send(OK);
    await peer.rest();
  });
  await using engine = new Engine(backend.port);
  using client = await engine.client();
  await client.send(GET);
  await entered.promise;
  engine.upstream.close();
  gate.resolve();
  assert.equal((await client.message()).body, "ok");
  await engine.result(0);
  assert.deepEqual([engine.upstream.busy, engine.upstream.idle], [0, 0]);
});

Deno.test("Upstream.close() lets what is busy finish, but not fall silent", async () => {
  const going = Promise.withResolvers<void>();
  await using backend = new RawBackend(async (peer) => {
    const { head } = await peer.message();
    await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
    if (head.startsWith("GET /silent")) return;
    await going.promise;
    await peer.send("def");
  });
  await using engine = new Engine(backend.port);
  using silent = await engine.client();
  using finishing = await engine.client();
  await silent.send(GET.replace("/", "/silent"));
  await finishing.send(GET);
  await silent.until("abc");
  await finishing.until("abc");
  engine.upstream.close();
  going.resolve();
  assert.equal(await finishing.exactly(3), "def");
  assert.equal(await silent.rest(), "");
  assert.deepEqual(engine.results.map(({ kind }) => kind), ["done", "cut"]);
});
