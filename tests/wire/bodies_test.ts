import assert from "node:assert/strict";
import { RawPeer, within } from "../support/http/raw.ts";
import { TestNode } from "../support/node.ts";
import { putProgram } from "./program.ts";
import { growthDuring } from "./rss.ts";

const LONG_BYTES = 1024 ** 3;
const GROWTH_BYTES_MAX = 128 * 1024 ** 2;
const EVENT_ROUNDS = 60;
const PIECE = new Uint8Array(256 * 1024);

function mib(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(0);
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

/** Reads `count` bytes and forgets them. */
async function drink(peer: RawPeer, count: number): Promise<void> {
  const buffer = new Uint8Array(256 * 1024);
  for (let left = count - peer.take(peer.heard.length).length; left > 0;) {
    const read = await peer.conn.read(buffer);
    assert.ok(read !== null, `ended with ${left} bytes to come`);
    left -= read;
  }
}

Deno.test("long bodies through a node", async (t) => {
  await using node = await TestNode.start();
  await putProgram(node, "streams", "./streams.ts");
  assert.equal(await (await fetch(node.url)).text(), "healthy");
  const client = () => RawPeer.connect(node.publicPort);
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
  const left = async () => await (await fetch(`${node.url}/left`)).json();
  /** Asks until the instance has noticed; it does so when the kernel tells it, not when we do. */
  const noticed = async (what: "uploads" | "downloads", before: number) => {
    const endMs = performance.now() + 5_000;
    while ((await left())[what] === before) {
      assert.ok(performance.now() < endMs, `the instance did not notice: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const measured = async (name: string, work: () => Promise<void>) => {
    const begun = performance.now();
    const growth = await growthDuring(node.pid, work);
    const seconds = (performance.now() - begun) / 1000;
    console.log(`1 GiB ${name}: ${mib(LONG_BYTES / seconds)} MiB/s, daemon +${mib(growth)} MiB`);
    assert.ok(growth < GROWTH_BYTES_MAX, `the daemon grew by ${mib(growth)} MiB`);
  };

  await t.step("1 GiB comes down in bounded memory", () =>
    measured("down", async () => {
      using peer = await client();
      await peer.send(get(`/pour?n=${LONG_BYTES}`));
      assert.match(await peer.until("\r\n\r\n"), new RegExp(`ength: ${LONG_BYTES}\r\n`));
      await drink(peer, LONG_BYTES);
      await peer.send(get("/"));
      assert.equal((await peer.message()).body, "healthy", "the connection goes on");
    }));

  await t.step("1 GiB goes up in bounded memory", () =>
    measured("up", async () => {
      using peer = await client();
      await peer.send(`POST /take HTTP/1.1\r\nHost: a\r\nContent-Length: ${LONG_BYTES}\r\n\r\n`);
      for (let rest = LONG_BYTES; rest > 0;) rest -= await peer.conn.write(PIECE.subarray(0, rest));
      assert.equal((await peer.message()).body, String(LONG_BYTES));
    }));

  await t.step(
    "a client that stops reading holds the instance back, not the node's memory",
    async () => {
      const { downloads } = await left();
      const growth = await growthDuring(node.pid, async () => {
        const peers = await Promise.all(Array.from({ length: 20 }, client));
        for (const peer of peers) await peer.send(get(`/pour?n=${LONG_BYTES}`));
        for (const peer of peers) await peer.until("\r\n\r\n");
        // Nobody reads: whoever had no limit would take 20 GiB in this time.
        await new Promise((resolve) => setTimeout(resolve, 500));
        for (const peer of peers) peer.close();
        await noticed("downloads", downloads);
      });
      assert.ok(growth < GROWTH_BYTES_MAX, `the daemon grew by ${mib(growth)} MiB`);
    },
  );

  await t.step("a client that leaves inside a download is noticed", async () => {
    const before = (await settled(left)).downloads;
    using peer = await client();
    await peer.send(get("/drip"));
    await peer.until("drop ");
    peer.close();
    await noticed("downloads", before);
  });

  await t.step("a client that leaves inside an upload is noticed", async () => {
    const before = (await left()).uploads;
    using peer = await client();
    const fields = "Host: a\r\nExpect: 100-continue\r\nContent-Length: 1000000";
    await peer.send(`POST /take HTTP/1.1\r\n${fields}\r\n\r\n`);
    // Asked for the body, the client knows that its request has reached the instance.
    await peer.until("100 Continue\r\n\r\n");
    await peer.send(PIECE.subarray(0, 1000));
    peer.close();
    await noticed("uploads", before);
  });

  await t.step("the first server-sent event comes as fast as direct", async () => {
    const [name] = await node.containers();
    const detail = await node.docker.inspectContainer(name!, AbortSignal.timeout(9_000));
    const [hostname = ""] = Object.values(detail!.addresses);
    const firstEvent = async (address: { hostname: string; port: number }) => {
      using peer = new RawPeer(await Deno.connect(address));
      const begun = performance.now();
      await peer.send(get("/event"));
      await peer.until("data: here\n\n");
      return performance.now() - begun;
    };
    const times = { direct: [] as number[], node: [] as number[] };
    for (let round = 0; round < EVENT_ROUNDS; round++) {
      times.direct.push(await firstEvent({ hostname, port: 8080 }));
      times.node.push(await firstEvent({ hostname: "127.0.0.1", port: node.publicPort }));
    }
    const added = median(times.node) - median(times.direct);
    console.log(
      `first event: direct ${median(times.direct).toFixed(2)} ms, through the node ` +
        `${median(times.node).toFixed(2)} ms, added ${added.toFixed(2)} ms (goal 5 ms)`,
    );
  });

  await t.step("an instance that dies inside its answer leaves no clean end", async () => {
    using dripping = await client();
    using pouring = await client();
    await dripping.send(get("/drip"));
    await pouring.send(get(`/pour?n=${LONG_BYTES}`));
    await dripping.until("drop ");
    await pouring.until("\r\n\r\n");
    const [name] = await node.containers();
    await node.docker.killContainer(name!, AbortSignal.timeout(9_000));
    const rest = await within(dripping.rest(), "the end");
    assert.doesNotMatch(rest, /\r\n0\r\n\r\n$/);
    await assert.rejects(drink(pouring, LONG_BYTES));
    await servesAgain(node.url);
  });
});

/** What `ask` gives twice in a row: the counts of clients that left a moment ago have arrived. */
async function settled<T>(ask: () => Promise<T>): Promise<T> {
  for (let before = await ask();;) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const now = await ask();
    if (JSON.stringify(now) === JSON.stringify(before)) return now;
    before = now;
  }
}

/** A new instance serves; one that died young is not replaced before a second has passed. */
async function servesAgain(url: string): Promise<void> {
  const endMs = performance.now() + 20_000;
  for (;;) {
    const response = await fetch(url);
    const body = await response.text();
    if (response.status === 200) return assert.equal(body, "healthy");
    assert.equal(response.status, 503, body);
    assert.ok(performance.now() < endMs, body);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
