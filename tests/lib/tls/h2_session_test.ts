import assert from "node:assert/strict";
import * as http2 from "node:http2";
import { answering, bytesOf, RawBackend, within } from "../../support/http/raw.ts";
import { Door, run, tellingHandler } from "../../support/tls/door.ts";
import {
  block,
  concat,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  type Fields,
  type Frame,
  frame,
  GET,
  GOAWAY,
  HEADERS,
  PING,
  RawH2,
  request,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} from "../../support/tls/raw_h2.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const POST = request({ ":method": "POST" });

function isAcknowledgement({ type, flags }: Frame): boolean {
  return type === SETTINGS && flags === 1;
}

/** A handler that waits must not outlive its client, or the server never ends. */
function onAbort(signal: AbortSignal, end: () => void): void {
  if (signal.aborted) end();
  else signal.addEventListener("abort", () => end());
}

/** A backend that keeps every byte it hears, and answers each head it can see. */
function listening(heard: string[]): RawBackend {
  return new RawBackend(async (peer) => {
    for (;;) {
      heard.push(await peer.until("\r\n\r\n"));
      await peer.send(OK);
    }
  });
}

Deno.test("H2Session passes requests of one connection on, one after another and at once", async () => {
  await using backend = answering(() => OK);
  await using door = await Door.open(backend.port);
  using client = await RawH2.connect(door.port);
  for (const stream of [1, 3, 5]) {
    client.request(stream, GET);
    assert.equal(await client.end(stream), "end");
  }
  for (const stream of [7, 9, 11, 13]) client.request(stream, GET);
  for (const stream of [7, 9, 11, 13]) assert.equal(await client.end(stream), "end");
  assert.deepEqual([1, 7, 13].map((stream) => client.data(stream)), ["ok", "ok", "ok"]);
});

Deno.test("H2Session tells the client's address, https and the host", async () => {
  await using door = await Door.open(1, { handler: tellingHandler });
  const told = await run("curl", "-sk", "--http2", `https://localhost:${door.port}/x?y`);
  assert.deepEqual(JSON.parse(told), {
    method: "GET",
    target: "/x?y",
    host: "localhost",
    clientAddress: "127.0.0.1",
    secure: true,
    misdirected: false,
  });
});

const smuggling: { name: string; fields: Fields; body?: string }[] = [
  { name: "transfer-encoding", fields: request({}, [["transfer-encoding", "chunked"]]) },
  { name: "connection", fields: request({}, [["connection", "close"]]) },
  { name: "upgrade", fields: request({}, [["upgrade", "h2c"]]) },
  { name: "CRLF in :path", fields: request({ ":path": "/ HTTP/1.1\r\nx: y" }) },
  { name: "space in :path", fields: request({ ":path": "/a b" }) },
  { name: "absolute :path", fields: request({ ":path": "http://evil.test/" }) },
  { name: "space in :method", fields: request({ ":method": "GET / HTTP/1.1\r\n\r\nGET" }) },
  { name: "user in :authority", fields: request({ ":authority": "u@a.test" }) },
  { name: "no :path", fields: request({ ":path": undefined }) },
  { name: "no :authority", fields: request({ ":authority": undefined }) },
  { name: "another host", fields: request({}, [["host", "evil.test"]]) },
  { name: ":path twice", fields: request({}, [[":path", "/b"]]) },
  { name: "upper case", fields: request({}, [["X-A", "b"]]) },
  { name: "two lengths", fields: request({}, [["content-length", "0"], ["content-length", "5"]]) },
  { name: "extended CONNECT", fields: request({ ":method": "CONNECT" }, [[":protocol", "x"]]) },
  { name: "CONNECT", fields: [[":method", "CONNECT"], [":authority", "evil.test:1"]] },
];
for (const { name, fields } of smuggling) {
  Deno.test(`H2Session lets nothing through of a request with ${name}`, async () => {
    const heard: string[] = [];
    await using backend = listening(heard);
    await using door = await Door.open(backend.port);
    using client = await RawH2.connect(door.port);
    client.request(1, fields);
    const end = await client.end(1);
    assert.ok(end !== "end" || client.status(1) !== 200, `${end} ${client.status(1)}`);
    assert.deepEqual(heard, []);
  });
}

