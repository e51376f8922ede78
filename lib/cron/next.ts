/**
 * When a schedule is due next. Owns what becomes of times that a zone's clock skips or shows twice;
 * the moment to look from is an argument. Pure, but for remembering what a zone was found to be.
 *
 * - A time that the clock skips is due as if it had not been set forward: 02:30 becomes 03:30.
 * - A time that the clock shows twice is due the first time, unless the schedule is for every hour:
 *   then both, since an hour has passed in between.
 *
 * Source: RFC 5545 §3.3.5, for both; cron(8) of Debian, for the exception.
 * @module
 */
import type { FieldSchedule, Schedule } from "./schedule.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** The 29th of February may be eight years away. */
const SEARCH_MS = 9 * 366 * DAY;
const ZONES_KEPT_MAX = 1000;

/** The first moment after `afterMs` at which `schedule` is due; undefined when it never is. */
export function next(schedule: Schedule, afterMs: number): number | undefined {
  if (schedule.kind === "every") {
    const { everyMs } = schedule;
    return (Math.floor(afterMs / everyMs) + 1) * everyMs;
  }
  let fromMs = (Math.floor(afterMs / SECOND) + 1) * SECOND;
  const limitMs = fromMs + SEARCH_MS;
  while (fromMs < limitMs) {
    const span = spanAt(schedule.zone, fromMs);
    const dueMs = nextInSpan(schedule, span, fromMs, Math.min(span.endMs, limitMs));
    if (dueMs !== undefined) return dueMs;
    fromMs = span.endMs;
  }
  return undefined;
}

/** The first `count` moments after `afterMs`. */
export function upcoming(schedule: Schedule, afterMs: number, count: number): number[] {
  const dues: number[] = [];
  for (let due = next(schedule, afterMs); due !== undefined; due = next(schedule, due)) {
    dues.push(due);
    if (dues.length >= count) break;
  }
  return dues;
}

/** A time during which the clock of a zone is not set. */
interface Span {
  readonly startMs: number;
  /** Infinity when the clock is never set again. */
  readonly endMs: number;
  /** What the clock is ahead of UTC. */
  readonly offsetMs: number;
  /** What it was ahead before. */
  readonly beforeMs: number;
}

function nextInSpan(
  schedule: FieldSchedule,
  { startMs, offsetMs, beforeMs }: Span,
  fromMs: number,
  endMs: number,
): number | undefined {
  const seek = (offset: number, from: number, end: number): number | undefined => {
    const wallMs = nextWall(schedule, from + offset, end + offset);
    return wallMs === undefined ? undefined : wallMs - offset;
  };
  const forwardMs = offsetMs - beforeMs;
  if (forwardMs < 0 && schedule.hours.length < 24) {
    // What the clock shows again was due when it showed it first.
    return seek(offsetMs, Math.max(fromMs, startMs - forwardMs), endMs);
  }
  const dueMs = seek(offsetMs, fromMs, endMs);
  // What the clock skipped is due when it would have come.
  const skippedMs = forwardMs > 0
    ? seek(beforeMs, fromMs, Math.min(endMs, startMs + forwardMs))
    : undefined;
  return skippedMs === undefined || (dueMs !== undefined && dueMs < skippedMs) ? dueMs : skippedMs;
}

/** The first wall time in `[fromMs, endMs)` that `schedule` means, both as if the wall were in UTC. */
function nextWall(schedule: FieldSchedule, fromMs: number, endMs: number): number | undefined {
  for (let dayMs = Math.floor(fromMs / DAY) * DAY; dayMs < endMs; dayMs += DAY) {
    if (!isDay(schedule, dayMs)) continue;
    const timeMs = nextTime(schedule, fromMs - dayMs);
    if (timeMs !== undefined) return dayMs + timeMs < endMs ? dayMs + timeMs : undefined;
  }
  return undefined;
}

function isDay(schedule: FieldSchedule, dayMs: number): boolean {
  const date = new Date(dayMs);
  if (!schedule.months.includes(date.getUTCMonth() + 1)) return false;
  const ofMonth = schedule.daysOfMonth.includes(date.getUTCDate());
  const ofWeek = schedule.daysOfWeek.includes(date.getUTCDay());
  return schedule.eitherDay ? ofMonth || ofWeek : ofMonth && ofWeek;
}

/** The first time of a day at or after `fromMs`, both since midnight. */
function nextTime({ hours, minutes, seconds }: FieldSchedule, fromMs: number): number | undefined {
  for (const hour of hours) {
    if ((hour + 1) * HOUR <= fromMs) continue;
    for (const minute of minutes) {
      if (hour * HOUR + (minute + 1) * MINUTE <= fromMs) continue;
      const second = seconds.find((second) =>
        hour * HOUR + minute * MINUTE + second * SECOND >= fromMs
      );
      if (second !== undefined) return hour * HOUR + minute * MINUTE + second * SECOND;
    }
  }
  return undefined;
}

/** Looking a span up takes 20 µs, and most questions are about the last one of their zone. */
const lastSpans = new Map<string, Span>();

function spanAt(zone: string, ms: number): Span {
  const last = lastSpans.get(zone);
  if (last && ms >= last.startMs && ms < last.endMs) return last;
  const at = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone);
  // "previous" means before, and the moment itself may be one at which the clock is set.
  const start = at.add({ milliseconds: 1 }).getTimeZoneTransition("previous");
  const end = at.getTimeZoneTransition("next");
  const span = {
    startMs: start?.epochMilliseconds ?? -Infinity,
    endMs: end?.epochMilliseconds ?? Infinity,
    offsetMs: at.offsetNanoseconds / 1e6,
    beforeMs: (start?.subtract({ milliseconds: 1 }) ?? at).offsetNanoseconds / 1e6,
  };
  if (lastSpans.size >= ZONES_KEPT_MAX) lastSpans.clear();
  lastSpans.set(zone, span);
  return span;
}
