/** What a cron event source's settings mean, with every default filled in. Pure. @module */
import type { CronEventSource } from "../contract/v1.ts";
import { parseSchedule, type Schedule } from "./schedule.ts";

/** What becomes of a due time while a run of its source goes on. */
export type Overlap = "allow" | "skip" | "queue" | "replace";

/** A cron event source, as its owner works with it. */
export interface CronRule {
  readonly schedule: Schedule;
  readonly overlap: Overlap;
  /** Most due times that are started late, newest first. */
  readonly lateMax: number;
  /** How long after each due time it is started. */
  readonly delayMs: number;
  /** Attempts after the first. */
  readonly retries: number;
  /** Wait before the second attempt. */
  readonly retryMs: number;
}

const RETRY_MS_MAX = 3600_000;

/**
 * The rule of the event source `name`.
 *
 * @throws {Error} the schedule cannot be read: it was put past the check
 */
export function ruleOf(name: string, cron: CronEventSource): CronRule {
  const parsed = parseSchedule(cron.schedule, cron.timezone);
  if (!("schedule" in parsed)) {
    throw new Error(`Cannot read schedule of "${name}": ${parsed.setting} ${parsed.fault}`);
  }
  const { missed = "latest" } = cron;
  return {
    schedule: parsed.schedule,
    overlap: cron.overlap ?? "skip",
    lateMax: missed === "skip" ? 0 : missed === "latest" ? 1 : cron.missedMax || 10,
    delayMs: delayOf(name, cron.jitterSeconds ?? 0),
    retries: cron.retries ?? 0,
    retryMs: (cron.retryDelaySeconds || 10) * 1000,
  };
}

/** The wait after attempt `attempt` failed: twice as long each time, an hour at most. */
export function retryDelayMs({ retryMs }: Pick<CronRule, "retryMs">, attempt: number): number {
  return Math.min(RETRY_MS_MAX, retryMs * 2 ** Math.min(attempt - 1, 20));
}

/**
 * The place of `name` within the jitter. The same on every node and after every restart, so that
 * due times keep their order and their distance.
 */
function delayOf(name: string, jitterSeconds: number): number {
  // Source: FNV-1a, 32 bits.
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return Math.floor((hash >>> 0) / 2 ** 32 * jitterSeconds * 1000);
}
