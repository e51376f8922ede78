/** What a poller takes ahead of its places: how much, in which order, and what becomes of it. @module */
import assert from "node:assert/strict";
import { MaelstromError } from "../../../lib/errors.ts";
import { message, reply } from "../../support/messages.ts";
import { PollerWork, until } from "../../support/poller_work.ts";

const several = (count: number, parts = {}) =>
  Array.from({ length: count }, (_, n) => message({ id: `m${n}`, body: `m${n}`, ...parts }));

/** Ten messages that are answered at once, so that requests are known to be short; then `handle`. */
function quickThen(handle: (body: string) => Promise<void>, visibilitySeconds = 60): PollerWork {
  const work = new PollerWork(async (body) => {
    if (body !== "quick") await handle(body);
    return reply(200);
  }, { messagesPerPoll: 4, visibilitySeconds });
  work.limit = 2;
  work.queue.waiting = several(10, { body: "quick" });
  return work;
}

/** A work whose two places are taken by handlers that never end, with four messages ahead. */
async function held(visibilitySeconds?: number) {
  const came: string[] = [];
  const opened = Promise.withResolvers<void>();
  const work = quickThen((body) => {
    came.push(body);
    return opened.promise;
  }, visibilitySeconds);
  const run = work.begin();
  await until(() => work.report.handled === 10);
  work.queue.give(several(20));
  await until(() => work.report.ahead === 4);
  return { work, run, came, open: () => opened.resolve() };
}

Deno.test("Poller takes ahead what one receive brings, while requests are short", async () => {
  const { work, run, came, open } = await held();
  const { inFlight, waiting, demand } = work.report.status();
  assert.deepEqual({ inFlight, waiting, demand }, { inFlight: 2, waiting: 4, demand: 6 });
  assert.deepEqual(came, ["m0", "m1"]);
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(work.queue.waiting.length, 14, "and no more than that");
  open();
  await until(() => work.report.handled === 30);
  await work.end(run);
  assert.deepEqual(came, several(20).map(({ id }) => id));
  assert.equal(work.report.ahead, 0);
});

Deno.test("Poller takes nothing ahead when requests take long", async () => {
  const opened = Promise.withResolvers<void>();
  let count = 0;
  const work = new PollerWork(async () => {
    if (++count > 2) await opened.promise;
    else await new Promise((resolve) => setTimeout(resolve, 250));
    return reply(200);
  }, { messagesPerPoll: 4 });
  work.limit = 2;
  work.queue.waiting = several(10);
  const run = work.begin();
  await until(() => count === 4);
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(work.queue.waiting.length, 6);
  assert.equal(work.report.ahead, 0);
  opened.resolve();
  await work.end(run);
});

Deno.test("Poller gives back what it took ahead at once when it is given up", async () => {
  const { work, run, came, open } = await held();
  work.stop.abort();
  await run;
  await until(() => work.queue.told.filter((words) => words.startsWith("back")).length === 4);
  assert.deepEqual(work.queue.told.slice(10), ["back m2", "back m3", "back m4", "back m5"]);
  open();
  await work.poller.idle();
  assert.deepEqual(came, ["m0", "m1"]);
  assert.deepEqual([work.report.ahead, work.report.inFlight, work.report.failed], [0, 0, 0]);
});

Deno.test("Poller tries again to give back what it took ahead", async () => {
  const { work, run, open } = await held();
  work.queue.refuseBack = 2;
  work.stop.abort();
  await run;
  const backs = () => work.queue.told.filter((words) => words.startsWith("back"));
  await until(() => backs().length === 4);
  open();
  await work.poller.idle();
  assert.deepEqual(backs().toSorted(), ["back m2", "back m3", "back m4", "back m5"]);
  assert.equal(work.report.ahead, 0);
});

Deno.test("Poller gives back what waits too long, before its visibility ends, and takes no more", async () => {
  const { work, run, came, open } = await held(0.4);
  const begunMs = performance.now();
  await until(() => work.report.ahead === 0);
  assert.ok(performance.now() - begunMs < 350, "others see them later than they would anyway");
  const told = work.queue.told.slice(10).filter((words) => !words.startsWith("extend"));
  assert.deepEqual(told, ["back m2", "back m3", "back m4", "back m5"]);
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.equal(work.queue.waiting.length, 14);
  open();
  await until(() => work.report.handled > 12);
  await work.end(run);
  assert.ok(!came.includes("m2"));
});

Deno.test("Poller begins what comes with a higher priority before what it took ahead", async () => {
  const came: string[] = [];
  const steps: (() => void)[] = [];
  const work = quickThen((body) => {
    came.push(body);
    return new Promise((resolve) => steps.push(resolve));
  });
  const run = work.begin();
  await until(() => work.report.handled === 10);
  work.queue.give(several(6));
  await until(() => work.report.ahead === 4);
  steps[0]!();
  steps[1]!();
  await until(() => came.length === 4);
  work.queue.give([message({ id: "urgent", body: "urgent", priority: 9 })]);
  await until(() => work.report.ahead === 3);
  steps[2]!();
  await until(() => came.length === 5);
  assert.deepEqual(came, ["m0", "m1", "m2", "m3", "urgent"]);
  for (const step of steps) step();
  await work.end(run);
});

