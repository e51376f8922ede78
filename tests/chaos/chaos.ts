/**
 * `deno task chaos [--minutes 5] [--seed N] [--nodes 3]`: breaks a cluster at random while it is
 * under load, and checks what it did. Exits with 1 when something happened that must not. Without a
 * seed it takes one and prints it.
 * @module
 */
import { parseArgs } from "node:util";
import { runChaos } from "./run.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    nodes: { type: "string", default: "3" },
    minutes: { type: "string", default: "5" },
  },
});
const violations = await runChaos({
  seed: values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed),
  durationMs: Number(values.minutes) * 60_000,
  nodes: Number(values.nodes),
  say: (line) => console.log(line),
});
console.log(`violations: ${violations.length}`);
for (const violation of violations) console.log(`  ${violation}`);
Deno.exit(violations.length > 0 ? 1 : 0);
