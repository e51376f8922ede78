import assert from "node:assert/strict";
import { simulate } from "./simulation.ts";

for (const seed of [1, 2, 3, 4]) {
  Deno.test(`simulate() breaks no rule with seed ${seed}`, () => {
    const { violations, starts, moves } = simulate({ seed, nodes: 8, components: 12, minutes: 30 });
    assert.deepEqual(violations, [], `replay with --seed ${seed}`);
    assert.ok(starts > 0 && moves > 0, "nothing happened");
  });
}

Deno.test("simulate() repeats a run", () => {
  const options = { seed: 5, nodes: 5, components: 5, minutes: 15 };
  const { longestPlanMs: _first, ...first } = simulate(options);
  const { longestPlanMs: _second, ...second } = simulate(options);
  assert.deepEqual(first, second);
});
