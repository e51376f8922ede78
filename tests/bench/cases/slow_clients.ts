/** What a good client feels of a thousand slow ones, which slowhttptest plays. @module */
import { type Bench, type BenchCase, interleave } from "../bench_case.ts";
import type { OpenLoopResult } from "../open_loop.ts";
import { endProcess } from "../process.ts";
import type { Section } from "../report.ts";
import { drive, percentileOf } from "./good_client.ts";

const SLOW = 1_000;
const RATE = 500;
const CONNECTIONS = 8;
const BAR = 2;
/** Until all are connected and those who read slowly have filled every buffer, in milliseconds. */
const ARRIVAL_MS = 4_000;
/** All slow clients send in the same moment; a round holds one such moment, no more and no less. */
const INTERVAL_SECONDS = 10;

/** What makes clients slow: flags of slowhttptest, and the path that they ask for. */
const KINDS = [
  { name: "slow heads", flags: ["-H", "-x", "24"], path: "/small" },
  { name: "slow bodies", flags: ["-B", "-x", "10", "-s", "100000"], path: "/upload/" },
  { name: "slow readers", flags: ["-X", "-n", "1", "-z", "512"], path: "/100m" },
] as const;

/** The 99th percentile of a good client, alone and among slow ones. */
export const slowClients: BenchCase = {
  name: "slow-clients",
  about: "a good client among 1,000 slow ones",
  async run(bench): Promise<Section> {
    const subjects = [undefined, ...KINDS];
    const results = await interleave(
      subjects,
      bench.rounds,
      (kind) => kind ? amongSlow(kind, bench) : goodClient(bench),
    );
    const at = (share: number, kind: typeof subjects[number]) =>
      percentileOf(results.get(kind)!, ({ latency }) => latency, share);
    const alone = at(0.99, undefined);
    const rows = subjects.map((kind) => [
      kind?.name ?? "none",
      at(0.5, kind).toFixed(2),
      at(0.99, kind).toFixed(2),
      (at(0.99, kind) / alone).toFixed(2),
      String(results.get(kind)!.reduce((sum, { lost }) => sum + lost, 0)),
    ]);
    const worst = Math.max(...KINDS.map((kind) => at(0.99, kind) / alone));
    return {
      title: `A good client among ${SLOW.toLocaleString("en")} slow ones`,
      columns: ["Slow clients", "p50 ms", "p99 ms", "p99 × alone", "Not answered"],
      rows,
      bars: [{
        what: `p99 of a good client among ${SLOW} slow ones, worst kind`,
        bar: `${BAR} × alone`,
        stretch: "",
        measured: `${worst.toFixed(2)} ×`,
        isMet: worst <= BAR,
      }],
      notes: [
        `The good client sends ${RATE} requests/s in open loop over ${CONNECTIONS} connections. ` +
        `The slow ones are slowhttptest's: heads and bodies that get a few bytes every ` +
        `${INTERVAL_SECONDS} s, all in the same moment, and readers of 100 MiB that take 512 bytes ` +
        "each second. All rounds count: a quiet part of them could miss those moments.",
      ],
    };
  },
};

function goodClient({ ours, signal }: Bench): Promise<OpenLoopResult> {
  const pace = { rate: RATE, connections: CONNECTIONS, roundSeconds: INTERVAL_SECONDS, signal };
  return drive(ours.address, pace);
}

async function amongSlow(
  { flags, path }: typeof KINDS[number],
  bench: Bench,
): Promise<OpenLoopResult> {
  const { hostname, port } = bench.ours.address;
  const seconds = ARRIVAL_MS / 1000 + 2 * INTERVAL_SECONDS;
  const load = ["-c", SLOW, "-r", SLOW, "-i", INTERVAL_SECONDS, "-l", seconds, "-p", 30].map(
    String,
  );
  const slow = new Deno.Command("slowhttptest", {
    args: [...flags, ...load, "-u", `http://${hostname}:${port}${path}`],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    await new Promise((resolve) => setTimeout(resolve, ARRIVAL_MS));
    return await goodClient(bench);
  } finally {
    await endProcess(slow);
  }
}
