/** What a proxy adds to the time of a request at a fixed, moderate rate. @module */
import { type Bench, type BenchCase, interleave } from "../bench_case.ts";
import { Histogram } from "../histogram.ts";
import type { Counted, OpenLoopOptions, OpenLoopResult } from "../open_loop.ts";
import { outputOf } from "../process.ts";
import type { Section } from "../report.ts";

const RATE = 2_000;
const CONNECTIONS = 32;
const P50_BAR_MS = 0.5;
const P99_BAR_MS = 3;
const PROGRAM = new URL("../open_loop.ts", import.meta.url).pathname;

/** Latency at 2,000 requests a second, beside the backend's own. */
export const addedLatency: BenchCase = {
  name: "latency",
  about: "added latency at 2,000 requests/s",
  async run(bench): Promise<Section> {
    const { nginx, haproxy, caddy, ours, backend, rounds } = bench;
    const direct = { name: "none (direct)", address: backend };
    const subjects = [direct, nginx, haproxy, caddy, ours];
    const results = await interleave(subjects, rounds, ({ address }) => drive(address, bench));
    const [base = merge([])] = [...results.values()].map((each) => merge(latencies(each)));
    const rows: string[][] = [];
    const lag = new Histogram();
    let lost = 0;
    for (const [{ name }, each] of results) {
      const merged = merge(latencies(each));
      const at = (share: number) => merged.percentile(share).toFixed(2);
      const added = (share: number) =>
        (merged.percentile(share) - base.percentile(share)).toFixed(2);
      rows.push([
        name,
        at(0.5),
        at(0.99),
        at(0.999),
        merged.maxMs.toFixed(1),
        added(0.5),
        added(0.99),
      ]);
      for (const result of each) {
        lag.add(result.lag.buckets, result.lag.maxMs);
        lost += result.lost;
      }
    }
    const own = merge(latencies(results.get(ours)!));
    const addedMs = (share: number) => own.percentile(share) - base.percentile(share);
    return {
      title: `Latency at ${RATE.toLocaleString("en")} requests/s`,
      columns: ["Proxy", "p50 ms", "p99 ms", "p99.9 ms", "max ms", "added p50", "added p99"],
      rows,
      bars: [
        bar("p50", addedMs(0.5), P50_BAR_MS),
        bar("p99", addedMs(0.99), P99_BAR_MS),
      ],
      notes: [
        `Open loop: a request's time counts from when it was due, over ${CONNECTIONS} connections. ` +
        `The generator itself was late by ${lag.percentile(0.5).toFixed(3)} ms at the median and ` +
        `${lag.percentile(0.99).toFixed(2)} ms at the 99th percentile, which is in every row; ` +
        `${lost} requests were not answered.`,
      ],
    };
  },
};

const latencies = (results: readonly OpenLoopResult[]) => results.map(({ latency }) => latency);

function merge(counted: readonly Counted[]): Histogram {
  const histogram = new Histogram();
  for (const { buckets, maxMs } of counted) histogram.add(buckets, maxMs);
  return histogram;
}

function bar(name: string, measuredMs: number, barMs: number) {
  return {
    what: `Latency added at ${RATE} requests/s, ${name}`,
    bar: `${barMs} ms`,
    stretch: "as nginx",
    measured: `${measuredMs.toFixed(2)} ms`,
    isMet: measuredMs <= barMs,
  };
}

async function drive(
  { hostname, port }: { readonly hostname: string; readonly port: number },
  { roundSeconds, signal }: Bench,
): Promise<OpenLoopResult> {
  const options: OpenLoopOptions = {
    hostname,
    port,
    path: "/small",
    rate: RATE,
    seconds: roundSeconds,
    connections: CONNECTIONS,
  };
  const args = ["run", "-A", "--no-config", PROGRAM, JSON.stringify(options)];
  return JSON.parse(await outputOf(Deno.execPath(), args, signal));
}
