/** A thousand slow clients at a real node, and one good client between them. */
import assert from "node:assert/strict";
import { RawPeer, within } from "../support/http/raw.ts";
import { TestNode } from "../support/node.ts";
import { putProgram } from "./program.ts";
import { residentBytes } from "./rss.ts";

const SLOW = 1_000;
const GOOD_REQUESTS = 1_000;
const DRIP_EVERY_MS = 1_000;
const DRIP_TURNS = 100;
const SETTLING_ROUNDS = 4;
const GIVEN_UP_LIMIT_MS = 20_000;
const GET = "GET / HTTP/1.1\r\nHost: good\r\n\r\n";

/** How a slow client begins, and what it adds again and again; nothing: it does not read. */
const kinds = [
  { begins: "GET / HTTP/1.1\r\nHost: slow\r\nX-A: ", drips: "a" },
  { begins: "POST /take HTTP/1.1\r\nHost: slow\r\nContent-Length: 1000000\r\n\r\n", drips: "a" },
  { begins: "GET /pour?n=100000000 HTTP/1.1\r\nHost: slow\r\n\r\n", drips: "" },
];

/** Times of requests one after the other, in milliseconds, sorted. */
async function timesOf(port: number): Promise<number[]> {
  using client = await RawPeer.connect(port);
  const times: number[] = [];
  for (let i = 0; i < GOOD_REQUESTS; i++) {
    const begun = performance.now();
    await client.send(GET);
    const { head, body } = await client.message();
    times.push(performance.now() - begun);
    assert.match(head, /^HTTP\/1\.1 200 /);
    assert.equal(body, "healthy");
  }
  return times.sort((a, b) => a - b);
}

/** Connects the slow clients, which drip until the stack is disposed. */
async function connectSlow(port: number, stack: DisposableStack): Promise<void> {
  const peers: RawPeer[] = [];
  for (let i = 0; i < SLOW; i++) {
    const peer = stack.use(await RawPeer.connect(port));
    peers.push(peer);
    await peer.send(kinds[i % kinds.length]!.begins);
  }
  let turn = 0;
  const timer = setInterval(() => {
    // A few at a time, as clients that know nothing of each other would.
    for (let i = turn++ % DRIP_TURNS; i < SLOW; i += DRIP_TURNS) {
      const { drips } = kinds[i % kinds.length]!;
      // One that was cut off meanwhile has had its answer.
      if (drips) peers[i]!.send(drips).catch(() => {});
    }
  }, DRIP_EVERY_MS / DRIP_TURNS);
  stack.defer(() => clearInterval(timer));
}

Deno.test("a good client gets all its answers among 1,000 slow ones", async () => {
  await using node = await TestNode.start();
  await putProgram(node, "streams", "./streams.ts", { maxConcurrency: 2 * SLOW });
  await timesOf(node.publicPort);
  const alone = await timesOf(node.publicPort);
  const memoryBefore = residentBytes(node.pid);
  using stack = new DisposableStack();
  await connectSlow(node.publicPort, stack);
  const arriving = await timesOf(node.publicPort);
  // Meanwhile the buffers of those who do not read fill up; that is part of arriving.
  for (let round = 0; round < SETTLING_ROUNDS; round++) await timesOf(node.publicPort);
  const staying = await timesOf(node.publicPort);
  const p99 = (times: number[]) => times[Math.floor(times.length * 0.99)]!;
  const perClient = (residentBytes(node.pid) - memoryBefore) / SLOW / 1024;
  console.log(
    `p99 of a good client: alone ${p99(alone).toFixed(2)} ms; while ${SLOW} slow ones arrive ` +
      `${p99(arriving).toFixed(2)} ms, while they stay ${p99(staying).toFixed(2)} ms, ` +
      `${(p99(staying) / p99(alone)).toFixed(1)} times (goal 2); ` +
      `${perClient.toFixed(0)} KiB of memory for each slow one`,
  );
});

Deno.test("slow clients are cut off: heads after their time, bodies and readers after silence", async () => {
  await using node = await TestNode.start({
    env: { MAEL_HTTP_HEAD_TIMEOUT: "1", MAEL_HTTP_BODY_IDLE_TIMEOUT: "1" },
  });
  await putProgram(node, "streams", "./streams.ts");
  await timesOf(node.publicPort);
  using stack = new DisposableStack();
  const peers = await Promise.all(
    kinds.map(async ({ begins }) => {
      const peer = stack.use(await RawPeer.connect(node.publicPort));
      await peer.send(begins);
      return peer;
    }),
  );
  const [head, body, reader] = peers as [RawPeer, RawPeer, RawPeer];
  // A head that keeps dripping has no more time than one that does not.
  const timer = setInterval(() => head.send("a").catch(() => {}), 100);
  stack.defer(() => clearInterval(timer));
  assert.match(await head.rest(), /^HTTP\/1\.1 408 /);
  assert.match(await body.rest(), /^HTTP\/1\.1 408 /);
  // The reader begins to read only when it has been given up: until then it would make progress.
  const endMs = performance.now() + GIVEN_UP_LIMIT_MS;
  while ((await (await fetch(`${node.url}/left`)).json()).downloads === 0) {
    assert.ok(performance.now() < endMs, "the reader was not given up");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  let count = 0;
  for (const buffer = new Uint8Array(1 << 20);;) {
    const read = await within(reader.conn.read(buffer).catch(() => null), "the end");
    if (read === null) break;
    count += read;
  }
  assert.ok(count < 100_000_000, "cut off, not served to the end");
});
