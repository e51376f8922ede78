import assert from "node:assert/strict";
import fc from "fast-check";
import { LogBuffer } from "../../../daemon/logs/log_buffer.ts";
import type { LogEntry } from "../../../lib/contract/logs.ts";

const NEVER = new AbortController().signal;

function line(text: string, instance = "i1"): LogEntry {
  return { node: "n", component: "shop", instance, version: 1, stream: "stdout", line: text };
}

function gap(dropped: number, instance = "i1"): LogEntry {
  return { node: "n", component: "shop", instance, version: 1, dropped };
}

/** A buffer for two short lines, whose reader counts as stalled at once or never. */
function small(stallMs: number) {
  return new LogBuffer({ charsMax: 200, stallMs, now: () => 0 });
}

const take = (buffer: LogBuffer, waitMs = Infinity) => buffer.take(1000, waitMs, NEVER);

Deno.test("LogBuffer.push() counts lines once the reader has stopped, and tells", async () => {
  const buffer = small(0);
  for (const text of ["a", "b", "c", "d"]) await buffer.push(line(text), NEVER);
  assert.deepEqual(await take(buffer), [line("a"), line("b"), gap(2)]);
  await buffer.push(line("e"), NEVER);
  assert.deepEqual(await take(buffer), [line("e")]);
});

Deno.test("LogBuffer.push() tells of a gap where it is, for each instance", async () => {
  const buffer = small(0);
  for (const text of ["a", "b", "c"]) await buffer.push(line(text), NEVER);
  await buffer.push(line("x", "i2"), NEVER);
  assert.deepEqual(await buffer.take(1, Infinity, NEVER), [line("a")]);
  await buffer.push(line("d"), NEVER);
  assert.deepEqual(await take(buffer), [line("b"), gap(1), line("d"), gap(1, "i2")]);
});

Deno.test("LogBuffer.push() waits for a reader that reads, and drops nothing", async () => {
  const buffer = small(Infinity);
  const texts = Array.from({ length: 500 }, (_, i) => String(i));
  const pushing = (async () => {
    for (const text of texts) await buffer.push(line(text), NEVER);
    buffer.end();
  })();
  const got: LogEntry[] = [];
  for (let part = await take(buffer); part; part = await take(buffer)) {
    assert.ok(buffer.chars < 500);
    got.push(...part);
  }
  await pushing;
  assert.deepEqual(got, texts.map((text) => line(text)));
});

Deno.test("LogBuffer.push() ends with its signal while there is no room", async () => {
  const buffer = small(Infinity);
  const stop = new AbortController();
  for (const text of ["a", "b"]) await buffer.push(line(text), NEVER);
  const waiting = buffer.push(line("c"), stop.signal);
  stop.abort();
  await waiting;
  assert.deepEqual(await take(buffer), [line("a"), line("b")]);
});

Deno.test("LogBuffer.push() ends when the buffer does", async () => {
  const buffer = small(Infinity);
  for (const text of ["a", "b"]) await buffer.push(line(text), NEVER);
  const waiting = buffer.push(line("c"), NEVER);
  buffer.end();
  await waiting;
  assert.deepEqual(await take(buffer), [line("a"), line("b")]);
  assert.equal(await take(buffer), undefined);
});

Deno.test("LogBuffer.take() gives nothing when nothing came in time", async () => {
  assert.deepEqual(await take(small(0), 1), []);
});

Deno.test("LogBuffer.take() ends with its signal and with the buffer", async () => {
  const stop = new AbortController();
  const first = small(0).take(1000, Infinity, stop.signal);
  stop.abort();
  assert.equal(await first, undefined);
  const buffer = small(0);
  const second = take(buffer);
  buffer.end();
  assert.equal(await second, undefined);
});

Deno.test("LogBuffer.take() of a reader that waited is not a stall", async () => {
  let nowMs = 0;
  const buffer = new LogBuffer({ charsMax: 200, stallMs: 1000, now: () => nowMs });
  const waiting = take(buffer);
  nowMs = 60_000;
  const pushing = (async () => {
    for (const text of ["a", "b", "c", "d", "e"]) await buffer.push(line(text), NEVER);
    buffer.end();
  })();
  const got = [...await waiting ?? []];
  for (let part = await take(buffer); part; part = await take(buffer)) got.push(...part);
  await pushing;
  assert.equal(got.filter((entry) => "dropped" in entry).length, 0);
});

Deno.test("LogBuffer keeps its limit, and every line is given or counted", async () => {
  const step = fc.oneof(
    fc.record({ instance: fc.constantFrom("i1", "i2"), chars: fc.nat(300) }),
    fc.constant("take" as const),
  );
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
    const buffer = new LogBuffer({ charsMax: 1000, stallMs: 0, now: () => 0 });
    const got: LogEntry[] = [];
    let pushed = 0;
    for (const one of steps) {
      if (one === "take") {
        got.push(...await buffer.take(500, 0, NEVER) ?? []);
      } else {
        pushed += 1;
        await buffer.push(line("x".repeat(one.chars), one.instance), NEVER);
      }
      // At most one line and one gap go over the limit.
      assert.ok(buffer.chars <= 1000 + 400 + 100);
    }
    buffer.end();
    for (let part = await take(buffer); part; part = await take(buffer)) got.push(...part);
    const told = got.reduce((sum, entry) => sum + ("dropped" in entry ? entry.dropped : 1), 0);
    assert.equal(told, pushed);
  }));
});
