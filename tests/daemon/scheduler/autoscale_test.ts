import assert from "node:assert/strict";
import fc from "fast-check";
import {
  desiredCount,
  firmCount,
  type InstanceLoad,
  type Load,
} from "../../../daemon/scheduler/autoscale.ts";
import { DemandWindow } from "../../../daemon/scheduler/demand_window.ts";
import { effective } from "../../../lib/contract/effective.ts";
import { component, type ComponentParts } from "../../support/builders.ts";

const NOW = 1_000_000_000;
const IDLE = { docker: { idleTimeoutSeconds: 60 } };

function instance(concurrency: number[], parts: Partial<InstanceLoad> = {}): InstanceLoad {
  const activity = concurrency.map((value) => ({ requests: 1, concurrency: value }));
  return { status: "active", sinceMs: NOW, lastRequestMs: NOW, inFlight: 0, activity, ...parts };
}

type Traffic = Partial<Omit<Load, "settings">>;

function whole(settings: ComponentParts, load: Traffic): Load {
  const nothing = { instances: [], target: undefined, queued: 0, sustained: 0, peak: 0 };
  return { settings: effective(component(settings)), ...nothing, ...load };
}

function count(settings: ComponentParts, load: Traffic): number {
  return desiredCount(whole(settings, load), NOW);
}

const long = { sinceMs: NOW - 61_000, lastRequestMs: NOW - 60_001 };
const recent = { sinceMs: NOW - 61_000, lastRequestMs: NOW - 60_000 };
const five = { maxConcurrency: 5 };
const cases: { name: string; got: number; want: number }[] = [
  { name: "is 0 without traffic", got: count({}, {}), want: 0 },
  { name: "is 1 for a first request", got: count({}, { queued: 1 }), want: 1 },
  { name: "is 1 for a thousand first requests", got: count({}, { queued: 1000 }), want: 1 },
  {
    name: "keeps what it had while its last instance is being replaced",
    got: count(IDLE, { target: 1, leftUseMs: NOW - 60_000 }),
    want: 1,
  },
  {
    name: "is 0 while its last instance stops because it was idle",
    got: count(IDLE, { target: 1, leftUseMs: NOW - 60_001 }),
    want: 0,
  },
  { name: "is the minimum without traffic", got: count({ minInstances: 3 }, {}), want: 3 },
  {
    name: "starts no surplus behind a start",
    got: count({}, {
      instances: [instance([], { status: "starting" })],
      queued: 99,
      sustained: 99,
    }),
    want: 1,
  },
  {
    name: "scales up on the mean (the ancestor's example)",
    got: count(five, { instances: [instance([4]), instance([4])] }),
    want: 3,
  },
  {
    name: "scales down on the maximum (the ancestor's example)",
    got: count(five, { instances: [instance([1]), instance([1])] }),
    want: 1,
  },
  {
    name: "rounds up (the ancestor's example)",
    got: count({ scaleUpConcurrencyPct: 1 }, { instances: [instance([1.1])] }),
    want: 2,
  },
  {
    name: "is 0 past the idle timeout",
    got: count(IDLE, { instances: [instance([0.2, 0], long)] }),
    want: 0,
  },
  {
    name: "is 1 until the idle timeout has passed",
    got: count(IDLE, { instances: [instance([0], recent)] }),
    want: 1,
  },
  {
    name: "counts a request in progress as use, however old",
    got: count(IDLE, { instances: [instance([0], { ...long, inFlight: 1 })] }),
    want: 1,
  },
  {
    name: "does not shrink before a new instance had a full window",
    got: count(five, { instances: [instance([0.1]), instance([])] }),
    want: 2,
  },
  {
    name: "answers a lasting burst by what it needs",
    got: count(five, { instances: [instance([]), instance([]), instance([])], sustained: 20 }),
    want: 6,
  },
  {
    name: "adds at most four to one in a burst",
    got: count(five, { instances: [instance([])], sustained: 500 }),
    want: 5,
  },
  {
    name: "at most doubles many in a burst",
    got: count(five, { instances: Array(10).fill(instance([])), sustained: 500 }),
    want: 20,
  },
  {
    name: "counts starting instances as capacity",
    got: count(five, {
      instances: [instance([5]), ...Array(3).fill(instance([], { status: "starting" }))],
      sustained: 15,
    }),
    want: 4,
  },
  {
    name: "adds to starting instances what exceeds them",
    got: count(five, {
      instances: [instance([5]), ...Array(3).fill(instance([], { status: "starting" }))],
      sustained: 16,
    }),
    want: 5,
  },
  {
    name: "grows with a backlog outside",
    got: count({}, { instances: [instance([1])], backlog: { waiting: 25, perInstance: 10 } }),
    want: 3,
  },
  {
    name: "starts one for a backlog outside",
    got: count({}, { backlog: { waiting: 25, perInstance: 10 } }),
    want: 1,
  },
  {
    name: "does not shrink while the last minute saw a peak",
    got: count(five, { instances: [instance([0.1]), instance([0.1])], peak: 3 }),
    want: 2,
  },
  {
    name: "keeps one that starts slowly past the idle timeout",
    got: count(IDLE, { instances: [instance([], { ...long, status: "starting" })] }),
    want: 1,
  },
  {
    name: "counts load that moved to a new instance once",
    got: count(five, {
      instances: [...Array(4).fill(instance([3.6, 4.5, 4.5])), instance([3.6])],
    }),
    want: 5,
  },
  {
    name: "scales up on a minute's mean, not on what was before",
    got: count(five, { instances: [instance([1, 1, 1, 5, 5, 5, 5, 5, 5, 5])] }),
    want: 1,
  },
  {
    name: "is not moved by the surge of a rollout",
    got: count({}, {
      instances: [instance([0.1]), instance([], { status: "starting" })],
      target: 1,
    }),
    want: 1,
  },
  {
    name: "is not moved by a crash",
    got: count({}, { instances: [instance([0.5])], target: 2 }),
    want: 2,
  },
  {
    name: "stays at the maximum",
    got: count({ ...five, maxInstances: 2 }, { instances: [instance([50])], sustained: 50 }),
    want: 2,
  },
];

