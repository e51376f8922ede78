import assert from "node:assert/strict";
import fc from "fast-check";
import { desiredCount, type InstanceLoad, type Load } from "../../../daemon/scheduler/autoscale.ts";
import { effective } from "../../../lib/contract/effective.ts";
import { component, type ComponentParts } from "../../support/builders.ts";

const NOW = 1_000_000_000;
const IDLE = { docker: { idleTimeoutSeconds: 60 } };

function instance(concurrency: number[], parts: Partial<InstanceLoad> = {}): InstanceLoad {
  const activity = concurrency.map((value) => ({ requests: 1, concurrency: value }));
  return { status: "active", sinceMs: NOW, lastRequestMs: NOW, inFlight: 0, activity, ...parts };
}

function count(settings: ComponentParts, load: Partial<Omit<Load, "settings">>): number {
  const whole = { instances: [], target: undefined, queued: 0, sustained: 0, ...load };
  return desiredCount({ settings: effective(component(settings)), ...whole }, NOW);
}

const long = { sinceMs: NOW - 61_000, lastRequestMs: NOW - 60_001 };
const recent = { sinceMs: NOW - 61_000, lastRequestMs: NOW - 60_000 };
const five = { maxConcurrency: 5 };
const cases: { name: string; got: number; want: number }[] = [
  { name: "is 0 without traffic", got: count({}, {}), want: 0 },
  { name: "is 1 for a first request", got: count({}, { queued: 1 }), want: 1 },
  { name: "is 1 for a thousand first requests", got: count({}, { queued: 1000 }), want: 1 },
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
    name: "at most doubles in a burst",
    got: count(five, { instances: [instance([])], sustained: 500 }),
    want: 2,
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

const loads = fc.record({
  queued: fc.nat(50),
  sustained: fc.nat(500),
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

Deno.test("desiredCount() goes to 0 only when idle", () => {
  fc.assert(fc.property(loads, (load) => {
    const busy = load.queued > 0 || load.instances.some(({ inFlight }) => inFlight > 0);
    if (busy) assert.ok(count({}, load) > 0);
  }));
});

Deno.test("desiredCount() settles under constant load", () => {
  const levels = fc.double({ min: 0.01, max: 40, noNaN: true });
  fc.assert(fc.property(levels, fc.integer({ min: 1, max: 10 }), (demand, maxConcurrency) => {
    let instances = 1;
    const seen: number[] = [];
    for (let round = 0; round < 12; round++) {
      const share = Array.from({ length: instances }, () => instance([demand / instances]));
      instances = count({ maxConcurrency }, { instances: share });
      seen.push(instances);
    }
    assert.equal(new Set(seen.slice(-3)).size, 1, seen.join(" "));
  }));
});
