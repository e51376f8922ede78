import assert from "node:assert/strict";
import { DemandWindow } from "../../../daemon/scheduler/demand_window.ts";

/** What a window knows after samples of milliseconds and demand. */
function after(...samples: [number, number][]) {
  const window = new DemandWindow();
  for (const [atMs, demand] of samples) window.record(demand, atMs);
  const { sustained, peak } = window;
  return { sustained, peak };
}

const cases = [
  { name: "knows nothing at first", got: after(), want: { sustained: 0, peak: 0 } },
  {
    name: "takes one look for no lasting demand",
    got: after([0, 9]),
    want: { sustained: 0, peak: 9 },
  },
  {
    name: "calls lasting what was seen half a second apart",
    got: after([0, 9], [500, 7]),
    want: { sustained: 7, peak: 9 },
  },
  {
    name: "takes the lowest of the looks between",
    got: after([0, 9], [250, 2], [500, 7]),
    want: { sustained: 2, peak: 9 },
  },
  {
    name: "does not call many looks within a moment lasting",
    got: after([0, 9], [10, 9], [20, 9], [499, 9]),
    want: { sustained: 0, peak: 9 },
  },
  {
    name: "forgets what was before the last half second",
    got: after([0, 1], [250, 9], [500, 9], [750, 9]),
    want: { sustained: 9, peak: 9 },
  },
  {
    name: "remembers a peak for a minute",
    got: after([0, 50], [1000, 1], [59_999, 1]),
    want: { sustained: 1, peak: 50 },
  },
  {
    name: "forgets a peak after a minute",
    got: after([0, 50], [1000, 1], [60_000, 1]),
    want: { sustained: 1, peak: 1 },
  },
  {
    name: "begins anew when the clock is set back",
    got: after([10_000, 50], [5000, 1]),
    want: { sustained: 0, peak: 1 },
  },
];

for (const { name, got, want } of cases) {
  Deno.test(`DemandWindow ${name}`, () => assert.deepEqual(got, want));
}
