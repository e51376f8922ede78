import assert from "node:assert/strict";
import { call } from "../../../lib/http/call.ts";
import { InnerLine } from "../../../lib/http/inner_line.ts";
import { serveHttp } from "../../../lib/http/server.ts";
import { Upstream } from "../../../lib/http/upstream.ts";
import { silentLog } from "../../../lib/log.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Both ends of a connection. */
async function ends() {
  const line = new InnerLine("127.0.0.1", 8080);
  const [near, far] = await Promise.all([line.connect(), line.accept()]);
  return { line, near, far };
}

/** What is read into `room` bytes; undefined at the end. */
async function read(from: { read(into: Uint8Array): Promise<number | null> }, room = 100) {
  const into = new Uint8Array(room);
  const count = await from.read(into);
  return count === null ? undefined : new TextDecoder().decode(into.subarray(0, count));
}

Deno.test("InnerLine.connect() gives two ends of which each reads what the other writes", async () => {
  const { near, far } = await ends();
  const reading = read(far);
  assert.equal(await near.write(bytesOf("question")), 8);
  assert.equal(await reading, "question");
  const writing = far.write(bytesOf("answer"));
  assert.equal(await read(near), "answer");
  assert.equal(await writing, 6);
  assert.deepEqual(far.remoteAddr, { transport: "tcp", hostname: "127.0.0.1", port: 8080 });
});

Deno.test("InnerLine.connect() lets a writer go on with what the reader had no room for", async () => {
  const { near, far } = await ends();
  const writing = near.write(bytesOf("abcdef"));
  assert.equal(await read(far, 4), "abcd");
  assert.equal(await writing, 4);
  const reading = read(far, 1);
  assert.equal(await near.write(bytesOf("ef")), 1);
  assert.equal(await reading, "e");
});

Deno.test("InnerLine.connect() has an end that says it sends no more, and still reads", async () => {
  const { near, far } = await ends();
  const reading = read(far);
  await near.closeWrite();
  assert.equal(await reading, undefined);
  await assert.rejects(near.write(bytesOf("a")), Deno.errors.BrokenPipe);
  const writing = far.write(bytesOf("still"));
  assert.equal(await read(near), "still");
  await writing;
});

Deno.test("InnerLine.connect() ends what either end waits for when one is closed", async () => {
  const cases = [
    { own: "read", theirs: undefined, wants: [Deno.errors.BadResource, undefined] },
    { own: undefined, theirs: "read", wants: [undefined, "end"] },
    { own: "write", theirs: undefined, wants: [Deno.errors.BadResource, undefined] },
    { own: undefined, theirs: "write", wants: [undefined, Deno.errors.BrokenPipe] },
  ] as const;
  for (const { own, theirs, wants: [ownWant, theirWant] } of cases) {
    const { near, far } = await ends();
    const wait = (of: typeof near, what: "read" | "write" | undefined) =>
      what === "read"
        ? read(of).then((text) => text ?? "end")
        : what === "write"
        ? of.write(bytesOf("a"))
        : Promise.resolve(undefined);
    const waiting = [wait(near, own), wait(far, theirs)] as const;
    const settled = Promise.allSettled(waiting);
    near.close();
    for (const [index, want] of [ownWant, theirWant].entries()) {
      const result = (await settled)[index]!;
      if (typeof want === "function") {
        assert.ok(result.status === "rejected" && result.reason instanceof want);
      } else assert.ok(result.status === "fulfilled" && result.value === want);
    }
    await assert.rejects(read(near), Deno.errors.BadResource);
    await assert.rejects(far.write(bytesOf("a")), Deno.errors.BrokenPipe);
    assert.equal(await read(far), undefined);
    near.close();
    far.close();
  }
});

Deno.test("InnerLine.close() refuses connections, and closes those nobody has accepted", async () => {
  const line = new InnerLine("127.0.0.1", 8080);
  const waiting = await line.connect();
  line.close();
  assert.equal(await read(waiting), undefined);
  await assert.rejects(line.connect(), Deno.errors.ConnectionRefused);
  await assert.rejects(line.accept(), Deno.errors.BadResource);
  const other = new InnerLine("127.0.0.1", 8080);
  const accepting = other.accept();
  other.close();
  await assert.rejects(accepting, Deno.errors.BadResource);
});

Deno.test("InnerLine carries requests to a server, which sees an address, until it is drained", async () => {
  const line = new InnerLine("127.0.0.1", 8080);
  await using server = serveHttp([line], async (exchange) => {
    const body = `${exchange.clientAddress} ${exchange.hostField} ${exchange.target} `;
    await exchange.respond({ status: 200, headers: [], body: body + "x".repeat(100_000) });
  }, {
    log: silentLog,
    errorReply: (status, reason) => ({ status, headers: [], body: reason }),
  });
  const upstream = new Upstream({
    hostname: "127.0.0.1",
    port: 8080,
    connect: () => line.connect(),
  });
  const options = {
    bodyBytesMax: 1_000_000,
    limitMs: 5000,
    signal: new AbortController().signal,
  };
  const get = (path: string) =>
    call(upstream, { method: "GET", path, headers: [], body: "" }, options);
  const answers = await Promise.all(["/a", "/b", "/c"].map(get));
  for (const [index, { status, body }] of answers.entries()) {
    assert.equal(status, 200);
    assert.equal(body.length, 100_000 + "127.0.0.1 127.0.0.1:8080 /a ".length);
    assert.ok(body.startsWith(`127.0.0.1 127.0.0.1:8080 /${"abc"[index]} `));
  }
  await get("/again");
  assert.equal(server.connections, 3, "connections are used again");
  await server.drain(AbortSignal.timeout(2000));
  await assert.rejects(get("/late"), Deno.errors.ConnectionRefused);
  upstream.close();
});
