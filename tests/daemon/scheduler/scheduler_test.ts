import assert from "node:assert/strict";
import { Scheduler } from "../../../daemon/scheduler/scheduler.ts";
import { silentLog } from "../../../lib/log.ts";

const STILL_MS = 800;

Deno.test("Scheduler plans again soon after the machine stood still while it planned", async () => {
  const plannedMs: number[] = [];
  const second = Promise.withResolvers<void>();
  const scheduler = new Scheduler({
    catalog: {
      current: {
        components: [],
        eventSources: [],
        cfg: [],
        componentByName: new Map(),
        eventSourceByName: new Map(),
      },
    },
    nodes: () => {
      const begun = performance.now();
      plannedMs.push(begun);
      // The process gets no time: as when the machine is suspended, or somebody else has it.
      while (plannedMs.length === 1 && performance.now() - begun < STILL_MS);
      if (plannedMs.length === 2) second.resolve();
      return [];
    },
    send: () => Promise.resolve(),
    log: silentLog,
    now: () => Date.now(),
  });
  const stop = new AbortController();
  const owning = scheduler.own(1, stop.signal);
  await second.promise;
  stop.abort();
  await owning;
  const restMs = plannedMs[1]! - plannedMs[0]! - STILL_MS;
  assert.ok(restMs >= 500, `it rests a little, ${restMs} ms`);
  assert.ok(restMs < 2000, `it does not make up for what it has not done, ${restMs} ms`);
});
