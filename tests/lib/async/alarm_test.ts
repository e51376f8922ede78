import assert from "node:assert/strict";
import { Alarm } from "../../../lib/async/alarm.ts";

const NEVER = new AbortController().signal;
const LONG_MS = 60_000;

Deno.test("Alarm.wait() ends when its time is over, when it rings, and when it is aborted", async () => {
  const alarm = new Alarm();
  await alarm.wait(1, NEVER);
  const rung = alarm.wait(LONG_MS, NEVER);
  alarm.ring();
  await rung;
  const stop = new AbortController();
  const stopped = alarm.wait(LONG_MS, stop.signal);
  stop.abort();
  await stopped;
  await alarm.wait(LONG_MS, stop.signal);
});

Deno.test("Alarm.wait() hears a ring that came before it, once", async () => {
  const alarm = new Alarm();
  alarm.ring();
  alarm.ring();
  await alarm.wait(LONG_MS, NEVER);
  const begunMs = performance.now();
  await alarm.wait(20, NEVER);
  assert.ok(performance.now() - begunMs >= 15);
});
