/** How long the command line takes. @module */
import type { BenchCase } from "../bench_case.ts";
import { summarize } from "../stats.ts";

const RUNS = 10;
const BARS = [
  { args: ["help"], barMs: 150 },
  { args: ["comp", "ls"], barMs: 300 },
] as const;

/** Wall time of commands, from start to exit, with a warm cache. */
export const commandLine: BenchCase = {
  name: "cli",
  about: "wall time of `help` and `comp ls`",
  async run({ node }) {
    const measured = [];
    for (const { args, barMs } of BARS) {
      await node.run(args);
      const runs: number[] = [];
      for (let run = 0; run < RUNS; run++) {
        const begun = performance.now();
        await node.run(args);
        runs.push(performance.now() - begun);
      }
      measured.push({ name: `maelstrom ${args.join(" ")}`, barMs, ...summarize(runs) });
    }
    return {
      title: "Command line",
      columns: ["Command", "Median ms", "Fastest", "Slowest"],
      rows: measured.map(({ name, median, min, max }) => [
        `\`${name}\``,
        ...[median, min, max].map((ms) => ms.toFixed(0)),
      ]),
      bars: measured.map(({ name, barMs, median }) => ({
        what: `\`${name}\``,
        bar: `${barMs} ms`,
        stretch: "",
        measured: `${median.toFixed(0)} ms`,
        isMet: median <= barMs,
      })),
      notes: [`${RUNS} runs each, process start included, against the running node.`],
    };
  },
};
