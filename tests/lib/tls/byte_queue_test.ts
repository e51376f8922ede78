import assert from "node:assert/strict";
import fc from "fast-check";
import { ByteQueue } from "../../../lib/tls/byte_queue.ts";

async function readAll(queue: ByteQueue, size: number): Promise<number[]> {
  const all: number[] = [];
  const into = new Uint8Array(size);
  for (;;) {
    const count = await queue.read(into);
    if (count === null) return all;
    all.push(...into.subarray(0, count));
  }
}

Deno.test("ByteQueue.read() gives what was pushed, however it was split", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 20 }),
      fc.integer({ min: 1, max: 30 }),
      fc.boolean(),
      async (chunks, size, readFirst) => {
        const queue = new ByteQueue();
        const reading = readFirst ? readAll(queue, size) : undefined;
        for (const chunk of chunks) queue.push(chunk);
        queue.end();
        assert.deepEqual(await (reading ?? readAll(queue, size)), chunks.flatMap((c) => [...c]));
        assert.equal(queue.length, 0);
      },
    ),
  );
});

Deno.test("ByteQueue.fail() rejects the reader that waits, and later ones", async () => {
  const queue = new ByteQueue();
  const waiting = queue.read(new Uint8Array(1));
  queue.fail(new Error("broke"));
  await assert.rejects(waiting, /broke/);
  await assert.rejects(queue.read(new Uint8Array(1)), /broke/);
});

Deno.test("ByteQueue.push() drops what comes after the end", async () => {
  const queue = new ByteQueue();
  queue.push(Uint8Array.of(1));
  queue.end();
  queue.push(Uint8Array.of(2));
  assert.deepEqual(await readAll(queue, 8), [1]);
});

Deno.test("ByteQueue.read() refuses a second reader", async () => {
  const queue = new ByteQueue();
  const first = queue.read(new Uint8Array(1));
  await assert.rejects(queue.read(new Uint8Array(1)), /under way/);
  queue.end();
  assert.equal(await first, null);
});
