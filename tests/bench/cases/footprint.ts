/** What a node takes that has nothing to do. @module */
import type { BenchCase } from "../bench_case.ts";
import { cpuSeconds, memoryOf } from "../process.ts";

const IDLE_SECONDS = 30;
const QUICK_SECONDS = 5;
const BAR_MB = 120;
const STRETCH_MB = 80;

/** Memory and CPU time of a fresh node after half a minute. */
export const idleNode: BenchCase = {
  name: "idle-node",
  about: "memory of a node with nothing to do",
  async run({ startNode, rounds }) {
    const seconds = rounds >= 5 ? IDLE_SECONDS : QUICK_SECONDS;
    await using node = await startNode();
    const cpuBefore = await cpuSeconds(node.pid);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    const cpuPercent = (await cpuSeconds(node.pid) - cpuBefore) / seconds * 100;
    const { rssKiB, peakKiB } = await memoryOf(node.pid);
    const mb = (kib: number) => kib * 1024 / 1e6;
    return {
      title: "A node with nothing to do",
      columns: ["After", "Resident MB", "Peak MB", "CPU of one core"],
      rows: [[
        `${seconds} s`,
        mb(rssKiB).toFixed(0),
        mb(peakKiB).toFixed(0),
        `${cpuPercent.toFixed(2)} %`,
      ]],
      bars: [{
        what: "Node with nothing to do, resident memory",
        bar: `${BAR_MB} MB`,
        stretch: `${STRETCH_MB} MB`,
        measured: `${mb(rssKiB).toFixed(0)} MB`,
        isMet: mb(rssKiB) <= BAR_MB,
      }],
      notes: [],
    };
  },
};
