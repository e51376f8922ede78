/** Times as people say them. Pure. @module */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const UNITS = [
  { name: "year", ms: 365 * DAY },
  { name: "month", ms: 30 * DAY },
  { name: "week", ms: 7 * DAY },
  { name: "day", ms: DAY },
  { name: "hour", ms: HOUR },
  { name: "minute", ms: MINUTE },
  { name: "second", ms: SECOND },
] as const;

/** `timeMs` seen from `nowMs`, both in milliseconds since 1970: `3 minutes ago`, `now`. */
export function relativeTime(timeMs: number, nowMs: number): string {
  const distanceMs = Math.abs(nowMs - timeMs);
  const unit = UNITS.find(({ ms }) => distanceMs >= ms);
  if (!unit) return "now";
  const count = Math.floor(distanceMs / unit.ms);
  const direction = timeMs <= nowMs ? "ago" : "from now";
  return `${count} ${unit.name}${count === 1 ? "" : "s"} ${direction}`;
}