for (const value of ["1\r\ny: 2", "1\ny: 2", "1\0", "1\r\n\r\nGET /b HTTP/1.1\r\n\r\n"]) {
  Deno.test(`H2Session lets no field through whose value is ${JSON.stringify(value)}`, async () => {
    const heard: string[] = [];
    await using backend = listening(heard);
    await using door = await Door.open(backend.port);
    using client = await RawH2.connect(door.port);
    client.request(1, request({}, [["x", value]]));
    await client.end(1);
    // nghttp2 takes such a field out; the request may go on without it.
    for (const head of heard) assert.doesNotMatch(head, /^[xy]:|\/b/m);
    assert.ok(heard.length <= 1);
  });
}

for (
  const { name, length, body } of [
    { name: "longer", length: "2", body: "abcde" },
    { name: "shorter", length: "9", body: "abcde" },
  ]
) {
  Deno.test(`H2Session never completes a body ${name} than content-length`, async () => {
    const bodies: string[] = [];
    await using backend = new RawBackend(async (peer) => {
      await peer.until("\r\n\r\n");
      bodies.push(await peer.rest());
    });
    await using door = await Door.open(backend.port);
    using client = await RawH2.connect(door.port);
    client.request(1, request({ ":method": "POST" }, [["content-length", length]]), false);
    client.send(frame(DATA, END_STREAM, 1, body));
    assert.match(await client.end(1), /^(rst|goaway|closed)/);
    await client.closed();
    assert.ok(bodies.every((heard) => heard.length < Number(length)), bodies.join());
  });
}

Deno.test("H2Session refuses fields beyond the engine's number with 431", async () => {
  await using door = await Door.open(1, { handler: tellingHandler });
  const many = Array.from({ length: 110 }, (_, i) => `x-${i}: 1`).flatMap((line) => ["-H", line]);
  const url = `https://127.0.0.1:${door.port}/`;
  const out = await run("curl", "-sk", "--http2", "-o", "-", "-w", "%{http_code}", ...many, url);
  assert.match(out, /431$/);
});

Deno.test("H2Session closes a connection that ignores the number of streams", async () => {
  await using door = await Door.open(1, {
    limits: { streamsMax: 1 },
    handler: (exchange) => new Promise<void>((resolve) => onAbort(exchange.signal, resolve)),
  });
  using client = await RawH2.connect(door.port);
  await client.until("acknowledgement", (frames) => frames.find(isAcknowledgement));
  client.send(frame(SETTINGS, 1, 0));
  for (const stream of [1, 3]) client.request(stream, GET);
  assert.equal(await client.closed(), 1);
});

Deno.test("H2Session closes a connection that cancels too many requests", async () => {
  await using backend = listening([]);
  await using door = await Door.open(backend.port, { limits: { resetsMax: 20 } });
  using client = await RawH2.connect(door.port);
  const burst = Array.from({ length: 40 }, (_, i) => 2 * i + 1).flatMap((stream) => [
    frame(HEADERS, END_STREAM | END_HEADERS, stream, block(GET)),
    frame(RST_STREAM, 0, stream, "\0\0\0\x08"),
  ]);
  client.send(...burst);
  assert.equal(await client.closed(), 11, client.told());
  assert.match(door.logged.join("\n"), /too many cancelled requests/);
});

Deno.test("H2Session refuses streams beyond its number and goes on", async () => {
  const waiting: (() => void)[] = [];
  await using door = await Door.open(1, {
    limits: { streamsMax: 3 },
    handler: async (exchange) => {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        onAbort(exchange.signal, resolve);
      });
      await exchange.respond({ status: 200, headers: [], body: "ok" });
    },
  });
  using client = await RawH2.connect(door.port);
  // Not acknowledged yet, the limit is told stream by stream.
  for (const stream of [1, 3, 5, 7]) client.request(stream, GET);
  assert.equal(await client.end(7), "rst 7");
  await within(
    (async () => {
      while (waiting.length < 3) await new Promise((resolve) => setTimeout(resolve, 1));
    })(),
    "three handlers",
  );
  for (const go of waiting) go();
  for (const stream of [1, 3, 5]) assert.equal(await client.end(stream), "end");
});

