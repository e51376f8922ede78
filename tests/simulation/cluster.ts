/**
 * Runs simulated clusters and prints what happened. Exits with 1 when something happened that must
 * not: `deno run -A tests/simulation/cluster.ts --seed 7 --nodes 20 --minutes 60`. Without a seed
 * it takes one and prints it.
 * @module
 */
import { parseArgs } from "node:util";
import { simulate } from "./simulation.ts";

const VIOLATIONS_SHOWN = 20;

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string", default: "1" },
    nodes: { type: "string", default: "20" },
    components: { type: "string", default: "40" },
    minutes: { type: "string", default: "60" },
  },
});
const first = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
let failed = 0;
for (let seed = first; seed < first + Number(values.seeds); seed++) {
  const { violations, waitShare, longestPlanMs, ...rest } = simulate({
    seed,
    nodes: Number(values.nodes),
    components: Number(values.components),
    minutes: Number(values.minutes),
  });
  const facts = Object.entries(rest).map(([name, value]) => `${name} ${value}`);
  facts.push(`waiting ${(100 * waitShare).toFixed(2)} %`);
  facts.push(`longest plan ${longestPlanMs.toFixed(1)} ms`, `violations ${violations.length}`);
  console.log(facts.join(", "));
  for (const violation of violations.slice(0, VIOLATIONS_SHOWN)) console.log(`  ${violation}`);
  if (violations.length > 0) failed += 1;
}
Deno.exit(failed > 0 ? 1 : 0);
