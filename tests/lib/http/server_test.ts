import assert from "node:assert/strict";
import { answering, Engine, RawBackend, RawPeer, within } from "../../support/http/raw.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

const refused: { name: string; text: string; status: number }[] = [
  { name: "no Host", text: "GET / HTTP/1.1\r\n\r\n", status: 400 },
  { name: "an empty Host", text: "GET / HTTP/1.1\r\nHost:\r\n\r\n", status: 400 },
  { name: "a Host with user info", text: "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", status: 400 },
  { name: "a Host with a space", text: "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", status: 400 },
  { name: "a Host with a path", text: "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", status: 400 },
  { name: "two hosts in one Host", text: "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", status: 400 },
  { name: "a Host with a bad port", text: "GET / HTTP/1.1\r\nHost: a:x\r\n\r\n", status: 400 },
  { name: "CONNECT", text: "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", status: 501 },
  { name: "* with GET", text: "GET * HTTP/1.1\r\nHost: a\r\n\r\n", status: 400 },
  { name: "a relative target", text: "GET a HTTP/1.1\r\nHost: a\r\n\r\n", status: 400 },
  { name: "an ftp target", text: "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", status: 400 },
  {
    name: "an absolute target with user info",
    text: "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n",
    status: 400,
  },
  {
    name: "an unknown expectation",
    text: "GET / HTTP/1.1\r\nHost: a\r\nExpect: cake\r\n\r\n",
    status: 417,
  },
  {
    name: "length and coding",
    text:
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    status: 400,
  },
  {
    name: "a malformed chunk",
    text: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
    status: 400,
  },
  {
    name: "a long target",
    text: `GET /${"a".repeat(9000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
    status: 414,
  },
  {
    name: "a large head",
    text: `GET / HTTP/1.1\r\nHost: a\r\nA: ${"b".repeat(70_000)}\r\n\r\n`,
    status: 431,
  },
  { name: "a cookie in HTTP/2", text: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", status: 505 },
];

for (const { name, text, status } of refused) {
  Deno.test(`serveHttp() answers ${name} with ${status} and looks at nothing behind it`, async () => {
    await using backend = answering(() => OK);
    await using engine = new Engine(backend.port);
    const answer = await engine.exchange(text + GET);
    assert.match(answer, new RegExp(`^HTTP/1.1 ${status} [^\r]+\r\n`));
    assert.match(answer, /\r\nConnection: close\r\n/);
    assert.equal(answer.split("HTTP/1.1").length, 2);
    assert.equal(backend.peers.length, 0);
  });
}

Deno.test("serveHttp() answers 408 to a head that does not end", async () => {
  await using engine = new Engine(1, { limits: { headReadMs: 100 } });
  assert.match(await engine.exchange("GET / HTTP/1.1\r\nHo"), /^HTTP\/1.1 408 /);
});

Deno.test("serveHttp() closes a connection that says nothing", async () => {
  await using engine = new Engine(1, { limits: { idleMs: 100 } });
  assert.equal(await engine.exchange(""), "");
});

Deno.test("serveHttp() waits for the first request as for any, not as for a head", async () => {
  await using backend = answering(() => OK);
  await using engine = new Engine(backend.port, { limits: { headReadMs: 100 } });
  using client = await engine.client();
  await new Promise((resolve) => setTimeout(resolve, 500));
  await client.send(GET);
  assert.equal((await client.message()).body, "ok");
});

Deno.test("serveHttp() closes a connection that stays idle", async () => {
  await using backend = answering(() => OK);
  await using engine = new Engine(backend.port, { limits: { idleMs: 100 } });
  assert.match(await engine.exchange(GET), /ok$/);
});

Deno.test("serveHttp() answers 408 to a body that stops", async () => {
  await using backend = new RawBackend(async (peer) => {
    await peer.rest();
  });
  await using engine = new Engine(backend.port, { limits: { bodyIdleMs: 100 } });
  const answer = await engine.exchange(
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc",
  );
  assert.match(answer, /^HTTP\/1.1 408 /);
  assert.equal((await engine.result(0)).kind, "client_left");
});

Deno.test("serveHttp() answers pipelined requests in order, one at a time", async () => {
  let under = 0;
  await using engine = new Engine(1, {
    handler: async (exchange) => {
      assert.equal(++under, 1);
      await new Promise((resolve) => setTimeout(resolve, 1));
      under--;
      await exchange.respond({ status: 200, headers: [], body: exchange.path });
    },
  });
  using client = await engine.client();
  const count = 200;
  let text = "";
  for (let i = 0; i < count; i++) {
    text += `POST /${i} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc`;
  }
  await client.send(text);
  for (let i = 0; i < count; i++) assert.equal((await client.message()).body, `/${i}`);
});

Deno.test("serveHttp() reads a request that comes byte by byte", async () => {
  await using backend = answering(({ head, body }) => {
    assert.match(head, /^POST \/x HTTP\/1.1\r\n/);
    return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  });
  await using engine = new Engine(backend.port);
  using client = await engine.client();
  for (const byte of "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc") {
    await client.send(byte);
  }
  assert.equal((await client.message()).body, "abc");
});

Deno.test("serveHttp() answers 500 for a handler that throws, and logs it", async () => {
  await using engine = new Engine(1, {
    handler: () => {
      throw new Error("a bug");
    },
  });
  using client = await engine.client();
  await client.send(GET + GET);
  assert.match((await client.message()).head, /^HTTP\/1.1 500 /);
  assert.match((await client.message()).head, /^HTTP\/1.1 500 /);
  assert.match(engine.logged[0]!, /a bug/);
});

Deno.test("serveHttp() answers 500 for a handler that gives no answer", async () => {
  await using engine = new Engine(1, { handler: () => {} });
  assert.match(
    await engine.exchange(GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")),
    /^HTTP\/1.1 500 /,
  );
});

Deno.test("serveHttp() refuses connections beyond its limit with 503", async () => {
  await using engine = new Engine(1, {
    limits: { connectionsMax: 1 },
    handler: (exchange) => exchange.respond({ status: 200, headers: [], body: "ok" }),
  });
  using first = await engine.client();
  await first.send(GET);
  await first.message();
  assert.match(await engine.exchange(""), /^HTTP\/1.1 503 /);
  await first.send(GET);
  assert.equal((await first.message()).body, "ok");
});

Deno.test("serveHttp() refuses too many connections from one address", async () => {
  await using engine = new Engine(1, {
    limits: { connectionsPerClientMax: 1 },
    handler: (exchange) => exchange.respond({ status: 200, headers: [], body: "ok" }),
  });
  using first = await engine.client();
  await first.send(GET);
  await first.message();
  assert.match(await engine.exchange(""), /^HTTP\/1.1 503 /);
});

Deno.test("HttpServer.drain() closes idle connections and lets requests finish", async () => {
  const gate = Promise.withResolvers<void>();
  const entered = Promise.withResolvers<void>();
  await using engine = new Engine(1, {
    handler: async (exchange) => {
      if (exchange.path === "/slow") {
        entered.resolve();
        await gate.promise;
      }
      await exchange.respond({ status: 200, headers: [], body: "ok" });
    },
  });
  using idle = await engine.client();
  await idle.send(GET);
  await idle.message();
  using busy = await engine.client();
  await busy.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  await entered.promise;
  const drained = engine.server.drain(new AbortController().signal);
  assert.equal(await idle.rest(), "");
  await assert.rejects(RawPeer.connect(engine.port));
  gate.resolve();
  assert.match(await busy.rest(), /Connection: close\r\n\r\nok$/);
  await within(drained, "drain");
  assert.equal(engine.server.connections, 0);
});

Deno.test("HttpServer.drain() cuts what is left when its signal aborts", async () => {
  const entered = Promise.withResolvers<void>();
  let reason: unknown;
  await using engine = new Engine(1, {
    handler: async (exchange) => {
      entered.resolve();
      await aborted(exchange.signal);
      reason = exchange.signal.reason;
    },
  });
  using client = await engine.client();
  await client.send(GET);
  await entered.promise;
  const stop = new AbortController();
  const drained = engine.server.drain(stop.signal);
  stop.abort();
  await within(drained, "drain");
  assert.equal((reason as { why: string }).why, "server_cut");
  assert.equal(await client.rest(), "");
});

Deno.test("Exchange.signal aborts when the client leaves while its request waits", async () => {
  for (const text of [GET, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"]) {
    const left = Promise.withResolvers<string>();
    const entered = Promise.withResolvers<void>();
    await using engine = new Engine(1, {
      handler: async (exchange) => {
        entered.resolve();
        await aborted(exchange.signal);
        left.resolve(exchange.signal.reason.why);
      },
    });
    using client = await engine.client();
    await client.send(text);
    await entered.promise;
    client.close();
    assert.equal(await within(left.promise, "the abort"), "client_left");
  }
});

Deno.test("Exchange.signal aborts when the client only ends its side", async () => {
  const left = Promise.withResolvers<string>();
  await using engine = new Engine(1, {
    handler: async (exchange) => {
      await aborted(exchange.signal);
      left.resolve(exchange.signal.reason.why);
    },
  });
  using client = await engine.client();
  await client.send(GET);
  await client.conn.closeWrite();
  assert.equal(await within(left.promise, "the abort"), "client_left");
});

Deno.test("Exchange.respond() leaves out the body for HEAD, and closes for an unread body", async () => {
  await using engine = new Engine(1, {
    handler: (exchange) => exchange.respond({ status: 404, headers: [["A", "b"]], body: "gone" }),
  });
  using client = await engine.client();
  await client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.equal(
    await client.until("\r\n\r\n"),
    "HTTP/1.1 404 Not Found\r\nA: b\r\nContent-Length: 4\r\n\r\n",
  );
  await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc");
  assert.match(await client.until("\r\n\r\n"), /Connection: close/);
  await client.send("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.equal(await client.rest(), "gone");
});

Deno.test("Exchange.respond() refuses to split its head", async () => {
  await using engine = new Engine(1, {
    handler: (exchange) =>
      exchange.respond({ status: 200, headers: [["A", "b\r\nC: d"]], body: "" }),
  });
  using client = await engine.client();
  await client.send(GET);
  assert.match((await client.message()).head, /^HTTP\/1.1 500 /);
});

Deno.test("Exchange gives the request's facts", async () => {
  const seen: unknown[] = [];
  await using engine: Engine = new Engine(1, {
    handler: (exchange) => {
      const { method, target, path, host, clientAddress, upgrade } = exchange;
      seen.push([method, target, path, host, clientAddress, upgrade, exchange.header("x-a")]);
      assert.equal(exchange.localPort, engine.port);
      if (method === "get") assert.equal(exchange.header("host"), "[::1]:80");
      return exchange.respond({ status: 200, headers: [], body: "" });
    },
  });
  using client = await engine.client();
  for (
    const text of [
      "GET /a/../%2e?x=?y HTTP/1.1\r\nHost: ExAmple.ORG:8080\r\nX-A: 1\r\nx-a: \xe4 \r\n\r\n",
      "get http://[::1]:80?q HTTP/1.1\r\nHost: other\r\n\r\n",
      "OPTIONS * HTTP/1.1\r\nHost: [fe80::1]:1\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
      "GET / HTTP/1.0\r\n\r\n",
    ]
  ) await client.send(text);
  await client.rest();
  assert.deepEqual(seen, [
    ["GET", "/a/../%2e?x=?y", "/a/../%2e", "example.org", "127.0.0.1", false, "1, \xe4"],
    ["get", "/?q", "/", "[::1]", "127.0.0.1", false, undefined],
    ["OPTIONS", "*", "*", "[fe80::1]", "127.0.0.1", true, undefined],
    ["GET", "/", "/", "a", "127.0.0.1", false, undefined],
    ["GET", "/", "/", "", "127.0.0.1", false, undefined],
  ]);
});

/** Resolves when `signal` has aborted. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve());
  });
}