for (const { name, got, want } of cases) {
  Deno.test(`desiredCount() ${name}`, () => assert.equal(got, want));
}

for (
  const { name, got, want } of [
    { name: "is the minimum", got: firmCount(whole({ minInstances: 2 }, {})), want: 2 },
    { name: "is 1 for a waiting request", got: firmCount(whole({}, { queued: 9 })), want: 1 },
    {
      name: "is 1 for a backlog",
      got: firmCount(whole({}, { backlog: { waiting: 9, perInstance: 1 } })),
      want: 1,
    },
    { name: "is 0 for what nobody asks", got: firmCount(whole({}, {})), want: 0 },
  ]
) {
  Deno.test(`firmCount() ${name}`, () => assert.equal(got, want));
}

const loads = fc.record({
  queued: fc.nat(50),
  sustained: fc.nat(500),
  peak: fc.nat(500),
  instances: fc.array(
    fc.record({
      status: fc.constantFrom("starting" as const, "active" as const),
      sinceMs: fc.integer({ min: NOW - 400_000, max: NOW }),
      lastRequestMs: fc.constantFrom(0, NOW - 400_000, NOW),
      inFlight: fc.nat(3),
      activity: fc.array(
        fc.record({ requests: fc.nat(9), concurrency: fc.double({ min: 0, max: 9, noNaN: true }) }),
        { maxLength: 10 },
      ),
    }),
    { maxLength: 6 },
  ),
});

Deno.test("desiredCount() keeps between the minimum and the maximum", () => {
  fc.assert(fc.property(loads, fc.nat(4), fc.integer({ min: 4, max: 8 }), (load, min, max) => {
    const got = count({ minInstances: min, maxInstances: max, maxConcurrency: 2 }, load);
    assert.ok(got >= min && got <= max, `${got} outside ${min} to ${max}`);
  }));
});