Deno.test("Poller keeps the order of a group that it took ahead", async () => {
  const { work, run, came, open } = await held();
  work.queue.waiting = ["a1", "b1", "a2", "b2"].map((id) =>
    message({ id, body: id, group: id[0]! })
  );
  open();
  await until(() => work.report.handled === 20);
  await work.end(run);
  const order = came.filter((id) => !id.startsWith("m"));
  assert.deepEqual(order.toSorted(), ["a1", "a2", "b1", "b2"]);
  assert.ok(order.indexOf("a1") < order.indexOf("a2"));
  assert.ok(order.indexOf("b1") < order.indexOf("b2"));
});

Deno.test("Poller does not send what others have by now, nor what follows it in its group", async () => {
  const came: string[] = [];
  const opened = Promise.withResolvers<void>();
  const work = new PollerWork(async (body) => {
    came.push(body);
    await opened.promise;
    return reply(200);
  }, { messagesPerPoll: 4, visibilitySeconds: 0.02 });
  work.queue.gone = new Set(["a2"]);
  work.queue.waiting = ["a1", "a2", "a3"].map((id) => message({ id, body: id, group: "a" }));
  const run = work.begin();
  await until(() => work.queue.lost.has("a2"));
  opened.resolve();
  await until(() => work.queue.told.includes("failed a3 1"));
  await work.end(run);
  assert.deepEqual(came, ["a1"]);
  assert.equal(work.report.inFlight, 0);
});

for (
  const { name, keep } of [
    {
      name: "while it pauses",
      keep: () => reply(200, "", { "pause-seconds": "60" }),
    },
    {
      name: "while the component cannot be had",
      keep: (work: PollerWork) => {
        work.blocked = new MaelstromError("start_failed", "no image");
        return reply(200);
      },
    },
  ]
) {
  Deno.test(`Poller sends nothing ${name}, and goes on after that`, async () => {
    const came: string[] = [];
    const opened = Promise.withResolvers<void>();
    const work: PollerWork = new PollerWork(async (body) => {
      if (body === "quick") return reply(200);
      came.push(body);
      await opened.promise;
      return came.length > 2 ? reply(200) : keep(work);
    }, { messagesPerPoll: 4 });
    work.limit = 2;
    work.queue.waiting = several(10, { body: "quick" });
    const run = work.begin();
    await until(() => work.report.handled === 10);
    work.queue.give(several(6));
    await until(() => work.report.ahead === 4);
    opened.resolve();
    await until(() => work.report.handled === 12);
    await new Promise((resolve) => setTimeout(resolve, 130));
    assert.deepEqual(came, ["m0", "m1"]);
    assert.equal(work.report.ahead, 4);
    work.nowMs = 61_000;
    work.blocked = undefined;
    await until(() => work.report.handled === 16);
    await work.end(run);
  });
}

Deno.test("Poller takes batches ahead, one for half of the places", async () => {
  const opened = Promise.withResolvers<void>();
  let requests = 0;
  const work = new PollerWork(async () => {
    if (++requests > 1) await opened.promise;
    return reply(200);
  }, { messagesPerPoll: 4, isBatch: true });
  work.limit = 2;
  work.queue.waiting = several(4);
  const run = work.begin();
  await until(() => work.report.handled === 4);
  work.queue.give(several(20));
  await until(() => work.report.ahead === 4);
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(requests, 3);
  assert.equal(work.queue.waiting.length, 8);
  work.stop.abort();
  await run;
  assert.equal(work.queue.told.filter((words) => words.startsWith("back")).length, 4);
  opened.resolve();
  await work.poller.idle();
});

Deno.test("Poller takes nothing ahead of a queue that takes nothing back", async () => {
  const opened = Promise.withResolvers<void>();
  const work = quickThen(() => opened.promise);
  work.queue.giveBack = undefined;
  const run = work.begin();
  await until(() => work.report.handled === 10);
  work.queue.give(several(6));
  await until(() => work.report.inFlight === 2);
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.deepEqual([work.queue.waiting.length, work.report.ahead], [4, 0]);
  opened.resolve();
  await work.end(run);
});

Deno.test("Poller begins what it took ahead when its limit grows, and never exceeds one that shrank", async () => {
  const { work, run, came, open } = await held();
  work.limit = 4;
  work.poller.look();
  await until(() => came.length === 4);
  work.limit = 1;
  await new Promise((resolve) => setTimeout(resolve, 130));
  assert.equal(came.length, 4);
  open();
  await until(() => work.report.handled === 30);
  await work.end(run);
});
