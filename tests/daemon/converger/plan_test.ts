import assert from "node:assert/strict";
import fc from "fast-check";
import { plan, type PlanTarget, type Present, type Step } from "../../../daemon/converger/plan.ts";

const V = "component version changed";
const start: Step = { kind: "start", lock: false };
const lockedStart: Step = { kind: "start", lock: true };
const stop = (n: number, reason: string): Step => ({ kind: "stop", id: `c${n}`, reason });

function present(...versions: number[]): Present[] {
  return versions.map((version, i) => ({ id: `c${i + 1}`, uid: "u", version }));
}

function target(parts: Partial<PlanTarget>): PlanTarget {
  return {
    uid: "u",
    version: 1,
    count: 1,
    restartOrder: "stopstart",
    startParallelism: "parallel",
    deployed: false,
    ...parts,
  };
}

const cases: { name: string; present: Present[]; target: PlanTarget; want: Step[] }[] = [
  { name: "does nothing for none", present: [], target: target({ count: 0 }), want: [] },
  { name: "starts the first", present: [], target: target({}), want: [start] },
  {
    name: "stops all when none is wanted",
    present: present(1, 1),
    target: target({ count: 0 }),
    want: [stop(1, "scale down"), stop(2, "scale down")],
  },
  {
    name: "stops the last when one less is wanted",
    present: present(1, 1),
    target: target({ count: 1 }),
    want: [stop(2, "scale down")],
  },
  {
    name: "rolls 2 in parallel, startstop",
    present: present(1, 1),
    target: target({ version: 2, count: 2, restartOrder: "startstop" }),
    want: [start, stop(1, V), start, stop(2, V)],
  },
  {
    name: "rolls 2 in series, stopstart",
    present: present(1, 1),
    target: target({ version: 3, count: 2, startParallelism: "series" }),
    want: [stop(1, V), lockedStart, stop(2, V), lockedStart],
  },
  {
    name: "rolls 2 seriesfirst, stopstart",
    present: present(1, 1),
    target: target({ version: 4, count: 2, startParallelism: "seriesfirst" }),
    want: [stop(1, V), lockedStart, stop(2, V), start],
  },
  {
    name: "rolls 2 to 4 seriesfirst, startstop",
    present: present(1, 1),
    target: target({
      version: 4,
      count: 4,
      startParallelism: "seriesfirst",
      restartOrder: "startstop",
    }),
    want: [lockedStart, stop(1, V), start, stop(2, V), start, start],
  },
  {
    name: "rolls 2 to 1 seriesfirst, startstop",
    present: present(1, 1),
    target: target({ version: 4, startParallelism: "seriesfirst", restartOrder: "startstop" }),
    want: [lockedStart, stop(1, V), stop(2, V)],
  },
  {
    name: "needs no lock once the version was deployed",
    present: [],
    target: target({ startParallelism: "seriesfirst", deployed: true }),
    want: [start],
  },
  {
    name: "fills an empty place before it stops another, though stopstart",
    present: present(1),
    target: target({ version: 2, count: 2 }),
    want: [start, stop(1, V), start],
  },
  {
    name: "replaces a doomed one",
    present: [{ id: "c1", uid: "u", version: 1, doomed: "health check failed" }],
    target: target({}),
    want: [stop(1, "health check failed"), start],
  },
  {
    name: "replaces one of an earlier component with the same name and version",
    present: [{ id: "c1", uid: "old", version: 1 }],
    target: target({}),
    want: [stop(1, V), start],
  },
];

for (const { name, present, target, want } of cases) {
  Deno.test(`plan() ${name}`, () => assert.deepEqual(plan(present, target), want));
}

const presents = fc.uniqueArray(
  fc.record(
    { id: fc.uuid(), uid: fc.constantFrom("u", "v"), version: fc.nat(3) },
    { noNullPrototype: true },
  ),
  { selector: ({ id }) => id, maxLength: 8 },
);
const targets = fc.record({
  uid: fc.constant("u"),
  version: fc.nat(3),
  count: fc.nat(8),
  restartOrder: fc.constantFrom("startstop" as const, "stopstart" as const),
  startParallelism: fc.constantFrom("parallel" as const, "series" as const, "seriesfirst" as const),
  deployed: fc.boolean(),
});

Deno.test("plan() leads to the target, after which there is nothing to do", () => {
  fc.assert(fc.property(presents, targets, (before, target) => {
    const copy = structuredClone(before);
    const after = [...before];
    for (const [n, step] of plan(before, target).entries()) {
      if (step.kind === "start") after.push({ id: `new ${n}`, uid: "u", version: target.version });
      else after.splice(after.findIndex(({ id }) => id === step.id), 1);
    }
    assert.equal(after.length, target.count);
    assert.deepEqual(plan(after, target), []);
    assert.deepEqual(before, copy);
  }));
});

Deno.test("plan() never stops more than it must in startstop order", () => {
  fc.assert(fc.property(presents, targets, (before, target) => {
    let running = before.length;
    const least = Math.min(before.length, target.count);
    for (const step of plan(before, { ...target, restartOrder: "startstop" })) {
      running += step.kind === "start" ? 1 : -1;
      assert.ok(running >= least, `${running} of ${least}`);
    }
  }));
});