Deno.test("desiredCount() goes to 0 only when idle (T-35)", () => {
  fc.assert(fc.property(loads, (load) => {
    const busy = load.queued > 0 || load.instances.some(({ inFlight }) => inFlight > 0);
    if (busy) assert.ok(count({}, load) > 0);
  }));
});

interface Shift {
  readonly maxConcurrency: number;
  /** Demand until the step, for ten minutes, and after it. */
  readonly before: number;
  readonly after: number;
}

/** Counts of ten minutes by second after a step, on instances that take three seconds to start. */
function countsAfterStep({ maxConcurrency, before, after }: Shift): number[] {
  const SECONDS = 1200;
  const STEP = 600;
  const START = 3;
  const settings = { maxConcurrency, docker: { idleTimeoutSeconds: 10 } };
  const demand = new DemandWindow();
  let instances: { startedAt: number; samples: number[] }[] = [];
  let target = 0;
  const counts: number[] = [];
  for (let second = 0; second < SECONDS; second++) {
    const load = second < STEP ? before : after;
    const serving = instances.filter(({ startedAt }) => second - startedAt >= START);
    const inFlight = Math.min(load, serving.length * maxConcurrency);
    for (const instance of serving) instance.samples.unshift(inFlight / serving.length);
    for (const half of [0, 500]) demand.record(load, NOW + second * 1000 + half);
    const got = count(settings, {
      instances: instances.map(({ startedAt, samples }): InstanceLoad => ({
        status: second - startedAt >= START ? "active" : "starting",
        sinceMs: NOW,
        lastRequestMs: NOW,
        inFlight: 0,
        activity: windows(samples),
      })),
      target,
      queued: load - inFlight,
      sustained: demand.sustained,
      peak: demand.peak,
    });
    instances = instances.slice(0, got);
    while (instances.length < got) instances.push({ startedAt: second, samples: [] });
    target = got;
    if (second >= STEP) counts.push(got);
  }
  return counts;
}

/** Means of twenty samples each, newest first, whole windows only. */
function windows(samples: readonly number[]) {
  const whole = Math.floor(samples.length / 20);
  return Array.from({ length: Math.min(10, whole) }, (_, age) => {
    const end = samples.length - (whole - 1 - age) * 20;
    const values = samples.slice(end - 20, end);
    return { requests: 1, concurrency: values.reduce((sum, value) => sum + value, 0) / 20 };
  });
}

Deno.test("desiredCount() answers a step from 1 to 50 at once, in full, and stays", () => {
  const counts = countsAfterStep({ maxConcurrency: 5, before: 1, after: 50 });
  assert.deepEqual(counts.slice(0, 3), [5, 10, 14]);
  assert.deepEqual(new Set(counts.slice(2)), new Set([14]));
});

Deno.test("desiredCount() follows a step down after a minute, and never up again", () => {
  const counts = countsAfterStep({ maxConcurrency: 5, before: 50, after: 1 });
  assert.equal(counts[55], 14);
  assert.equal(counts.at(-1), 1);
  assert.deepEqual(counts, counts.toSorted((a, b) => b - a));
});

Deno.test("desiredCount() is constant under constant load, after any step", () => {
  const level = fc.oneof(fc.nat(120), fc.double({ min: 0.1, max: 60, noNaN: true }));
  const shifts = fc.record({
    maxConcurrency: fc.integer({ min: 1, max: 20 }),
    before: level,
    after: level,
  });
  fc.assert(
    fc.property(shifts, (shift) => {
      const counts = countsAfterStep(shift);
      assert.equal(new Set(counts.slice(-300)).size, 1, counts.join(" "));
      const { after, maxConcurrency } = shift;
      assert.ok(counts.at(-1)! * maxConcurrency >= after, `${counts.at(-1)} for ${after}`);
    }),
    { numRuns: 50 },
  );
});
