/**
 * Schedules as people write them: five fields, six with seconds first, or a descriptor. Owns what
 * they may say and what is wrong with one; when they are due is `next.ts`. Pure.
 *
 * Source: the ancestor's rules (robfig/cron 3), and a field of seconds besides.
 * @module
 */
import { parseLength } from "../contract/since.ts";

/** A schedule that was understood. */
export type Schedule = FieldSchedule | EverySchedule;

/** Times on the clock of a zone; each list is in order and none is empty. */
export interface FieldSchedule {
  readonly kind: "fields";
  readonly seconds: readonly number[];
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly daysOfMonth: readonly number[];
  readonly months: readonly number[];
  /** 0 is Sunday. */
  readonly daysOfWeek: readonly number[];
  /** True: one of the two days has to match; false: both. */
  readonly eitherDay: boolean;
  /** An IANA zone. */
  readonly zone: string;
}

/** Multiples of a length of time since 1970, so that every node knows the same ones. */
export interface EverySchedule {
  readonly kind: "every";
  readonly everyMs: number;
}

/** What a text came to: a schedule, or what is wrong, to be read after the name of the setting. */
export type Parsed =
  | { readonly schedule: Schedule }
  | { readonly fault: string; readonly setting: "schedule" | "timezone" };

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Words for the numbers from `min` on. */
  readonly words: readonly string[];
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const MONTH_DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const FIELDS: readonly Field[] = [
  { name: "second", min: 0, max: 59, words: [] },
  { name: "minute", min: 0, max: 59, words: [] },
  { name: "hour", min: 0, max: 23, words: [] },
  { name: "day of month", min: 1, max: 31, words: [] },
  { name: "month", min: 1, max: 12, words: MONTHS },
  { name: "day of week", min: 0, max: 6, words: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
];
const DESCRIPTORS: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};
const FORMS =
  'five fields like "0 3 * * *", six with seconds first, or a descriptor like "@hourly"';
const EVERY_MS_MAX = 10 * 365 * 24 * 3600_000;
const UTC = "UTC";

/** Reads `text`; its times are in `timezone`, or in the zone it names itself, or else in UTC. */
export function parseSchedule(text: string, timezone = ""): Parsed {
  if (timezone !== "" && !isZone(timezone)) {
    return { setting: "timezone", fault: zoneFault(timezone) };
  }
  const [, named, given = ""] = /^(?:(?:CRON_)?TZ=(\S*)\s+)?(.*)$/s.exec(text.trim()) ?? [];
  const wrong = (fault: string): Parsed => ({ setting: "schedule", fault });
  if (named !== undefined && !isZone(named)) return wrong(`zone ${zoneFault(named)}`);
  if (named !== undefined && timezone !== "" && named !== timezone) {
    return wrong(`names the zone "${named}", but timezone is "${timezone}": leave one of them out`);
  }
  const zone = named ?? (timezone || UTC);
  if (/^@every(?:\s|$)/i.test(given)) return everyOf(given.slice("@every".length).trim());
  const fields = (DESCRIPTORS[given.toLowerCase()] ?? given).split(/\s+/);
  if (given.startsWith("@") && fields.length === 1) {
    const known = [...Object.keys(DESCRIPTORS), "@every 1h30m"].join(", ");
    return wrong(`descriptor must be one of ${known}, found "${given}"`);
  }
  if (fields.length !== 5 && fields.length !== 6) return wrong(`must be ${FORMS}`);
  return scheduleOf(fields.length === 5 ? ["0", ...fields] : fields, zone);
}

/** True when `zone` is one that this runtime knows. */
export function isZone(zone: string): boolean {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone);
    return true;
  } catch {
    return false;
  }
}

function zoneFault(found: string): string {
  return `must be an IANA zone like "Europe/Berlin", found "${found}"`;
}

function everyOf(text: string): Parsed {
  const lengthMs = Math.floor((parseLength(text) ?? 0) / 1000) * 1000;
  if (lengthMs >= 1000 && lengthMs <= EVERY_MS_MAX) {
    return { schedule: { kind: "every", everyMs: lengthMs } };
  }
  const fault = `@every must be followed by 1s to ten years, like "1h30m", found "${text}"`;
  return { setting: "schedule", fault };
}

function scheduleOf(texts: readonly string[], zone: string): Parsed {
  const sets: number[][] = [];
  const stars: boolean[] = [];
  for (const [i, text] of texts.entries()) {
    const read = fieldOf(text, FIELDS[i]!);
    if (typeof read === "string") return { setting: "schedule", fault: read };
    sets.push(read.values);
    stars.push(read.isStar);
  }
  const [seconds, minutes, hours, daysOfMonth, months, daysOfWeek] = sets as [
    number[],
    number[],
    number[],
    number[],
    number[],
    number[],
  ];
  const eitherDay = !stars[3] && !stars[5];
  if (!eitherDay && months.every((month) => MONTH_DAYS[month - 1]! < daysOfMonth[0]!)) {
    const fault = `never comes: no such month has a day ${daysOfMonth[0]}`;
    return { setting: "schedule", fault };
  }
  const days = { daysOfMonth, months, daysOfWeek, eitherDay };
  return { schedule: { kind: "fields", seconds, minutes, hours, ...days, zone } };
}

/** What a field allows, or what is wrong with it. */
function fieldOf(text: string, field: Field): { values: number[]; isStar: boolean } | string {
  const values = new Set<number>();
  let isStar = false;
  for (const part of text.split(",")) {
    const { groups } = /^(?:(?<star>[*?])|(?<from>\w+)(?:-(?<to>\w+))?)(?:\/(?<step>\d+))?$/
      .exec(part) ?? {};
    if (!groups) return faultOf(field, part);
    const step = Number(groups.step ?? 1);
    const from = groups.star ? field.min : numberOf(groups.from!, field);
    // A start with a step and no end goes on to the last.
    const isOpen = groups.star !== undefined || groups.step !== undefined;
    const to = groups.to !== undefined ? numberOf(groups.to, field) : isOpen ? field.max : from;
    if (from === undefined || to === undefined) return faultOf(field, part);
    if (from > to) return `${field.name} must not end before it begins, found "${part}"`;
    if (step === 0) return `${field.name} must have a step of 1 or more, found "${part}"`;
    if (groups.star && step === 1) isStar = true;
    for (let value = from; value <= to; value += step) values.add(value);
  }
  return { values: [...values].sort((a, b) => a - b), isStar };
}

function numberOf(text: string, { min, max, words }: Field): number | undefined {
  const word = words.indexOf(text.toLowerCase());
  const value = word >= 0 ? word + min : /^\d{1,4}$/.test(text) ? Number(text) : NaN;
  return value >= min && value <= max ? value : undefined;
}

function faultOf({ name, min, max, words }: Field, found: string): string {
  const named = words.length > 0 ? ` or ${words[0]} to ${words.at(-1)}` : "";
  return `${name} must be ${min} to ${max}${named}, a range, a step, a list or *, found "${found}"`;
}
