/** What we add to a start that the first request waits for. @module */
import type { BenchCase } from "../bench_case.ts";
import { summarize } from "../stats.ts";

const STARTS = 10;
const QUICK_STARTS = 3;
const BAR_MS = 20;
const STRETCH_MS = 5;

interface Phases {
  readonly create: number;
  readonly start: number;
  readonly app: number;
  readonly total: number;
  readonly ours: number;
}

const NAMES: Readonly<Record<keyof Phases, string>> = {
  create: "Docker created the container",
  start: "Docker started it",
  app: "the application came up",
  ours: "everything else: ours",
  total: "first byte of the answer",
};

/** First request to a component without instances, in phases. */
export const coldStart: BenchCase = {
  name: "cold-start",
  about: "the first request, in phases",
  async run({ startNode, rounds }) {
    const starts = rounds >= 5 ? STARTS : QUICK_STARTS;
    await using node = await startNode();
    const phases: Phases[] = [];
    for (let count = 0; count < starts; count++) {
      await node.putSample("hello");
      const from = node.log.length;
      const begun = performance.now();
      const response = await fetch(`${node.url}/hello/listening`);
      const total = performance.now() - begun;
      const text = await response.text();
      if (response.status !== 200) throw new Error(`Cannot start the sample: ${text}`);
      const line = await node.seen(({ message }) => message === "instance serves", { from });
      const [create, start, startedAtMs] = [line.createMs, line.startMs, line.startedAtMs]
        .map(Number) as [number, number, number];
      const app = Math.max(0, Number(text) - startedAtMs);
      phases.push({ create, start, app, total, ours: total - create - start - app });
      await node.run(["comp", "rm", "hello"]);
      await node.hasContainers(0);
    }
    const of = (key: keyof Phases) => summarize(phases.map((each) => each[key]));
    const ours = of("ours").median;
    return {
      title: "Cold start",
      columns: ["Phase", "Median ms", "Fastest", "Slowest"],
      rows: (Object.keys(NAMES) as (keyof Phases)[]).map((key) => {
        const { median, min, max } = of(key);
        return [NAMES[key], ...[median, min, max].map((ms) => ms.toFixed(1))];
      }),
      bars: [{
        what: "Cold start, beyond engine and application",
        bar: `${BAR_MS} ms`,
        stretch: `${STRETCH_MS} ms`,
        measured: `${ours.toFixed(1)} ms`,
        isMet: ours <= BAR_MS,
      }],
      notes: [`${starts} starts of the sample component (a Deno program), its image at hand.`],
    };
  },
};
