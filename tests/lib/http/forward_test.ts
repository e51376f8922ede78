import assert from "node:assert/strict";
import fc from "fast-check";
import { Upstream } from "../../../lib/http/upstream.ts";
import { dropFields } from "../../../lib/http/fields.ts";
import { answering, Engine, RawBackend, within } from "../../support/http/raw.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const POST = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";

Deno.test("forward() keeps order, case and repetition of fields and drops what ends at a hop", async () => {
  const seen: string[] = [];
  await using backend = answering(({ head }) => {
    seen.push(head);
    return "HTTP/1.1 299 Fine by me\r\nB: 2\r\na: 1\r\nB: 1\r\nKeep-Alive: x\r\nConnection: B2\r\n" +
      "B2: x\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nspaced : y\r\nContent-Length: 0\r\n\r\n";
  });
  await using engine = new Engine(backend.port, {
    forward: {
      drop: dropFields(["x-forwarded-for", "maelstrom-"]),
      add: "X-Forwarded-For: 1\r\n",
      addToResponse: "Z: 1\r\n",
    },
  });
  using client = await engine.client();
  await client.send(
    "GET /a/../b%2e?|#".replace("#", "") + " HTTP/1.1\r\nx-B: 2\r\nHost: A.b:1\r\nX-a: 1\r\n" +
      "X-Forwarded-For: spoofed\r\nx_forwarded_for: spoofed\r\nMaelstrom-Key: x\r\nX-b: 1\r\n" +
      "TE: trailers\r\nTrailer: a\r\nKeep-Alive: 3\r\nProxy-Connection: x\r\nUpgrade: foo\r\n" +
      "Connection: keep-alive, X-Drop, Host, X-Forwarded-For\r\nX-Drop: 1\r\n\r\n",
  );
  const { head } = await client.message();
  assert.equal(
    seen[0],
    "GET /a/../b%2e?| HTTP/1.1\r\nx-B: 2\r\nHost: A.b:1\r\nX-a: 1\r\nX-b: 1\r\nX-Forwarded-For: 1\r\n\r\n",
  );
  assert.equal(
    head,
    "HTTP/1.1 299 Fine by me\r\nB: 2\r\na: 1\r\nB: 1\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nspaced: y\r\n" +
      "Content-Length: 0\r\nZ: 1\r\n\r\n",
  );
});

