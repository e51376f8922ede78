import assert from "node:assert/strict";
import { Batcher, type BatcherOptions } from "../../../lib/async/batcher.ts";

/** A batcher whose batches end when the test says so. */
function heldBatcher(options: Partial<BatcherOptions<number, string>> = {}) {
  const batches: { readonly items: readonly number[]; readonly end: (error?: Error) => void }[] =
    [];
  const begun: (() => void)[] = [];
  const batcher = new Batcher<number, string>({
    work(items) {
      const { promise, resolve, reject } = Promise.withResolvers<string[]>();
      const end = (error?: Error) => error ? reject(error) : resolve(items.map((one) => `${one}!`));
      batches.push({ items, end });
      begun.shift()?.();
      return promise;
    },
    batchMax: 10,
    weigh: (item) => item,
    waitingMax: 100,
    full: () => new Error("full"),
    ...options,
  });
  const next = () => new Promise<void>((resolve) => begun.push(resolve));
  return { batcher, batches, next };
}

Deno.test("Batcher.add() does together what came while a batch was under way", async () => {
  const { batcher, batches, next } = heldBatcher();
  let begins = next();
  const results = [batcher.add(1)];
  await begins;
  results.push(batcher.add(2), batcher.add(3));
  begins = next();
  batches[0]!.end();
  await begins;
  batches[1]!.end();
  assert.deepEqual(await Promise.all(results), ["1!", "2!", "3!"]);
  assert.deepEqual(batches.map(({ items }) => items), [[1], [2, 3]]);
});

Deno.test("Batcher.add() keeps to the size of a batch, and to what may wait", async () => {
  const { batcher, batches, next } = heldBatcher({ batchMax: 2, waitingMax: 9 });
  let begins = next();
  const results = [1, 2, 3, 4].map((one) => batcher.add(one));
  await begins;
  // 3 and 4 wait, and weigh 7.
  results.push(batcher.add(5));
  await assert.rejects(batcher.add(1), /^Error: full$/);
  for (const [at, { length }] of [[1, 2], [3, 4], [5]].entries()) {
    assert.equal(batches[at]?.items.length, length);
    begins = next();
    batches[at]!.end();
    if (at < 2) await begins;
  }
  assert.deepEqual(await Promise.all(results), ["1!", "2!", "3!", "4!", "5!"]);
});

Deno.test("Batcher.add() fails those of a failed batch, and goes on", async () => {
  const { batcher, batches, next } = heldBatcher();
  let begins = next();
  const first = batcher.add(1);
  await begins;
  const second = batcher.add(2);
  begins = next();
  batches[0]!.end(new Error("disk"));
  await assert.rejects(first, /disk/);
  await begins;
  batches[1]!.end();
  assert.equal(await second, "2!");
});

Deno.test("Batcher.add() has as many batches under way as it may", async () => {
  const { batcher, batches, next } = heldBatcher({ batchMax: 2, parallel: 2 });
  let begins = next();
  const results = [1, 2, 3, 4, 5].map((one) => batcher.add(one));
  await begins;
  await Promise.resolve();
  assert.deepEqual(batches.map(({ items }) => items), [[1, 2], [3, 4]]);
  begins = next();
  batches[1]!.end();
  await begins;
  assert.deepEqual(batches[2]!.items, [5]);
  for (const { end } of batches) end();
  assert.equal((await Promise.all(results)).length, 5);
});

Deno.test("Batcher.add() gathers for a while, unless a batch is full", async () => {
  const { batcher, batches, next } = heldBatcher({ batchMax: 2, gatherMs: 20 });
  let begins = next();
  const results = [batcher.add(1)];
  await new Promise((resolve) => setTimeout(resolve, 1));
  results.push(batcher.add(2), batcher.add(3));
  await begins;
  assert.deepEqual(batches.map(({ items }) => items), [[1, 2]]);
  begins = next();
  batches[0]!.end();
  await begins;
  batches[1]!.end();
  assert.deepEqual(await Promise.all(results), ["1!", "2!", "3!"]);
});
