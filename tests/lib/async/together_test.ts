/** Parts of a work that end with each other. @module */
import { strict as assert } from "node:assert";
import { aborted } from "../../../lib/async/aborted.ts";
import { together } from "../../../lib/async/together.ts";

const never = new AbortController().signal;

Deno.test("together() ends all parts when one ends, and waits for the last", async () => {
  const ends: string[] = [];
  const first = () => Promise.resolve().then(() => void ends.push("first"));
  const second = (signal: AbortSignal) => aborted(signal).then(() => void ends.push("second"));
  await together(never, [second, first]);
  assert.deepEqual(ends, ["first", "second"]);
});

Deno.test("together() ends all parts when one fails, and fails with the first failure", async () => {
  const fails = () => Promise.reject(new Error("first"));
  const follows = (signal: AbortSignal) => aborted(signal).then(() => Promise.reject("second"));
  await assert.rejects(together(never, [follows, fails]), { message: "first" });
});

Deno.test("together() passes its own signal on", async () => {
  const stop = new AbortController();
  const work = together(stop.signal, [aborted, aborted]);
  stop.abort();
  await work;
});
