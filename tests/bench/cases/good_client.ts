/** A client that sends at a fixed rate from a process of its own, and what it saw. @module */
import { Histogram } from "../histogram.ts";
import type { Address } from "../libc.ts";
import type { Counted, OpenLoopOptions, OpenLoopResult } from "../open_loop.ts";
import { outputOf } from "../process.ts";
import { summarize } from "../stats.ts";

const PROGRAM = new URL("../open_loop.ts", import.meta.url).pathname;

/** How fast it goes, and for how long. */
export interface Pace {
  /** Requests per second. */
  readonly rate: number;
  readonly connections: number;
  readonly roundSeconds: number;
  readonly signal: AbortSignal;
}

/** Sends small requests to `address` for one round. */
export async function drive(
  { hostname, port }: Address,
  { rate, connections, roundSeconds, signal }: Pace,
): Promise<OpenLoopResult> {
  const options: OpenLoopOptions = {
    hostname,
    port,
    path: "/small",
    rate,
    seconds: roundSeconds,
    connections,
  };
  const args = ["run", "-A", "--no-config", PROGRAM, JSON.stringify(options)];
  return JSON.parse(await outputOf(Deno.execPath(), args, signal));
}

/** The median of a percentile of each round: one disturbed round does not decide. */
export function percentileOf(
  results: readonly OpenLoopResult[],
  counted: (result: OpenLoopResult) => Counted,
  share: number,
): number {
  const each = results.map((result) => {
    const { buckets, maxMs } = counted(result);
    const histogram = new Histogram();
    histogram.add(buckets, maxMs);
    return histogram.percentile(share);
  });
  return summarize(each).median;
}