Deno.test("forward() replaces Host by an absolute target's authority, and gives 1.0 one", async () => {
  const seen: string[] = [];
  await using backend = answering(({ head }) => {
    seen.push(head);
    return OK;
  });
  await using engine = new Engine(backend.port);
  using client = await engine.client();
  await client.send("GET http://A.b:1/x HTTP/1.1\r\nHost: other\r\nC: d\r\n\r\n");
  await client.message();
  await client.send("GET /y HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  assert.match((await client.message()).head, /\r\nConnection: keep-alive\r\n/);
  await client.send("GET /z HTTP/1.0\r\n\r\n");
  assert.match(await client.rest(), /\r\nConnection: close\r\n\r\nok$/);
  assert.deepEqual(seen, [
    "GET /x HTTP/1.1\r\nHost: A.b:1\r\nC: d\r\n\r\n",
    `GET /y HTTP/1.1\r\nHost: 127.0.0.1:${backend.port}\r\n\r\n`,
    `GET /z HTTP/1.1\r\nHost: 127.0.0.1:${backend.port}\r\n\r\n`,
  ]);
  assert.equal(backend.peers.length, 1, "one upstream connection, used again");
});

const answers: { name: string; answer: string; minor?: number; method?: string; want: string }[] = [
  { name: "a length", answer: OK, want: "Content-Length: 2\r\n\r\nok" },
  {
    name: "chunks",
    answer:
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;x\r\nk\r\n0\r\nT: t\r\n\r\n",
    want: "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
  },
  {
    name: "chunks to a 1.0 client",
    minor: 0,
    answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;x\r\nk\r\n0\r\n\r\n",
    want: "Connection: close\r\n\r\nok",
  },
  {
    name: "a body ended by closing",
    answer: "HTTP/1.0 200 OK\r\n\r\nok",
    want: "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
  },
  {
    name: "a body ended by closing to a 1.0 client",
    minor: 0,
    answer: "HTTP/1.1 200 OK\r\n\r\nok",
    want: "Connection: close\r\n\r\nok",
  },
  {
    name: "no body to HEAD whatever is said",
    method: "HEAD",
    answer: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
    want: "Content-Length: 9\r\n\r\n",
  },
  {
    name: "no body with 304",
    answer: "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
    want: "Content-Length: 9\r\n\r\n",
  },
  {
    name: "no body with 204",
    answer: "HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\nnine byte",
    want: "No Content\r\n\r\n",
  },
  {
    name: "only as much as announced",
    answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n",
    want: "Content-Length: 2\r\n\r\nok",
  },
  {
    name: "interim answers",
    answer: "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + OK,
    want: "102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
  },
  {
    name: "no interim answers to a 1.0 client",
    minor: 0,
    answer: "HTTP/1.1 103 Early Hints\r\n\r\n" + OK,
    want: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
  },
];

for (const { name, answer, minor = 1, method = "GET", want } of answers) {
  for (const split of [false, true]) {
    Deno.test(`forward() passes ${name}${split ? ", byte by byte" : ""}`, async () => {
      await using backend = new RawBackend(async (peer) => {
        await peer.message();
        if (split) { for (const byte of answer) await peer.send(byte); }
        else await peer.send(answer);
        await peer.conn.closeWrite();
      });
      await using engine = new Engine(backend.port);
      using client = await engine.client();
      await client.send(`${method} / HTTP/1.${minor}\r\nHost: a\r\n\r\n`);
      await within(engine.result(0), "the result");
      assert.equal((await engine.result(0)).kind, "done");
      if (minor > 0) await client.send("GET * HTTP/1.1\r\nHost: a\r\n\r\n");
      const heard = await client.rest();
      const first = minor > 0 ? heard.slice(0, heard.lastIndexOf("HTTP/1.1 400")) : heard;
      if (!split || !name.includes("chunk") && !name.includes("closing")) {
        assert.ok(first.endsWith(want), JSON.stringify(first));
      } else {
        assert.equal(first.split("\r\n\r\n")[0]!.includes("chunked"), minor > 0);
      }
    });
  }
}

const nonsense = [
  "SSH-2.0-OpenSSH\r\n\r\n\r\n",
  "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
  "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
  "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nab",
  "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
  "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n",
  "HTTP/1.1 200 OK\r\nA: b",
  `HTTP/1.1 200 OK\r\nA: ${"b".repeat(70_000)}\r\n\r\n`,
  "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(40),
];

for (const answer of nonsense) {
  Deno.test(`forward() says gone of ${JSON.stringify(answer.slice(0, 80))}`, async () => {
    await using backend = new RawBackend(async (peer) => {
      await peer.message();
      await peer.send(answer);
      await peer.conn.closeWrite();
      await peer.rest();
    });
    await using engine = new Engine(backend.port);
    using client = await engine.client();
    await client.send(GET);
    assert.equal((await engine.result(0)).kind, "gone");
    assert.match(await client.until("gone"), /HTTP\/1.1 502 /);
    assert.equal(engine.upstream.busy, 0);
  });
}

const broken = [
  { name: "a length", answer: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc" },
  { name: "a chunk", answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc" },
  { name: "chunks", answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n" },
];

for (const { name, answer } of broken) {
  Deno.test(`forward() cuts when the upstream ends inside ${name}`, async () => {
    await using backend = new RawBackend(async (peer) => {
      await peer.message();
      await peer.send(answer);
      peer.close();
    });
    await using engine = new Engine(backend.port);
    const heard = await engine.exchange(GET);
    assert.match(heard, /abc/);
    assert.ok(!heard.endsWith("0\r\n\r\n"), "no clean end");
    assert.deepEqual(await engine.result(0), { kind: "cut" });
  });
}

Deno.test("forward() says not_sent when nobody listens, and may be called again", async () => {
  await using backend = answering(({ body }) =>
    `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  );
  const dead = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = dead.addr.port;
  dead.close();
  await using nobody = new Engine(port);
  await using engine: Engine = new Engine(backend.port, {
    handler: async (exchange) => {
      const deadline = performance.now() + 5000;
      assert.equal((await exchange.forward(nobody.upstream, { deadline })).kind, "not_sent");
      assert.equal((await exchange.forward(engine.upstream, { deadline })).kind, "done");
    },
  });
  using client = await engine.client();
  await client.send(POST);
  assert.equal((await client.message()).body, "abc");
});

for (
  const { name, request, sees } of [
    { name: "repeats GET once", request: GET, sees: 2 },
    { name: "does not repeat POST", request: POST, sees: 1 },
    { name: "does not repeat PUT with a body", request: POST.replace("POST", "PUT"), sees: 1 },
  ]
) {
  Deno.test(`forward() ${name} when a pooled connection dies unanswered`, async () => {
    let seen = 0;
    await using backend = new RawBackend(async (peer, number) => {
      await peer.message();
      await peer.send(OK);
      if (number === 0) {
        await peer.message();
        seen++;
        peer.close();
      } else seen++;
    });
    await using engine = new Engine(backend.port);
    using client = await engine.client();
    await client.send(GET);
    await client.message();
    await client.send(request);
    const { head } = await client.message();
    assert.match(head, sees === 2 ? /^HTTP\/1.1 200/ : /^HTTP\/1.1 502/);
    assert.equal((await engine.result(1)).kind, sees === 2 ? "done" : "gone");
    assert.equal(backend.peers.length, sees);
    assert.equal(seen, sees);
  });
}

for (
  const { name, request, answer = "", mayRepeat } of [
    { name: "GET", request: GET, mayRepeat: true },
    { name: "GET with part of an answer", request: GET, answer: "H", mayRepeat: undefined },
    { name: "POST", request: POST, mayRepeat: false },
  ]
) {
  Deno.test(`forward() says gone when a fresh connection dies with a ${name}`, async () => {
    await using backend = new RawBackend(async (peer) => {
      await peer.message();
      if (answer) await peer.send(answer);
      peer.close();
    });
    await using engine = new Engine(backend.port);
    using client = await engine.client();
    await client.send(request);
    assert.match((await client.message()).head, /^HTTP\/1.1 502/);
    assert.equal(backend.peers.length, 1);
    const result = await engine.result(0);
    assert.equal(result.kind === "gone" && result.mayRepeat, mayRepeat);
  });
}

Deno.test("forward() gives up an upstream that was closed and is silent, and may be called again", async () => {
  await using silent = new RawBackend(async (peer) => {
    await peer.message();
    lost.close();
    await peer.rest();
  });
  const lost = new Upstream({ hostname: "127.0.0.1", port: silent.port });
  await using backend = answering(() => OK);
  const ends: unknown[] = [];
  await using engine: Engine = new Engine(backend.port, {
    handler: async (exchange) => {
      const deadline = performance.now() + 30_000;
      ends.push(await exchange.forward(lost, { deadline }));
      ends.push((await exchange.forward(engine.upstream, { deadline })).kind);
    },
  });
  using client = await engine.client();
  await client.send(GET);
  assert.equal((await client.message()).body, "ok");
  assert.deepEqual(ends, [{ kind: "timed_out", mayRepeat: true }, "done"]);
});

Deno.test("forward() does not use a pooled connection that was closed meanwhile", async () => {
  await using backend = new RawBackend(async (peer) => {
    await peer.message();
    await peer.send(OK);
    peer.close();
  });
  await using engine = new Engine(backend.port);
  using client = await engine.client();
  for (let i = 0; i < 5; i++) {
    await client.send(GET);
    await client.message();
    // The close is noticed by the read that waits on it; then the sweep takes it out.
    while (engine.upstream.idle > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await client.send(POST);
    assert.match((await client.message()).head, /^HTTP\/1.1 200/);
    while (engine.upstream.idle > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }
});

Deno.test("forward() times out before an answer, and the connection goes on", async () => {
  await using backend = new RawBackend(async (peer, number) => {
    await peer.message();
    if (number > 0) await peer.send(OK);
    await peer.rest();
  });
  await using engine = new Engine(backend.port, { deadlineMs: 150 });
  using client = await engine.client();
  await client.send(GET);
  assert.match((await client.message()).head, /^HTTP\/1.1 504/);
  await client.send(GET);
  assert.equal((await client.message()).body, "ok");
});

Deno.test("forward() cuts at its deadline inside an answer", async () => {
  await using backend = new RawBackend(async (peer) => {
    await peer.message();
    await peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
    await peer.rest();
  });
  await using engine = new Engine(backend.port, { deadlineMs: 150 });
  assert.match(await engine.exchange(GET), /1\r\na\r\n$/);
  assert.equal((await engine.result(0)).kind, "cut");
});

Deno.test("forward() cuts an answer that falls silent", async () => {
  await using backend = new RawBackend(async (peer) => {
    await peer.message();
    await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    await peer.rest();
  });
  await using engine = new Engine(backend.port, { forward: { responseIdleMs: 50 } });
  assert.match(await engine.exchange(GET), /abc$/);
  assert.equal((await engine.result(0)).kind, "cut");
});

for (const when of ["before the answer", "inside the answer", "while connecting is over"]) {
  Deno.test(`forward() closes the upstream when the client leaves ${when}`, async () => {
    const closed = Promise.withResolvers<void>();
    const got = Promise.withResolvers<void>();
    await using backend = new RawBackend(async (peer) => {
      await peer.message();
      if (when === "inside the answer") {
        await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
      } else got.resolve();
      await peer.rest();
      closed.resolve();
    });
    await using engine = new Engine(backend.port);
    using client = await engine.client();
    await client.send(GET);
    if (when === "inside the answer") await client.until("abc");
    else await got.promise;
    client.close();
    await within(closed.promise, "the upstream's end");
    assert.equal((await engine.result(0)).kind, "client_left");
  });
}

Deno.test("forward() asks for the body with 100 only when the upstream is there", async () => {
  await using backend = answering(({ head, body }) => {
    assert.ok(!/expect/i.test(head));
    return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  });
  await using engine = new Engine(backend.port);
  using client = await engine.client();
  await client.send(
    "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
  );
  assert.equal(await client.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  await client.send("abc");
  assert.equal((await client.message()).body, "abc");
  await client.send(GET);
  assert.match((await client.message()).head, /200 OK/);
});

Deno.test("forward() passes an early answer while the body is still being sent, then closes", async () => {
  await using backend = new RawBackend(async (peer) => {
    await peer.until("\r\n\r\n");
    await peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
    await peer.rest();
  });
  await using engine = new Engine(backend.port);
  using client = await engine.client();
  await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc");
  assert.match(await client.until("no"), /413 Too Large[^]*Connection: close/);
  await client.send("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.equal(await client.rest(), "");
  assert.deepEqual(await engine.result(0), { kind: "done", status: 413 });
});

Deno.test("forward() says gone when the upstream dies inside the request's body", async () => {
  await using backend = new RawBackend(async (peer) => {
    await peer.until("\r\n\r\n");
    peer.close();
  });
  await using engine = new Engine(backend.port);
  using client = await engine.client();
  await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc");
  assert.match(await client.until("gone"), /502/);
});

Deno.test("forward() streams both directions at once", async () => {
  await using backend = new RawBackend(async (peer) => {
    await peer.until("\r\n\r\n");
    await peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (let i = 0; i < 20; i++) {
      await peer.until(`1\r\n${i % 10}\r\n`);
      await peer.send(`1\r\n${i % 10}\r\n`);
    }
    await peer.until("0\r\n\r\n");
    await peer.send("0\r\n\r\n");
  });
  await using engine = new Engine(backend.port);
  using client = await engine.client();
  await client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  await client.until("\r\n\r\n");
  for (let i = 0; i < 20; i++) {
    await client.send(`01;x\r\n${i % 10}\r\n`);
    assert.equal(await client.until("\r\n" + (i % 10) + "\r\n"), `1\r\n${i % 10}\r\n`);
  }
  await client.send("0\r\nTrailer: x\r\n\r\n");
  assert.equal(await client.rest(), "0\r\n\r\n");
  assert.equal((await engine.result(0)).kind, "done");
});

Deno.test("forward() answers 400 to a body that turns out malformed", async () => {
  await using backend = new RawBackend(async (peer) => {
    await peer.rest();
  });
  await using engine = new Engine(backend.port);
  using client = await engine.client();
  await client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
  while (backend.peers.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  await client.send("x\r\n");
  assert.match(await client.rest(), /^HTTP\/1.1 400 /);
  assert.equal((await engine.result(0)).kind, "client_left");
});

Deno.test("forward() never makes two requests of one, however it is mutated", async () => {
  let requests = 0;
  await using backend = new RawBackend(async (peer) => {
    for (;;) {
      const { head } = await peer.message();
      requests++;
      if (/chunked/i.test(head)) await peer.until("0\r\n\r\n");
      await peer.send(OK);
    }
  });
  await using engine = new Engine(backend.port, {
    limits: { bodyIdleMs: 300, idleMs: 300, headReadMs: 300 },
    deadlineMs: 600,
  });
  const inner = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
  const seeds = [
    `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\n${inner}__`,
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1e\r\n${inner}__\r\n0\r\n\r\n`,
  ];
  const glitch = fc.record({
    seed: fc.constantFrom(...seeds),
    at: fc.nat(110),
    remove: fc.nat(3),
    insert: fc.constantFrom(
      ...["", " ", "\t", "\r", "\n", "\r\n", "\0", "0", "1", ",", ":", ";", "\x0b", "chunked", "+"],
    ),
  });
  const heard = await Promise.all(
    fc.sample(glitch, 400).map(async ({ seed, at, remove, insert }) => {
      return await engine.exchange(seed.slice(0, at) + insert + seed.slice(at + remove));
    }),
  );
  const answered = heard.join("").split("HTTP/1.1 200").length - 1;
  assert.ok(answered > 20, "most glitches are fatal, not all");
  const unanswered = engine.results.filter((result) => result.kind !== "done").length;
  assert.ok(requests <= answered + unanswered, `${requests} requests, ${answered} answers`);
});

Deno.test("forward() switches protocols, loses no byte and ends each direction by itself", async () => {
  await using backend = new RawBackend(async (peer) => {
    const head = await peer.until("\r\n\r\n");
    assert.match(head, /\r\nConnection: upgrade\r\nUpgrade: Foo\r\n\r\n$/);
    await peer.send(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\nfirst",
    );
    assert.equal(await peer.exactly(5), "early");
    await peer.send("echo:" + await peer.rest());
    await peer.conn.closeWrite();
  });
  await using engine = new Engine(backend.port, { deadlineMs: 1000 });
  using client = await engine.client();
  await client.send(
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: Foo\r\n\r\nearly",
  );
  assert.equal(
    await client.until("\r\n\r\n"),
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: foo\r\nConnection: upgrade\r\n\r\n",
  );
  assert.equal(await client.exactly(5), "first");
  await client.send("x".repeat(100_000));
  await client.conn.closeWrite();
  assert.equal(await client.rest(), "echo:" + "x".repeat(100_000));
  assert.deepEqual(await engine.result(0), { kind: "done", status: 101 });
  assert.equal(engine.upstream.busy, 0);
});

Deno.test("forward() checks a WebSocket's accept key", async () => {
  for (const [accept, status] of [["s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", 101], ["wrong", 502]] as const) {
    await using backend = new RawBackend(async (peer) => {
      await peer.until("\r\n\r\n");
      await peer.send(
        `HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
      await peer.rest();
    });
    await using engine = new Engine(backend.port);
    using client = await engine.client();
    await client.send(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    assert.match(await client.until("\r\n\r\n"), new RegExp(`^HTTP/1.1 ${status} `));
  }
});

Deno.test("forward() treats another answer to an upgrade as ordinary", async () => {
  await using backend = answering(() => OK);
  await using engine = new Engine(backend.port);
  using client = await engine.client();
  await client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n");
  assert.equal((await client.message()).body, "ok");
  await client.send(GET);
  assert.equal((await client.message()).body, "ok");
});

Deno.test("forward() refuses to send a body twice", async () => {
  await using backend = new RawBackend(async (peer) => {
    await peer.message();
    peer.close();
  });
  await using engine: Engine = new Engine(backend.port, {
    handler: async (exchange) => {
      const deadline = performance.now() + 5000;
      assert.equal((await exchange.forward(engine.upstream, { deadline })).kind, "gone");
      await assert.rejects(exchange.forward(engine.upstream, { deadline }), /body was sent/);
      await exchange.respond({ status: 502, headers: [], body: "once" });
    },
  });
  using client = await engine.client();
  await client.send(POST);
  assert.equal((await client.message()).body, "once");
});
