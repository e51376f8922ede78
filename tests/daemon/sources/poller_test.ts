/** One slot of a source, over a queue that does what the test says. @module */
import assert from "node:assert/strict";
import { aborted } from "../../../lib/async/aborted.ts";
import { MaelstromError } from "../../../lib/errors.ts";
import { message, reply } from "../../support/messages.ts";
import { PollerWork } from "../../support/poller_work.ts";

const several = (...ids: string[]) => ids.map((id) => message({ id, body: id }));

Deno.test("Poller deletes after a 2xx only, and lets the rest come again later each time", async () => {
  const work = new PollerWork((body) => reply(body === "bad" ? 500 : 202));
  work.queue.waiting = [...several("good"), message({ id: "bad", body: "bad", receiveCount: 3 })];
  await work.until(2);
  assert.deepEqual(work.queue.told.toSorted(), ["done good", "failed bad 4"]);
  const { handled, failed, repeated, inFlight } = work.report.status();
  assert.deepEqual([handled, failed, repeated, inFlight], [1, 1, 1, 0]);
});

Deno.test("Poller lets a message come again when no answer came", async () => {
  const work = new PollerWork(() =>
    Promise.reject(new MaelstromError("unreachable", "nobody there"))
  );
  work.queue.waiting = several("a");
  await work.until(1);
  assert.deepEqual(work.queue.told, ["failed a 1"]);
});

Deno.test("Poller never holds more than its limit", async () => {
  let now = 0;
  let most = 0;
  const work = new PollerWork(async () => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setTimeout(resolve));
    now--;
    return reply(200);
  });
  work.limit = 3;
  work.queue.waiting = several(..."abcdefghijklmnop");
  await work.until(16);
  assert.equal(most, 3);
});

Deno.test("Poller fills a place when the component has answered, while the queue has yet to hear", async () => {
  const heard = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  const came: string[] = [];
  const work = new PollerWork(async (body) => {
    came.push(body);
    if ("cdef".includes(body)) await answered.promise;
    return reply(200);
  }, { messagesPerPoll: 2 });
  work.limit = 4;
  work.queue.done = async ({ id }) => {
    await heard.promise;
    work.queue.told.push(`done ${id}`);
    work.queue.onTold();
  };
  work.queue.waiting = several(..."abcdefghijklmnopqrstuvwxyz");
  const done = work.until(26);
  while (came.length < 6) await new Promise((resolve) => setTimeout(resolve));
  answered.resolve();
  // With three for each place of which it has not heard, it is given no more than what goes on.
  while (came.length < 12) await new Promise((resolve) => setTimeout(resolve));
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.ok(came.length < 16, came.join());
  heard.resolve();
  await done;
  assert.equal(came.length, 26);
});

Deno.test("Poller keeps the order of a group, and holds back what follows a failure", async () => {
  const order: string[] = [];
  const work = new PollerWork((body) => {
    order.push(body);
    return reply(body === "a1" ? 500 : 200);
  });
  const of = (id: string) => message({ id, body: id, group: id[0]! });
  work.queue.waiting = ["a1", "b1", "a2", "b2"].map(of);
  await work.until(4);
  assert.deepEqual(order.filter((id) => id.startsWith("a")), ["a1"]);
  assert.deepEqual(order.filter((id) => id.startsWith("b")), ["b1", "b2"]);
  assert.deepEqual(work.queue.told.filter((words) => words.includes("a")), [
    "failed a1 1",
    "failed a2 1",
  ]);
});

Deno.test("Poller keeps a message from others while it is handled", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const work = new PollerWork(async () => {
    await promise;
    return reply(200);
  }, { visibilitySeconds: 0.02 });
  work.queue.waiting = several("slow");
  const done = work.until(1);
  while (work.queue.told.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
  resolve();
  await done;
  assert.deepEqual(new Set(work.queue.told.slice(0, -1)), new Set(["extend slow 0.02"]));
  assert.equal(work.queue.told.at(-1), "done slow");
});

Deno.test("Poller tries again to delete what was handled", async () => {
  const work = new PollerWork(() => reply(200));
  work.queue.refuseDone = 1;
  work.queue.waiting = several("a");
  await work.until(1);
  assert.deepEqual(work.queue.told, ["done a"]);
  assert.equal(work.report.status().undeleted, 0);
});

Deno.test("Poller ends requests that are cut, and lets their messages come again at once", async () => {
  const work = new PollerWork(async (_body, signal) => {
    await aborted(signal);
    throw signal.reason;
  });
  work.queue.waiting = several("a");
  const run = work.poller.run(work.stop.signal, work.cut.signal);
  while (work.report.status().inFlight === 0) await new Promise((resolve) => setTimeout(resolve));
  work.stop.abort();
  await run;
  assert.deepEqual(work.queue.told, [], "it goes on while it may");
  work.cut.abort();
  await work.poller.idle();
  assert.deepEqual(work.queue.told, ["failed a 0"]);
});

Deno.test("Poller waits longer after each error, and tells why", async () => {
  const work = new PollerWork(() => reply(200));
  work.queue.failure = new MaelstromError("not_found", "no such queue");
  const run = work.poller.run(work.stop.signal, work.cut.signal);
  while (!work.report.status().error) await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(work.report.status().error, { reason: "no such queue", since: 0, retryAt: 750 });
  assert.equal(work.queue.asked.length, 1, "not asked again before that");
  work.stop.abort();
  await run;
});

Deno.test("Poller asks for nothing while the component cannot be had", async () => {
  const work = new PollerWork(() => reply(200));
  work.blocked = new MaelstromError("start_failed", "no image");
  const run = work.poller.run(work.stop.signal, work.cut.signal);
  while (!work.report.status().error) await new Promise((resolve) => setTimeout(resolve));
  assert.equal(work.report.status().error?.reason, "no image");
  assert.deepEqual(work.queue.asked, []);
  work.stop.abort();
  await run;
});

Deno.test("Poller sends a batch in one request, and reads which failed", async () => {
  const bodies: string[] = [];
  const work = new PollerWork((body) => {
    bodies.push(body);
    return reply(200, '{"failed":["b"]}');
  }, { isBatch: true });
  work.queue.waiting = several("a", "b", "c");
  await work.until(3);
  assert.equal(bodies.length, 1);
  assert.deepEqual(work.queue.told.toSorted(), ["done a", "done c", "failed b 1"]);
});
