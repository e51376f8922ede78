import assert from "node:assert/strict";
import { answering, Engine, RawBackend, type RawPeer, within } from "../../support/http/raw.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const STREAM_BYTES = 256 * 1024 * 1024;
const GROWTH_MAX_BYTES = 32 * 1024 * 1024;
const PIECE = new Uint8Array(256 * 1024);

/** Sends `count` bytes of nothing in particular. */
async function pour(conn: Deno.Conn, count: number): Promise<void> {
  for (let left = count; left > 0;) {
    left -= await conn.write(PIECE.subarray(0, Math.min(left, PIECE.length)));
  }
}

/** Reads `count` bytes and forgets them. */
async function drink(conn: Deno.Conn, count: number): Promise<void> {
  const buffer = new Uint8Array(256 * 1024);
  for (let left = count; left > 0;) {
    const read = await conn.read(buffer);
    assert.ok(read !== null, `ended with ${left} bytes to come`);
    left -= read;
  }
}

/** Reads to the end; gives the number of bytes and the last few. */
async function drain(peer: RawPeer): Promise<{ count: number; tail: string }> {
  const buffer = new Uint8Array(256 * 1024);
  let tail = peer.take(peer.heard.length);
  let count = tail.length;
  for (
    let read = await peer.conn.read(buffer);
    read !== null;
    read = await peer.conn.read(buffer)
  ) {
    count += read;
    tail = (tail + String.fromCharCode(...buffer.subarray(Math.max(0, read - 8), read))).slice(-8);
  }
  return { count, tail };
}

/** Bytes that this file's tests hold. The process's resident ones count the files beside it too. */
function heldBytes(): number {
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

async function assertBounded(name: string, work: () => Promise<void>): Promise<void> {
  const before = heldBytes();
  let most = before;
  const watch = setInterval(() => most = Math.max(most, heldBytes()), 20);
  const start = performance.now();
  await work();
  clearInterval(watch);
  const seconds = (performance.now() - start) / 1000;
  const growth = (most - before) / 2 ** 20;
  console.log(
    `${name}: ${(STREAM_BYTES / 2 ** 20 / seconds).toFixed(0)} MiB/s, memory +${
      growth.toFixed(0)
    } MiB`,
  );
  assert.ok(most - before < GROWTH_MAX_BYTES, `${growth} MiB more`);
}

for (const framing of ["length", "chunks"]) {
  Deno.test(`forward() brings 256 MiB down in bounded memory, by ${framing}`, async () => {
    await using backend = new RawBackend(async (peer) => {
      await peer.message();
      if (framing === "length") {
        await peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${STREAM_BYTES}\r\n\r\n`);
        await pour(peer.conn, STREAM_BYTES);
      } else {
        await peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        const size = 1024 * 1024;
        for (let sent = 0; sent < STREAM_BYTES; sent += size) {
          await peer.send(`${size.toString(16)}\r\n`);
          await pour(peer.conn, size);
          await peer.send("\r\n");
        }
        await peer.send("0\r\n\r\n");
      }
    });
    await using engine = new Engine(backend.port);
    using client = await engine.client();
    await assertBounded(`down, ${framing}`, async () => {
      await client.send(GET.replace("Host", "Connection: close\r\nHost"));
      await client.until("\r\n\r\n");
      const { count, tail } = await drain(client);
      if (framing === "length") assert.equal(count, STREAM_BYTES);
      else assert.ok(count > STREAM_BYTES && tail.endsWith("\r\n0\r\n\r\n"), tail);
    });
    assert.equal((await engine.result(0)).kind, "done");
  });
}

Deno.test("forward() takes 256 MiB up in bounded memory", async () => {
  await using backend = new RawBackend(async (peer) => {
    await peer.until("\r\n\r\n");
    await drink(peer.conn, STREAM_BYTES - peer.heard.length);
    peer.heard = "";
    await peer.send(OK);
    await peer.message();
    await peer.send(OK);
  });
  await using engine = new Engine(backend.port);
  using client = await engine.client();
  await assertBounded("up", async () => {
    await client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${STREAM_BYTES}\r\n\r\n`);
    await pour(client.conn, STREAM_BYTES);
    assert.equal((await client.message()).body, "ok");
  });
  await client.send(GET);
  assert.equal((await client.message()).body, "ok");
  assert.equal(backend.peers.length, 1, "the connections go on");
});

Deno.test("forward() passes each piece of a stream on at once", async () => {
  const pieces = 50;
  let arrived = Promise.withResolvers<void>();
  await using backend = new RawBackend(async (peer) => {
    await peer.message();
    await peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
    for (let i = 0; i < pieces; i++) {
      await peer.send(`data: ${i}\n\n`);
      // The next piece is sent only when this one has come through.
      await within(arrived.promise, `piece ${i}`);
      arrived = Promise.withResolvers<void>();
    }
    peer.close();
  });
  await using engine = new Engine(backend.port);
  using client = await engine.client();
  await client.send(GET);
  for (let i = 0; i < pieces; i++) {
    await client.until(`data: ${i}\n\n\r\n`);
    arrived.resolve();
  }
  assert.equal(await client.until("0\r\n\r\n"), "0\r\n\r\n");
});

Deno.test("forward() holds the upstream back while the client does not read, then cuts", async () => {
  let sent = 0;
  const stuck = Promise.withResolvers<void>();
  await using backend = new RawBackend(async (peer) => {
    await peer.message();
    await peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${STREAM_BYTES}\r\n\r\n`);
    try {
      for (;;) sent += await peer.conn.write(PIECE);
    } finally {
      stuck.resolve();
    }
  });
  await using engine = new Engine(backend.port, { limits: { bodyIdleMs: 200 } });
  using client = await engine.client();
  await client.send(GET);
  assert.equal((await engine.result(0)).kind, "client_left");
  await within(stuck.promise, "the upstream's end");
  assert.ok(sent < STREAM_BYTES / 4, `${sent} bytes taken for nobody`);
});

Deno.test("serveHttp() serves 1,000 keep-alive connections", async () => {
  await using backend = answering(() => OK);
  await using engine = new Engine(backend.port);
  const clients = await Promise.all(Array.from({ length: 1000 }, () => engine.client()));
  for (let round = 0; round < 3; round++) {
    await Promise.all(clients.map(async (client) => {
      await client.send(GET);
      assert.equal((await client.message()).body, "ok");
    }));
  }
  assert.equal(engine.server.connections, 1000);
  assert.ok(engine.upstream.idle <= 256);
  for (const client of clients) client.close();
});
