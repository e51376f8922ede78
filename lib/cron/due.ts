/**
 * What to do about the due times of one source that have come: start, queue or skip each, and why.
 * Every due time gets exactly one answer. Pure.
 * @module
 */
import { next } from "./next.ts";
import type { CronRule } from "./rule.ts";

/** A start that is later than this was missed; a change of owner takes less. */
export const ON_TIME_MS = 5000;
/** Runs of one source that may go on at once under `overlap: allow`. */
export const RUNNING_MAX = 100;
/** Due times of one source that may wait under `overlap: queue`. */
export const QUEUED_MAX = 100;
/** Why due times of a source that is switched off are skipped. */
export const SWITCHED_OFF = "switched off";
/** Due times that are decided at once; the rest comes right after. */
const DUES_MAX = 5000;

/** Where a source stands. Times are in milliseconds since 1970. */
export interface Situation {
  readonly enabled: boolean;
  /** Due times up to this one have been decided. */
  readonly afterMs: number;
  readonly nowMs: number;
  /** Runs that go on or wait for another attempt. */
  readonly running: number;
  /** Due times that wait for the runs before them. */
  readonly queued: number;
}

/** The answer for one due time, or for several that are skipped one after the other. */
export interface Decision {
  readonly kind: "start" | "queue" | "skip";
  readonly dueMs: number;
  /** The last one it is for; the same as `dueMs` unless it is for several. */
  readonly lastDueMs: number;
  readonly dueCount: number;
  /** Why it is skipped. */
  readonly reason: string;
}

/** What {@linkcode decide} came to. */
export interface Decided {
  readonly decisions: readonly Decision[];
  /** Due times up to this one are decided now. */
  readonly afterMs: number;
  /** When to decide again; undefined when the schedule has no further time. */
  readonly wakeMs: number | undefined;
}

/** Decides about every due time that has come since. */
export function decide(rule: CronRule, situation: Situation): Decided {
  const { enabled, nowMs } = situation;
  const { dues, wakeMs } = comeDue(rule, situation);
  const afterMs = dues.at(-1) ?? situation.afterMs;
  if (!enabled) return { decisions: skips(dues, SWITCHED_OFF), afterMs, wakeMs };
  const late = dues.filter((due) => nowMs - rule.delayMs - due > ON_TIME_MS);
  const missed = late.slice(0, Math.max(0, late.length - rule.lateMax));
  const decisions = skips(missed, "missed");
  for (const decision of overlapping(rule, situation, dues.slice(missed.length))) {
    const last = decisions.at(-1);
    if (decision.kind === "skip" && last?.kind === "skip" && last.reason === decision.reason) {
      const dueCount = last.dueCount + decision.dueCount;
      decisions[decisions.length - 1] = { ...last, lastDueMs: decision.dueMs, dueCount };
    } else decisions.push(decision);
  }
  return { decisions, afterMs, wakeMs };
}

function comeDue(rule: CronRule, { afterMs, nowMs }: Situation) {
  const { schedule, delayMs } = rule;
  const dues: number[] = [];
  let due = next(schedule, afterMs);
  while (due !== undefined && due + delayMs <= nowMs && dues.length < DUES_MAX) {
    dues.push(due);
    due = next(schedule, due);
  }
  return { dues, wakeMs: due === undefined ? undefined : due + delayMs };
}

/** One decision for `dues`, which are all skipped. */
function skips(dues: readonly number[], reason: string): Decision[] {
  const [dueMs] = dues;
  if (dueMs === undefined) return [];
  return [{ kind: "skip", dueMs, lastDueMs: dues.at(-1)!, dueCount: dues.length, reason }];
}

/** A decision for each of `dues`, as the source's overlap has it. */
function overlapping(rule: CronRule, situation: Situation, dues: readonly number[]): Decision[] {
  let { running, queued } = situation;
  return dues.map((dueMs, i): Decision => {
    const one = { dueMs, lastDueMs: dueMs, dueCount: 1 };
    const skip = (reason: string): Decision => ({ kind: "skip", ...one, reason });
    const isBusy = running + queued > 0;
    if (rule.overlap === "skip" && isBusy) return skip("the run before goes on");
    if (rule.overlap === "replace" && i < dues.length - 1) return skip("replaced by a later one");
    if (rule.overlap === "allow" && running >= RUNNING_MAX) return skip(`${running} runs go on`);
    if (rule.overlap === "queue" && isBusy) {
      if (queued >= QUEUED_MAX) return skip(`${queued} due times wait`);
      queued++;
      return { kind: "queue", ...one, reason: "" };
    }
    running++;
    return { kind: "start", ...one, reason: "" };
  });
}