const floods: { name: string; before?: Uint8Array[]; bytes: () => Uint8Array }[] = [
  { name: "PING", bytes: () => frame(PING, 0, 0, "12345678") },
  { name: "SETTINGS", bytes: () => frame(SETTINGS, 0, 0) },
  {
    name: "CONTINUATION",
    before: [frame(HEADERS, END_STREAM, 1, block(GET))],
    bytes: () => frame(CONTINUATION, 0, 1, block([["x", "y".repeat(100)]])),
  },
  {
    name: "empty CONTINUATION",
    before: [frame(HEADERS, END_STREAM, 1, block(GET))],
    bytes: () => frame(CONTINUATION, 0, 1),
  },
  {
    name: "empty DATA",
    before: [frame(HEADERS, END_HEADERS, 1, block(POST))],
    bytes: () => frame(DATA, 0, 1),
  },
  { name: "zero WINDOW_UPDATE", bytes: () => frame(WINDOW_UPDATE, 0, 0, "\0\0\0\0") },
];
for (const { name, before = [], bytes } of floods) {
  Deno.test(`H2Session closes a connection that floods with ${name}`, async () => {
    await using backend = listening([]);
    await using door = await Door.open(backend.port);
    using client = await RawH2.connect(door.port);
    client.send(...before);
    const burst = concat(Array.from({ length: 1000 }, bytes));
    const flooding = (async () => {
      for (let i = 0; i < 40 && !client.ended; i++) {
        client.send(burst);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    })();
    await client.closed();
    await flooding;
    assert.equal(door.server.connections <= 1, true);
  });
}

Deno.test("H2Session closes a connection without requests", async () => {
  await using door = await Door.open(1, {
    handler: tellingHandler,
    limits: { firstRequestMs: 50, idleMs: 50 },
  });
  using silent = await RawH2.connect(door.port);
  assert.equal(await silent.closed(), 0);
  using client = await RawH2.connect(door.port);
  client.request(1, GET);
  assert.equal(await client.end(1), "end");
  assert.equal(await client.closed(), 0);
});

Deno.test("H2Session tells the instance when the client cancels", async () => {
  const gone = Promise.withResolvers<void>();
  await using backend = new RawBackend(async (peer) => {
    await peer.until("\r\n\r\n");
    await peer.rest();
    gone.resolve();
  });
  await using door = await Door.open(backend.port);
  using client = await RawH2.connect(door.port);
  client.request(1, GET);
  await within(
    (async () => {
      while (backend.peers.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    })(),
    "the instance",
  );
  client.send(frame(RST_STREAM, 0, 1, "\0\0\0\x08"));
  await within(gone.promise, "the instance's end");
  assert.equal((await door.result(0)).kind, "client_left");
});

Deno.test("H2Session never ends a body of a cancelled upload", async () => {
  const heard = Promise.withResolvers<string>();
  await using backend = new RawBackend(async (peer) => {
    await peer.until("\r\n\r\n");
    heard.resolve(await peer.rest());
  });
  await using door = await Door.open(backend.port);
  using client = await RawH2.connect(door.port);
  client.request(1, POST, false);
  client.send(frame(DATA, 0, 1, "part"));
  await within(
    (async () => {
      while (backend.peers.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    })(),
    "the instance",
  );
  client.send(frame(RST_STREAM, 0, 1, "\0\0\0\x08"));
  assert.doesNotMatch(await within(heard.promise, "the end"), /0\r\n\r\n$/);
});

for (const framing of ["Content-Length: 100", "Transfer-Encoding: chunked"]) {
  Deno.test(`H2Session resets the stream when an answer breaks off (${framing})`, async () => {
    await using backend = new RawBackend(async (peer) => {
      await peer.until("\r\n\r\n");
      await peer.send(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n5\r\nabcde\r\n`);
      peer.close();
    });
    await using door = await Door.open(backend.port);
    using client = await RawH2.connect(door.port);
    client.request(1, GET);
    assert.equal(await client.end(1), "rst 2");
    assert.equal((await door.result(0)).kind, "cut");
  });
}

Deno.test("H2Session answers early, stops the upload and serves on", async () => {
  await using backend = answering(() => "");
  await using door = await Door.open(backend.port, {
    handler: (exchange) => exchange.respond({ status: 404, headers: [], body: "no" }),
  });
  using client = await RawH2.connect(door.port);
  client.request(1, POST, false);
  client.send(frame(DATA, 0, 1, "part"));
  assert.equal(await client.end(1), "end");
  assert.equal(client.status(1), 404);
  await client.until("RST", (frames) => frames.find(({ type }) => type === RST_STREAM));
  client.request(3, GET);
  assert.equal(await client.end(3), "end");
});

Deno.test("H2Session ends an upload that was paused when the answer came early", async () => {
  const answer = Promise.withResolvers<void>();
  await using backend = new RawBackend(async (peer, number) => {
    const head = await peer.until("\r\n\r\n");
    if (number > 0) {
      await peer.exactly(Number(/content-length: (\d+)/.exec(head)?.[1]));
      return await peer.send(OK);
    }
    await answer.promise;
    await peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
    await peer.rest();
  });
  await using door = await Door.open(backend.port);
  const session = http2.connect(`https://127.0.0.1:${door.port}`, { rejectUnauthorized: false });
  try {
    const stream = session.request({ ":method": "POST" });
    const closed = new Promise<void>((resolve) => stream.on("aborted", resolve));
    const status = new Promise((resolve) => stream.on("response", (h) => resolve(h[":status"])));
    stream.on("error", () => {});
    stream.resume();
    const piece = new Uint8Array(64 * 1024);
    const filled = new Promise<void>((resolve) => {
      const fill = (count: number) => {
        let last = performance.now();
        const timer = setInterval(() => {
          if (performance.now() - last < 100) return;
          clearInterval(timer);
          resolve();
        }, 20);
        const more = () => {
          last = performance.now();
          if (count-- > 0 && !stream.destroyed) stream.write(piece, more);
        };
        more();
      };
      fill(1000);
    });
    await within(filled, "a stalled upload");
    answer.resolve();
    assert.equal(await within(status, "the answer"), 413);
    await within(closed, "the reset");
    assert.deepEqual(await door.result(0), { kind: "done", status: 413 });
    // What was thrown away has not used up the connection's window.
    const size = 3 * 1024 * 1024;
    const next = session.request({ ":method": "POST", "content-length": String(size) });
    const second = new Promise((resolve) => next.on("response", (h) => resolve(h[":status"])));
    next.resume();
    next.end(new Uint8Array(size));
    assert.equal(await within(second, "the next answer"), 200);
  } finally {
    session.destroy();
  }
});

Deno.test("H2Session passes interim answers on and drops trailers", async () => {
  await using backend = answering(() =>
    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" +
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Late: 1\r\n\r\n"
  );
  await using door = await Door.open(backend.port);
  using client = await RawH2.connect(door.port);
  client.request(1, GET);
  assert.equal(await client.end(1), "end");
  assert.equal(client.frames.filter(({ type }) => type === HEADERS).length, 2);
  assert.equal(client.data(1), "ok");
});

Deno.test("H2Session tells clients on drain, and ends when their requests have ended", async () => {
  const begun = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  await using door = await Door.open(1, {
    handler: async (exchange) => {
      begun.resolve();
      onAbort(exchange.signal, go.resolve);
      await go.promise;
      await exchange.respond({ status: 200, headers: [], body: "late" });
    },
  });
  using client = await RawH2.connect(door.port);
  client.request(1, GET);
  await within(begun.promise, "the request");
  const draining = door.server.drain(AbortSignal.timeout(9_000));
  await client.until("GOAWAY", (frames) => frames.find(({ type }) => type === GOAWAY));
  go.resolve();
  await within(draining, "drain");
  assert.equal(await client.end(1), "end");
  assert.equal(client.data(1), "late");
  assert.equal(await client.closed(), 0);
});

Deno.test("H2Session carries large bodies both ways at the pace of the slower", async () => {
  const size = 24 * 1024 * 1024;
  await using backend = new RawBackend(async (peer) => {
    await peer.until("\r\n\r\n");
    await peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
    // Echoes; nothing else would end before what it sends is read.
    let left = size;
    const buffer = new Uint8Array(64 * 1024);
    let early = bytesOf(peer.take(peer.heard.length));
    while (left > 0) {
      const count = early.length > 0 ? 0 : await peer.conn.read(buffer);
      if (count === null) return;
      const bytes = early.length > 0 ? early : buffer.slice(0, count);
      early = new Uint8Array(0);
      left -= bytes.length;
      await peer.send(bytes);
    }
  });
  await using door = await Door.open(backend.port);
  const session = http2.connect(`https://127.0.0.1:${door.port}`, { rejectUnauthorized: false });
  try {
    const stream = session.request({ ":method": "POST", "content-length": String(size) });
    let sum = 0;
    let count = 0;
    stream.on("data", (bytes: Uint8Array) => {
      count += bytes.length;
      for (let i = 0; i < bytes.length; i += 1024) sum = (sum + bytes[i]!) % 65521;
    });
    const ended = new Promise<void>((resolve, reject) => {
      stream.on("end", resolve);
      stream.on("error", reject);
    });
    const piece = new Uint8Array(64 * 1024).fill(7);
    for (let sent = 0; sent < size; sent += piece.length) {
      if (!stream.write(piece)) await new Promise((resolve) => stream.once("drain", resolve));
    }
    stream.end();
    await within(ended, "the echo");
    assert.equal(count, size);
    assert.ok(sum > 0);
  } finally {
    session.destroy();
  }
});
