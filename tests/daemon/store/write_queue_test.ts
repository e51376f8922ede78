import assert from "node:assert/strict";
import { WriteQueue } from "../../../daemon/store/write_queue.ts";

Deno.test("WriteQueue.run() refuses when too many wait", async () => {
  await using queue = new WriteQueue({ waitingMax: 1 });
  const gate = Promise.withResolvers<void>();
  const first = queue.run(() => gate.promise);
  const second = queue.run(() => Promise.resolve("second"));
  await assert.rejects(queue.run(() => Promise.resolve()), {
    code: "store_unavailable",
    message: "Cannot write to the store: 1 writes are waiting",
  });
  gate.resolve();
  await first;
  assert.equal(await second, "second");
});

Deno.test("WriteQueue.run() refuses who waited too long, and never runs that work", async () => {
  await using queue = new WriteQueue({ waitMaxMs: 1 });
  const gate = Promise.withResolvers<void>();
  const first = queue.run(() => gate.promise);
  let hasRun = false;
  const late = queue.run(() => Promise.resolve(void (hasRun = true)));
  await assert.rejects(late, { message: "Cannot write to the store: no turn within 1 ms" });
  gate.resolve();
  await first;
  await queue.run(() => Promise.resolve());
  assert.equal(hasRun, false);
});

Deno.test("WriteQueue.run() goes on after work that failed", async () => {
  await using queue = new WriteQueue();
  const failed = assert.rejects(queue.run(() => Promise.reject(new Error("no"))), /no/);
  assert.equal(await queue.run(() => Promise.resolve(1)), 1);
  await failed;
});

Deno.test("WriteQueue.run() keeps the order, one at a time, and lets timers run", async () => {
  await using queue = new WriteQueue();
  const order: number[] = [];
  let running = 0;
  let ticks = 0;
  const clock = setInterval(() => ticks++, 0);
  await Promise.all(Array.from({ length: 2000 }, (_, index) =>
    queue.run(async () => {
      assert.equal(++running, 1);
      await Promise.resolve();
      order.push(index);
      running--;
    })));
  clearInterval(clock);
  assert.deepEqual(order, order.toSorted((a, b) => a - b));
  assert.equal(order.length, 2000);
  assert.ok(ticks > 0);
});

Deno.test("WriteQueue.asyncDispose() refuses whoever waits and awaits who runs", async () => {
  const queue = new WriteQueue();
  const gate = Promise.withResolvers<void>();
  let isDone = false;
  const first = queue.run(async () => {
    await gate.promise;
    isDone = true;
  });
  const second = assert.rejects(queue.run(() => Promise.resolve()), { code: "stopping" });
  const stop = queue[Symbol.asyncDispose]();
  await second;
  gate.resolve();
  await stop;
  assert.equal(isDone, true);
  await first;
  await assert.rejects(queue.run(() => Promise.resolve()), { code: "stopping" });
});
