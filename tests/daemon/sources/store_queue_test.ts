import assert from "node:assert/strict";
import type { HandlerReply } from "../../../daemon/sources/invoke.ts";
import type { Message } from "../../../daemon/sources/message_source.ts";
import { StoreQueue } from "../../../daemon/sources/store_queue.ts";
import { openSqlite } from "../../../daemon/store/sqlite.ts";
import { queueSettings } from "../../../lib/contract/queues.ts";
import type { QueueEventSource } from "../../../lib/contract/v1.ts";
import { silentLog } from "../../../lib/log.ts";
import { TestQueues } from "../../contracts/queue_contract.ts";

const never = new AbortController().signal;

/** A source that reads `jobs` of an empty database. */
async function sourceOf(parts: Partial<QueueEventSource> = {}) {
  const stack = new AsyncDisposableStack();
  const path = await Deno.makeTempDir({ prefix: "maelstrom-queue-" });
  stack.defer(() => Deno.remove(path, { recursive: true }));
  const driver = stack.use(await openSqlite(`${path}/maelstrom.db`, { log: silentLog }));
  const queues = stack.use(new TestQueues(driver));
  const settings = queueSettings({ name: "jobs", path: "/", ...parts });
  const { store, news } = queues;
  const source = stack.use(new StoreQueue({ queues: store, news, settings, log: silentLog }));
  return { queues, source, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

function reply(status: number, body = ""): HandlerReply {
  return { status, headers: new Map(), body };
}

async function one(source: StoreQueue): Promise<Message> {
  const [message] = await source.receive(1, never);
  assert.ok(message);
  return message;
}

Deno.test("StoreQueue.receive() waits for a message and is woken by it", async () => {
  await using place = await sourceOf();
  const receiving = place.source.receive(10, never);
  const sentMs = performance.now();
  const attributes = { "content-type": "application/json", kind: "jpeg" };
  const id = await place.queues.send("{}", { attributes });
  const [message] = await receiving;
  assert.ok(performance.now() - sentMs < 2000, "the look on the timer found it, not the news");
  assert.deepEqual({ ...message, receipt: "" }, {
    id,
    queue: "jobs",
    body: "{}",
    headers: [["Content-Type", "application/json"], ["mael-attribute-kind", "jpeg"]],
    priority: 0,
    receiveCount: 1,
    receipt: "",
  });
});

Deno.test("StoreQueue.receive() finds a delayed message when it is due", async () => {
  await using place = await sourceOf();
  await place.queues.send("a", { delayMs: 300 });
  const begunMs = performance.now();
  assert.equal((await one(place.source)).body, "a");
  const tookMs = performance.now() - begunMs;
  assert.ok(tookMs > 200 && tookMs < 2500, `${tookMs} ms`);
});

Deno.test("StoreQueue.receive() ends with its signal, and takes nothing then", async () => {
  await using place = await sourceOf();
  const stop = new AbortController();
  const receiving = place.source.receive(10, stop.signal);
  stop.abort();
  assert.deepEqual(await receiving, []);
  await place.queues.send("a");
  assert.deepEqual(await place.source.receive(10, stop.signal), []);
  assert.deepEqual(await place.source.depth(), { waiting: 1, dead: 0 });
});

Deno.test("StoreQueue.giveBack() counts no delivery, and wakes whoever waits", async () => {
  await using place = await sourceOf({ maxReceives: 1 });
  await place.queues.send("a");
  for (let round = 0; round < 3; round++) {
    const message = await one(place.source);
    assert.equal(message.receiveCount, 1);
    const receiving = one(place.source);
    const backMs = performance.now();
    await place.source.giveBack(message);
    const again = await receiving;
    assert.ok(performance.now() - backMs < 2000, "the look on the timer found it, not the news");
    await place.source.giveBack(message);
    assert.deepEqual(await place.source.depth(), { waiting: 0, dead: 0 }, "it is no longer his");
    await place.source.giveBack(again);
  }
  assert.deepEqual(await place.source.depth(), { waiting: 1, dead: 0 });
});

Deno.test("StoreQueue.done() removes a message, also one that somebody else has by now", async () => {
  await using place = await sourceOf();
  await place.queues.send("a");
  const first = await one(place.source);
  await place.queues.pass(61_000);
  const second = await one(place.source);
  await place.source.done(first);
  await assert.rejects(
    place.source.extend(second, 60),
    { code: "not_found", message: /^Cannot keep message \w+ of queue "jobs": it was received/ },
  );
  assert.deepEqual(await place.queues.admin.list(), []);
});

Deno.test("StoreQueue.failed() gives a message up after maxReceives, with the reason", async () => {
  await using place = await sourceOf({ maxReceives: 3, deadLetterQueue: "graveyard" });
  await place.queues.send("a");
  for (const receives of [1, 2, 3]) {
    const message = await one(place.source);
    assert.equal(message.receiveCount, receives);
    await place.source.failed(message, 0, reply(500, "no\u0000\n\u001b[31mdisk"));
  }
  assert.deepEqual(await place.source.depth(), { waiting: 0, dead: 1 });
  const [dead] = await place.queues.admin.peek("graveyard", 10);
  assert.deepEqual([dead?.deadFrom, dead?.failure], ["jobs", "status 500: no [31mdisk"]);
});

Deno.test("StoreQueue.failed() lets a message come again after its time", async () => {
  await using place = await sourceOf();
  await place.queues.send("a");
  await place.source.failed(await one(place.source), 30, undefined);
  assert.deepEqual(await place.source.depth(), { waiting: 0, dead: 0 });
  await place.queues.pass(30_000);
  assert.equal((await one(place.source)).receiveCount, 2);
});

Deno.test("StoreQueue.receive() gives up what no node ever told the end of", async () => {
  await using place = await sourceOf({ maxReceives: 2, visibilitySeconds: 60 });
  await place.queues.send("poison", { priority: 9 });
  await place.queues.send("fine");
  for (const _ of [1, 2]) {
    assert.equal((await one(place.source)).body, "poison");
    await place.queues.pass(61_000);
  }
  assert.equal((await one(place.source)).body, "fine");
  const [dead] = await place.queues.admin.peekDead("jobs", 10);
  assert.deepEqual(
    [dead?.body, dead?.failure],
    ["poison", "no node told how its deliveries ended"],
  );
});

Deno.test("StoreQueue.receive() wakes everyone who waits", async () => {
  await using place = await sourceOf();
  const begunMs = performance.now();
  const receiving = [1, 2, 3].map(() => place.source.receive(1, never));
  await Promise.all(["a", "b", "c"].map((body) => place.queues.send(body)));
  const bodies = (await Promise.all(receiving)).flat().map(({ body }) => body);
  assert.deepEqual(bodies.toSorted(), ["a", "b", "c"]);
  assert.ok(performance.now() - begunMs < 2000, "the look on the timer found it, not the news");
});
