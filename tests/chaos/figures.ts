/** What a run of chaos says about a cluster, in numbers. Pure. @module */
import type { Answered } from "../support/http/steady_load.ts";
import { ownershipsOf, runningParts, type Stretch } from "./checker.ts";
import type { Entry } from "./history.ts";

/** The times between two owners of placement who could run. */
export function vacancies(history: readonly Entry[]): Stretch[] {
  const owned = ownershipsOf(history).filter(({ role }) => role === "placement")
    .flatMap((one) => runningParts(one, one.node, history))
    .sort((a, b) => a.fromMs - b.fromMs);
  const gaps: Stretch[] = [];
  let untilMs = owned[0]?.fromMs ?? 0;
  for (const { fromMs, toMs } of owned) {
    if (fromMs > untilMs) gaps.push({ fromMs: untilMs, toMs: fromMs });
    untilMs = Math.max(untilMs, toMs);
  }
  return gaps;
}

/** The longest of `stretches` in milliseconds; 0 when there are none. */
export function longestMs(stretches: readonly Stretch[]): number {
  return Math.max(0, ...stretches.map(({ fromMs, toMs }) => toMs - fromMs));
}

/** True when the two have a moment in common. */
export function meet(a: Stretch, b: Stretch): boolean {
  return a.fromMs < b.toMs && b.fromMs < a.toMs;
}

/** When a request that was sent to a load's URL was on its way, by the load's begin. */
export function stretchOf({ atMs, ms }: Answered, beginMs: number): Stretch {
  return { fromMs: beginMs + atMs, toMs: beginMs + atMs + ms };
}
