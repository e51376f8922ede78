/** What a proxy adds to the time of a request at a fixed, moderate rate. @module */
import { type BenchCase, interleave } from "../bench_case.ts";
import type { OpenLoopResult } from "../open_loop.ts";
import type { Section } from "../report.ts";
import { quietThird } from "../stats.ts";
import { drive, percentileOf } from "./good_client.ts";

const RATE = 2_000;
const CONNECTIONS = 32;
/** Rounds are short and many: a second in which nothing is stolen is found sooner than three. */
const ROUNDS_FACTOR = 3;
const P50_BAR_MS = 0.5;
const P99_BAR_MS = 3;

/** Latency at 2,000 requests a second, beside the backend's own. */
export const addedLatency: BenchCase = {
  name: "latency",
  about: "added latency at 2,000 requests/s",
  async run(bench): Promise<Section> {
    const { nginx, haproxy, caddy, ours, backend, rounds, roundSeconds, signal } = bench;
    const pace = { rate: RATE, connections: CONNECTIONS, roundSeconds: 1, signal };
    const direct = { name: "none (direct)", address: backend };
    const subjects = [direct, nginx, haproxy, caddy, ours];
    const count = rounds * roundSeconds * ROUNDS_FACTOR;
    const results = await interleave(subjects, count, ({ address }) => drive(address, pace));
    const quiet = new Map([...results].map(([subject, each]) => [subject, quietThird(each)]));
    const rows: string[][] = [];
    const base = latenciesOf(quiet.get(direct)!);
    const own = latenciesOf(quiet.get(ours)!);
    const p99OfAll = (subject: typeof direct) => latenciesOf(results.get(subject)!).p99;
    for (const subject of subjects) {
      const { p50, p99, p999, maxMs } = latenciesOf(quiet.get(subject)!);
      const added = [p50 - base.p50, p99 - base.p99, p99OfAll(subject) - p99OfAll(direct)];
      rows.push([subject.name, ...[p50, p99, p999, maxMs, ...added].map((ms) => ms.toFixed(2))]);
    }
    const all = [...results.values()].flat();
    const lost = all.reduce((sum, result) => sum + result.lost, 0);
    const lag = (share: number) => percentileOf(all, ({ lag }) => lag, share).toFixed(3);
    return {
      title: `Latency at ${RATE.toLocaleString("en")} requests/s`,
      columns: [
        "Proxy",
        "p50 ms",
        "p99 ms",
        "p99.9 ms",
        "max ms",
        "added p50",
        "added p99",
        "of all rounds",
      ],
      rows,
      bars: [
        bar("p50", own.p50 - base.p50, P50_BAR_MS),
        bar("p99", own.p99 - base.p99, P99_BAR_MS),
      ],
      notes: [
        `Open loop: a request's time counts from when it was due, over ${CONNECTIONS} connections. ` +
        `Of ${count} rounds of 1 s the quiet third counts: ${
          stolenShare([...quiet.values()])
        } of ` +
        `the processors' time was stolen in it, ${stolenShare([...results.values()])} in all; ` +
        "the last column is the added p99 of all. Percentiles are the medians of those of the " +
        "rounds, max is the largest. The generator itself " +
        `was late by ${lag(0.5)} ms at the median and ${
          lag(0.99)
        } ms at the 99th percentile, which ` +
        `is in every row; ${lost} requests were not answered. What is added can come out negative: ` +
        "then it is smaller than what the machine's other work does to the rounds.",
      ],
    };
  },
};

function latenciesOf(results: readonly OpenLoopResult[]) {
  const at = (share: number) => percentileOf(results, ({ latency }) => latency, share);
  const maxMs = Math.max(...results.map(({ latency }) => latency.maxMs));
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999), maxMs };
}

/** How much of all processors a hypervisor gave to others in rounds of 1 s: `2.4 %`. */
function stolenShare(results: readonly (readonly OpenLoopResult[])[]): string {
  const rounds = results.flat();
  const stolen = rounds.reduce((sum, { stolenMs }) => sum + stolenMs, 0);
  return `${(stolen / 10 / rounds.length / navigator.hardwareConcurrency).toFixed(1)} %`;
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
