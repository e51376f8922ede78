/** The end of a daemon: what it lets end, for how long, and how somebody ends it sooner. */
import assert from "node:assert/strict";
import { within } from "../support/http/raw.ts";
import { TestNode } from "../support/node.ts";

const PAUSE_SECONDS = 2;
const DRAIN_SECONDS = 2;
/** A request that no stop waits for. */
const LONG_MS = 60_000;

/** A node with an instance of `hello`, its requests tried on connections of their own. */
async function setUp(env: Record<string, string>) {
  const node = await TestNode.start({ env });
  await node.putSample("hello");
  const ask = async (path: string) => {
    const headers = { connection: "close" };
    const response = await fetch(`${node.url}/hello${path}`, { headers });
    return `${response.status} ${(await response.text()).trim()}`;
  };
  assert.equal(await ask("/health"), "200 healthy");
  /** Resolves when the instance has `count` requests that go on. */
  const busy = async (count: number) => {
    const inFlight = async () => {
      const infos: { inFlight: number }[] = JSON.parse(await node.run(["ps", "--json"]));
      return infos.reduce((sum, info) => sum + info.inFlight, 0);
    };
    while (await inFlight() !== count) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  return { node, ask, busy };
}

Deno.test("walk: a stop waits for a balancer, then for requests, and takes no new ones", async () => {
  const { node, ask, busy } = await setUp({ MAEL_SHUTDOWN_PAUSE_SECONDS: String(PAUSE_SECONDS) });
  await using _node = node;
  const slow = ask("/sleep?ms=4000");
  await busy(1);
  const begun = performance.now();
  const stopping = node.stop();
  await node.seen(({ message }) => message === "stopping");
  assert.equal(await ask("/health"), "200 healthy", "the balancer has not noticed yet");
  while (await ask("/health").then(() => true, () => false)) {
    assert.ok(performance.now() - begun < 3500, "it goes on taking requests");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const closedMs = performance.now() - begun;
  assert.ok(closedMs >= PAUSE_SECONDS * 1000 - 100, `closed after ${closedMs} ms`);
  assert.equal(await slow, "200 slept 4000 ms");
  assert.equal(await stopping, 0);
  console.log(`  closed after ${Math.round(closedMs)} ms`);
  assert.equal((await node.containers()).length, 1, "the next daemon adopts it");
});

Deno.test("walk: a stop waits for requests no longer than the drain time", async () => {
  const { node, ask, busy } = await setUp({ MAEL_DRAIN_SECONDS: String(DRAIN_SECONDS) });
  await using _node = node;
  const answers = [1, 2].map(() =>
    ask(`/sleep?ms=${LONG_MS}`).then((said) => said, () => "broken off")
  );
  // One whose answer has begun as well: it must not look complete.
  const stream = await fetch(`${node.url}/hello/stream?pieces=1000&everyMs=100`);
  const streamed = stream.text().then((said) => said, () => "broken off");
  await busy(3);
  const begun = performance.now();
  assert.equal(await node.stop(), 0);
  const tookMs = performance.now() - begun;
  assert.ok(tookMs >= DRAIN_SECONDS * 1000 - 100, `it waited only ${tookMs} ms`);
  assert.ok(tookMs < DRAIN_SECONDS * 1000 + 5000, `it waited ${tookMs} ms`);
  for (const said of [...await Promise.all(answers), await streamed]) {
    assert.match(said, /^(50\d|broken off)/, said);
  }
  console.log(`  ended after ${Math.round(tookMs)} ms, of which ${DRAIN_SECONDS} s to drain`);
});

Deno.test("walk: a second signal ends the daemon at once", async () => {
  const { node, ask, busy } = await setUp({ MAEL_SHUTDOWN_PAUSE_SECONDS: "60" });
  await using _node = node;
  const slow = ask(`/sleep?ms=${LONG_MS}`).then((said) => said, () => "broken off");
  await busy(1);
  const { pid } = node;
  const stopping = node.stop();
  await node.seen(({ message }) => message === "stopping");
  Deno.kill(pid, "SIGINT");
  assert.equal(await within(stopping, "the end"), 0);
  assert.match(await slow, /^(50\d|broken off)/);
});
