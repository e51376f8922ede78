import assert from "node:assert/strict";
import { readText } from "../../../lib/async/body.ts";
import { withDeadline } from "../../../lib/async/deadline.ts";
import { pause } from "../../../lib/async/pause.ts";
import { isAbort } from "../../../lib/errors.ts";

const never = () => new AbortController().signal;
const untilAbort = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

Deno.test("pause() ends with its time or its signal", async () => {
  await pause(1, never());
  await pause(60_000, AbortSignal.abort());
  const stop = new AbortController();
  const paused = pause(60_000, stop.signal);
  stop.abort();
  await paused;
});

Deno.test("withDeadline() gives the result of work that ends in time", async () => {
  assert.equal(await withDeadline(60_000, never(), () => Promise.resolve(7), () => new Error()), 7);
});

Deno.test("withDeadline() tells the work to stop and throws what the caller says", async () => {
  await assert.rejects(withDeadline(1, never(), untilAbort, () => new Error("late")), /late/);
});

Deno.test("withDeadline() passes the caller's own abort on", async () => {
  const stop = new AbortController();
  const waiting = withDeadline(60_000, stop.signal, untilAbort, () => new Error("late"));
  stop.abort();
  await assert.rejects(waiting, isAbort);
});

Deno.test("readText() reads whole text, refuses too much and what is not UTF-8", async () => {
  const stream = (...parts: number[][]) => ReadableStream.from(parts.map((p) => new Uint8Array(p)));
  assert.equal(await readText(null, 10), "");
  assert.equal(await readText(stream([0xe2, 0x82], [0xac]), 3), "\u20ac");
  await assert.rejects(readText(stream([1, 2], [3, 4]), 3), { code: "too_large" });
  await assert.rejects(readText(stream([0xff]), 3), { code: "invalid" });
});
