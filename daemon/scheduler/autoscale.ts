/**
 * How many instances a component should have. Pure: facts and the time in, a count out.
 *
 * Source: the ancestor's formulas for steady load; demand that no window shows yet (a first
 * request, a burst) is met by the fast path.
 * @module
 */
import type { Effective } from "../../lib/contract/effective.ts";
import type { ComponentActivity } from "../../lib/contract/v1.ts";

/** One instance and its traffic. Instances that are stopping are not among them. */
export interface InstanceLoad {
  readonly status: "starting" | "active";
  /** When it was started or last became active, in milliseconds since 1970. */
  readonly sinceMs: number;
  /** When its last request ended, in milliseconds since 1970; 0 means never. */
  readonly lastRequestMs: number;
  readonly inFlight: number;
  readonly activity: readonly ComponentActivity[];
}

/** A component's settings and load. */
export interface Load {
  readonly settings: Effective;
  readonly instances: readonly InstanceLoad[];
  /**
   * The count that was asked for before; undefined after a start of the daemon. A rollout runs more
   * instances than that for a while, a crash fewer: neither says what is needed.
   */
  readonly target: number | undefined;
  /** Requests that wait for an instance. */
  readonly queued: number;
  /** Requests in progress and waiting, the lowest seen over the last second. */
  readonly sustained: number;
}

/** Instances that `load` asks for at `nowMs` (milliseconds since 1970). */
export function desiredCount(load: Load, nowMs: number): number {
  const { settings, instances, target = instances.length } = load;
  const floor = Math.max(settings.minInstances, isInUse(load, nowMs) ? 1 : 0);
  if (floor === 0) return 0;
  // Requests that queue up behind a start say nothing of how many are needed once it serves.
  const settled = target > 0 && instances.length === target &&
    instances.every(({ status }) => status === "active");
  const wanted = settled ? Math.max(steadyCount(load), burstCount(load)) : target;
  return Math.max(floor, Math.min(wanted, settings.maxInstances));
}

/** What a lasting burst needs; at most double, which bounds what one misread second can start. */
function burstCount({ settings, instances, sustained }: Load): number {
  const room = settings.maxConcurrency * settings.scaleUpConcurrencyPct;
  if (sustained <= instances.length * room) return 0;
  return Math.min(Math.ceil(sustained / room), instances.length * 2);
}

/** Whether the component has work or had some within its idle timeout. */
function isInUse({ settings, instances, queued }: Load, nowMs: number): boolean {
  if (queued > 0 || instances.some(({ inFlight }) => inFlight > 0)) return true;
  const lastUseMs = Math.max(
    0,
    ...instances.map(({ lastRequestMs, sinceMs }) => Math.max(lastRequestMs, sinceMs)),
  );
  return instances.length > 0 && nowMs - lastUseMs <= settings.idleTimeoutMs;
}

/** The count that the activity windows ask for: up on their mean, down on their maximum. */
function steadyCount({ settings, instances }: Load): number {
  const { maxConcurrency, scaleUpConcurrencyPct: up, scaleDownConcurrencyPct: down } = settings;
  const capacity = instances.length * maxConcurrency;
  let sumMean = 0;
  let sumMax = 0;
  for (const { activity } of instances) {
    if (activity.length === 0) continue;
    const values = activity.map(({ concurrency }) => concurrency);
    sumMean += values.reduce((sum, value) => sum + value, 0) / values.length;
    sumMax += Math.max(...values);
  }
  if (sumMean / capacity > up) return Math.ceil(sumMean / (maxConcurrency * up));
  const youngest = instances.some(({ activity }) => activity.length === 0);
  // An instance without a full window yet has not shown that it is too many.
  if (!youngest && sumMax / capacity < down) {
    return Math.max(1, Math.ceil(sumMax / (maxConcurrency * up)));
  }
  return instances.length;
}
