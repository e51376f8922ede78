/** Small calls made large. @module */
import assert from "node:assert/strict";
import { Batcher } from "../../../daemon/sources/batcher.ts";

/** A service whose calls end when the test says. */
function service(parallel: number) {
  const calls: { readonly items: readonly number[]; readonly end: () => void }[] = [];
  const batcher = new Batcher<number>({
    max: 3,
    parallel,
    send: (items) =>
      new Promise((resolve) => {
        const failures = new Map(items.filter((n) => n < 0).map((n) => [n, new Error(`no ${n}`)]));
        calls.push({ items, end: () => resolve(failures) });
      }),
  });
  return { calls, batcher };
}

Deno.test("Batcher.add() sends at once, and what comes meanwhile together", async () => {
  const { calls, batcher } = service(1);
  const added = [1, 2, 3, 4, 5].map((n) => batcher.add(n));
  assert.deepEqual(calls.map(({ items }) => items), [[1]]);
  calls[0]!.end();
  await added[0];
  assert.deepEqual(calls.map(({ items }) => items), [[1], [2, 3, 4]]);
  calls[1]!.end();
  await added[3];
  calls[2]!.end();
  await Promise.all(added);
  assert.deepEqual(calls.map(({ items }) => items), [[1], [2, 3, 4], [5]]);
});

Deno.test("Batcher.add() rejects for the items that failed, and only for those", async () => {
  const { calls, batcher } = service(2);
  const [good, bad] = [batcher.add(1), batcher.add(-1)];
  for (const { end } of calls) end();
  await good;
  await assert.rejects(bad, { message: "no -1" });
});

Deno.test("Batcher.add() rejects for all when the call fails, and goes on", async () => {
  let calls = 0;
  const batcher = new Batcher<number>({
    max: 9,
    parallel: 1,
    send: () => ++calls === 1 ? Promise.reject(new Error("away")) : Promise.resolve(new Map()),
  });
  await assert.rejects(batcher.add(1), { message: "away" });
  await batcher.add(2);
});
