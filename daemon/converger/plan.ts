/**
 * What to start and stop so that a component's containers match its target. Pure.
 *
 * Source: the ancestor's planning rules and its rolling orders.
 * @module
 */

/** A container that is not yet on its way out. In a list the ones to keep come first. */
export interface Present {
  readonly id: string;
  readonly uid: string;
  readonly version: number;
  /** Why it has to go though it is of the right version. */
  readonly doomed?: string;
}

/** What the component should have on this node. */
export interface PlanTarget {
  readonly uid: string;
  readonly version: number;
  readonly count: number;
  readonly restartOrder: "startstop" | "stopstart";
  readonly startParallelism: "parallel" | "series" | "seriesfirst";
  /** True when an instance of this version has started before. */
  readonly deployed: boolean;
}

/** One act of a plan. A start with `lock` runs alone. */
export type Step =
  | { readonly kind: "start"; readonly lock: boolean }
  | { readonly kind: "stop"; readonly id: string; readonly reason: string };

/** The steps, in order, that lead from `present` to `target`. */
export function plan(present: readonly Present[], target: PlanTarget): Step[] {
  const stops: Step[] = [];
  let kept = 0;
  for (const { id, uid, version, doomed } of present) {
    const reason = kept >= target.count ? "scale down" : doomed ??
      (uid === target.uid && version === target.version ? undefined : "component version changed");
    if (reason === undefined) kept += 1;
    else stops.push({ kind: "stop", id, reason });
  }
  const starts = Array.from({ length: target.count - kept }, (_, i): Step => ({
    kind: "start",
    lock: target.startParallelism === "series" ||
      (target.startParallelism === "seriesfirst" && i === 0 && !target.deployed),
  }));
  // A place that is empty already is filled first: stopping another would only lose capacity.
  const startFirst = target.restartOrder === "startstop" || present.length < target.count;
  return startFirst ? alternate(starts, stops) : alternate(stops, starts);
}

function alternate(first: readonly Step[], second: readonly Step[]): Step[] {
  const steps: Step[] = [];
  for (let i = 0; i < Math.max(first.length, second.length); i++) {
    steps.push(...first.slice(i, i + 1), ...second.slice(i, i + 1));
  }
  return steps;
}
