/**
 * How many instances a component should have. Pure: facts and the time in, a count out.
 *
 * Two paths, and the higher count wins. The steady one follows the activity windows: up on the mean
 * of the last minute, down on the highest of all windows. The fast one acts within a look on what
 * the load exceeds, starting instances counted. Both ask for the same count under the same load, so
 * neither undoes the other.
 *
 * Source: the ancestor's formulas for the steady path, Knative's panic window for the fast one.
 * @module
 */
import type { Effective } from "../../lib/contract/effective.ts";
import type { ComponentActivity } from "../../lib/contract/v1.ts";

/** Windows whose mean may add instances: a minute's. */
const UP_WINDOWS = 3;
/**
 * Instances that a look may add where doubling would add fewer. The bound keeps what one misread
 * second starts small; the next look, a second later, adds again.
 */
const SURGE = 4;

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

/** Work that waits outside, such as messages in a queue. */
export interface Backlog {
  readonly waiting: number;
  /** How much of it one instance takes on; at least 1. */
  readonly perInstance: number;
}

/** A component's settings and load. */
export interface Load {
  readonly settings: Effective;
  readonly instances: readonly InstanceLoad[];
  /**
   * The count that was asked for before; undefined after a start of the daemon. A rollout or a move
   * runs more instances than that for a while, a crash fewer: neither says what is needed.
   */
  readonly target: number | undefined;
  /**
   * Latest use of instances that are stopping, in milliseconds since 1970: a component of which the
   * last one is being replaced has not fallen idle.
   */
  readonly leftUseMs?: number;
  /** Requests that wait for an instance. */
  readonly queued: number;
  /** Requests in progress and waiting, the lowest seen over the last second. */
  readonly sustained: number;
  /** Requests in progress and waiting, the highest seen over the last minute. */
  readonly peak: number;
  readonly backlog?: Backlog;
}

/** Instances that `load` asks for at `nowMs` (milliseconds since 1970). */
export function desiredCount(load: Load, nowMs: number): number {
  const { settings, instances, target = instances.length } = load;
  const floor = Math.max(settings.minInstances, isInUse(load, nowMs) ? 1 : 0);
  if (floor === 0) return 0;
  // Requests that queue up behind a first start say nothing of how many are needed once it serves.
  const serves = instances.some(({ status }) => status === "active");
  const wanted = serves && target > 0
    ? Math.max(steadyCount(load, target), burstCount(load, target))
    : target;
  return Math.max(floor, Math.min(wanted, settings.maxInstances));
}

/** Instances of `load` that idle ones of other components have to make room for. */
export function firmCount({ settings, queued, backlog }: Load): number {
  return Math.max(settings.minInstances, queued + (backlog?.waiting ?? 0) > 0 ? 1 : 0);
}

/** Whether the component has work or had some within its idle timeout. */
function isInUse(load: Load, nowMs: number): boolean {
  const { settings, instances, queued, backlog, leftUseMs = -Infinity } = load;
  if (queued > 0 || (backlog?.waiting ?? 0) > 0) return true;
  if (nowMs - leftUseMs <= settings.idleTimeoutMs) return true;
  // What starts was asked for; its idle time begins when it serves.
  return instances.some(({ status, inFlight, lastRequestMs, sinceMs }) =>
    status === "starting" || inFlight > 0 ||
    nowMs - Math.max(lastRequestMs, sinceMs) <= settings.idleTimeoutMs
  );
}

/** What a lasting overload needs. Instances that are being started count as capacity. */
function burstCount({ settings, sustained, backlog }: Load, target: number): number {
  const { maxConcurrency, scaleUpConcurrencyPct: up } = settings;
  const forRequests = Math.ceil(sustained / (maxConcurrency * up));
  const forBacklog = backlog ? Math.ceil(backlog.waiting / backlog.perInstance) : 0;
  return Math.min(Math.max(forRequests, forBacklog), Math.max(target * 2, target + SURGE));
}

/** The count that the activity windows ask for. */
function steadyCount({ settings, instances, peak }: Load, target: number): number {
  const { maxConcurrency, scaleUpConcurrencyPct: up, scaleDownConcurrencyPct: down } = settings;
  const capacity = target * maxConcurrency;
  const totals = windowTotals(instances);
  const lately = totals.slice(0, UP_WINDOWS);
  const mean = lately.reduce((sum, total) => sum + total, 0) / Math.max(1, lately.length);
  if (mean / capacity > up) return Math.ceil(mean / (maxConcurrency * up));
  // An instance that starts, or has no full window yet, has not shown that it is too many.
  const settled = instances.length === target &&
    instances.every(({ status, activity }) => status === "active" && activity.length > 0);
  const most = Math.max(peak, ...totals);
  if (settled && most / capacity < down) {
    return Math.max(1, Math.ceil(most / (maxConcurrency * up)));
  }
  return target;
}

/**
 * Concurrency of all instances together in each window, newest first. Summed by window and not by
 * instance: load that moved to a new instance is then counted once.
 */
function windowTotals(instances: readonly InstanceLoad[]): number[] {
  const totals: number[] = [];
  for (const { activity } of instances) {
    for (const [age, { concurrency }] of activity.entries()) {
      totals[age] = (totals[age] ?? 0) + concurrency;
    }
  }
  return totals;
}
