import assert from "node:assert/strict";
import { quietThird, spread, summarize } from "./stats.ts";

Deno.test("summarize() throws when there is nothing", () => {
  assert.throws(() => summarize([]), /no values/);
});

const cases: [number[], number][] = [[[7], 7], [[9, 1, 5], 5], [[4, 1, 3, 2], 2.5]];
for (const [values, median] of cases) {
  Deno.test(`summarize() finds ${median} in the middle of ${values}`, () => {
    const [min, max] = [Math.min(...values), Math.max(...values)];
    assert.deepEqual(summarize(values), { median, min, max });
  });
}

Deno.test("spread() is a share of the median, and 0 for a median of 0", () => {
  assert.equal(spread({ median: 10, min: 9, max: 11 }), 0.2);
  assert.equal(spread({ median: 0, min: 0, max: 1 }), 0);
});

const thirds: [number[], number[]][] = [
  [[5], [0]],
  [[5, 1], [1]],
  [[9, 1, 5, 0, 7], [3, 1]],
  [[9, 1, 5, 0, 7, 7], [3, 1]],
  [[0, 0, 0, 0, 0, 0], [0, 1]],
];
for (const [stolen, quiet] of thirds) {
  Deno.test(`quietThird() of ${stolen} is at ${quiet}`, () => {
    const rounds = stolen.map((stolenMs, at) => ({ stolenMs, at }));
    assert.deepEqual(quietThird(rounds).map(({ at }) => at), quiet);
  });
}
