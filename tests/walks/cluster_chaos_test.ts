/** A cluster under load, broken at random for a short while; `deno task chaos` does so for longer. @module */
import { strict as assert } from "node:assert";
import { runChaos } from "../chaos/run.ts";
import { lacksPostgres } from "../support/postgres.ts";

Deno.test(
  {
    name: "walk: a cluster that is broken at random does nothing it must not",
    ignore: lacksPostgres(),
  },
  async () => {
    const seed = Number(Deno.env.get("MAELSTROM_TEST_SEED") || Math.floor(Math.random() * 2 ** 31));
    const say = (line: string) => console.log(line);
    const violations = await runChaos({ seed, durationMs: 45_000, nodes: 3, say });
    assert.deepEqual(violations, [], `seed ${seed}`);
  },
);
