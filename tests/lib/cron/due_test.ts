import assert from "node:assert/strict";
import fc from "fast-check";
import { decide, type Decision, ON_TIME_MS, type Situation } from "../../../lib/cron/due.ts";
import { next } from "../../../lib/cron/next.ts";
import { type CronRule, retryDelayMs, ruleOf } from "../../../lib/cron/rule.ts";
import type { CronEventSource } from "../../../lib/contract/v1.ts";

const SECOND = 1000;

function rule(parts: Partial<CronEventSource> = {}): CronRule {
  const http = { method: "GET", path: "/" };
  return ruleOf("tick", { schedule: "* * * * * *", http, ...parts });
}

/** A source that has decided everything up to 1970, seen `seconds` later. */
const after = (seconds: number, parts: Partial<Situation> = {}): Situation => ({
  enabled: true,
  afterMs: 0,
  nowMs: seconds * SECOND,
  running: 0,
  queued: 0,
  ...parts,
});

/** What is decided, in short: `start 3`, `skip 1-2 missed`. */
const short = (decisions: readonly Decision[]) =>
  decisions.map(({ kind, dueMs, lastDueMs, dueCount, reason }) => {
    assert.equal(lastDueMs - dueMs, (dueCount - 1) * SECOND);
    const when = dueCount > 1 ? `${dueMs / SECOND}-${lastDueMs / SECOND}` : `${dueMs / SECOND}`;
    return `${kind} ${when} ${reason}`.trim();
  });

const cases: readonly {
  name: string;
  cron?: Partial<CronEventSource>;
  situation: Situation;
  want: readonly string[];
}[] = [
  { name: "nothing before it is due", situation: after(0.9), want: [] },
  { name: "a start on time", situation: after(1), want: ["start 1"] },
  {
    name: "the latest missed one by default",
    cron: { overlap: "allow" },
    situation: after(8),
    want: ["skip 1 missed", "start 2", "start 3", "start 4", "start 5", "start 6", "start 7"]
      .concat("start 8"),
  },
  {
    name: "no missed one when they are skipped",
    cron: { schedule: "0 * * * * *", missed: "skip" },
    situation: after(3 * 60 + 30),
    want: ["skip 60-180 missed"],
  },
  {
    name: "the newest missed ones up to the limit",
    cron: { schedule: "0 * * * * *", missed: "all", missedMax: 2, overlap: "queue" },
    situation: after(4 * 60 + 30),
    want: ["skip 60-120 missed", "start 180", "queue 240"],
  },
  {
    name: "a skip while a run goes on",
    situation: after(2, { running: 1 }),
    want: ["skip 1-2 the run before goes on"],
  },
  {
    name: "a start beside a run that goes on",
    cron: { overlap: "allow" },
    situation: after(1, { running: 1 }),
    want: ["start 1"],
  },
  {
    name: "no more starts than a component could bear",
    cron: { overlap: "allow" },
    situation: after(1, { running: 100 }),
    want: ["skip 1 100 runs go on"],
  },
  {
    name: "a wait behind a run that goes on",
    cron: { overlap: "queue" },
    situation: after(1, { running: 1 }),
    want: ["queue 1"],
  },
  {
    name: "no endless queue",
    cron: { overlap: "queue" },
    situation: after(1, { running: 1, queued: 100 }),
    want: ["skip 1 100 due times wait"],
  },
  {
    name: "only the last start when each replaces the one before",
    cron: { overlap: "replace" },
    situation: after(3, { running: 1 }),
    want: ["skip 1-2 replaced by a later one", "start 3"],
  },
  {
    name: "skips while it is switched off",
    situation: after(3, { enabled: false }),
    want: ["skip 1-3 switched off"],
  },
];

for (const { name, cron, situation, want } of cases) {
  Deno.test(`decide() gives ${name}`, () => {
    const decided = decide(rule(cron), situation).decisions.map((one) => ({ ...one }));
    if (cron?.schedule) {
      // Minutes: a skip of several speaks of them all.
      const minutes = decided.map(({ kind, dueMs, lastDueMs, dueCount, reason }) =>
        `${kind} ${dueMs / SECOND}${dueCount > 1 ? `-${lastDueMs / SECOND}` : ""} ${reason}`.trim()
      );
      return assert.deepEqual(minutes, want);
    }
    assert.deepEqual(short(decided), want);
  });
}

Deno.test("decide() answers for every due time once, whenever it is asked", () => {
  const policies = fc.record({
    schedule: fc.constantFrom("* * * * * *", "*/7 * * * * *", "0 * * * * *", "@every 11s"),
    timezone: fc.constantFrom("UTC", "Australia/Lord_Howe"),
    overlap: fc.constantFrom("allow", "skip", "queue", "replace"),
    missed: fc.constantFrom("skip", "latest", "all"),
    missedMax: fc.integer({ min: 0, max: 20 }),
    jitterSeconds: fc.constantFrom(0, 30),
  });
  const looks = fc.array(
    fc.record({
      waitMs: fc.integer({ min: 0, max: 90_000 }),
      enabled: fc.boolean(),
      running: fc.integer({ min: 0, max: 3 }),
      queued: fc.integer({ min: 0, max: 3 }),
    }),
    { minLength: 1, maxLength: 20 },
  );
  fc.assert(fc.property(policies, looks, (cron, looks) => {
    const given = rule(cron as Partial<CronEventSource>);
    // Clocks on Lord Howe are set at 15:00 UTC on that day.
    const beginMs = Date.UTC(2027, 3, 3, 14, 55);
    let nowMs = beginMs;
    let afterMs = beginMs;
    const answered: Decision[] = [];
    for (const { waitMs, ...look } of looks) {
      nowMs += waitMs;
      const decided = decide(given, { ...look, nowMs, afterMs });
      answered.push(...decided.decisions);
      assert.ok(decided.wakeMs! > nowMs && decided.afterMs >= afterMs);
      afterMs = decided.afterMs;
      const late = decided.decisions.filter(({ kind, dueMs }) =>
        kind !== "skip" && nowMs - given.delayMs - dueMs > ON_TIME_MS
      );
      assert.ok(late.length <= given.lateMax, "no more late starts than allowed");
    }
    let due = next(given.schedule, beginMs);
    for (const { dueMs, lastDueMs, dueCount } of answered) {
      for (let i = 0; i < dueCount; i++) {
        assert.equal(due, i === 0 ? dueMs : due);
        if (i === dueCount - 1) assert.equal(due, lastDueMs);
        due = next(given.schedule, due!);
      }
    }
    assert.ok(due! + given.delayMs > nowMs, "what has come is answered");
  }));
});

Deno.test("ruleOf() gives a source its own share of the jitter, always the same", () => {
  const http = { method: "GET", path: "/" };
  const delays = Array.from(
    { length: 50 },
    (_, i) => ruleOf(`s${i}`, { schedule: "@daily", http, jitterSeconds: 100 }).delayMs,
  );
  assert.ok(delays.every((delay) => delay >= 0 && delay < 100_000));
  assert.ok(new Set(delays).size > 40 && Math.max(...delays) - Math.min(...delays) > 50_000);
  assert.equal(rule({ jitterSeconds: 100 }).delayMs, rule({ jitterSeconds: 100 }).delayMs);
});

Deno.test("retryDelayMs() doubles, up to an hour", () => {
  const given = rule({ retryDelaySeconds: 5 });
  assert.deepEqual([1, 2, 3, 20].map((n) => retryDelayMs(given, n)), [5e3, 1e4, 2e4, 3600e3]);
});
