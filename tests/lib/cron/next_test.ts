import assert from "node:assert/strict";
import { Cron } from "croner";
import fc from "fast-check";
import { next, upcoming } from "../../../lib/cron/next.ts";
import { type FieldSchedule, parseSchedule, type Schedule } from "../../../lib/cron/schedule.ts";

const HOUR = 3600_000;
const DAY = 24 * HOUR;
/** Where clocks are set by an hour, half an hour, two hours, at midnight, southward, or never. */
const ZONES = [
  "Europe/Berlin",
  "America/New_York",
  "America/St_Johns",
  "Australia/Lord_Howe",
  "Antarctica/Troll",
  "Africa/Cairo",
  "America/Santiago",
  "Pacific/Chatham",
  "Africa/Casablanca",
  "Asia/Kolkata",
] as const;
const FROM_MS = Date.UTC(2026, 0, 1);
const TO_MS = Date.UTC(2036, 0, 1);

function scheduleOf(text: string, zone = "UTC"): Schedule {
  const parsed = parseSchedule(text, zone);
  assert.ok("schedule" in parsed, JSON.stringify(parsed));
  return parsed.schedule;
}

const at = (text: string) => Date.parse(text);
const iso = (dues: readonly number[]) => dues.map((due) => new Date(due).toISOString());

/** Moments at which the clock of `zone` is set, in ten years. */
function transitions(zone: string): number[] {
  const found: number[] = [];
  let time = Temporal.Instant.fromEpochMilliseconds(FROM_MS).toZonedDateTimeISO(zone);
  for (;;) {
    const set = time.getTimeZoneTransition("next");
    if (!set || set.epochMilliseconds >= TO_MS) return found;
    found.push(set.epochMilliseconds);
    time = set;
  }
}

/**
 * What `schedule` means in `[fromMs, toMs)`, worked out the other way round: each time on the wall
 * is made into a moment, as RFC 5545 has it, which Temporal calls "compatible".
 */
function byWall(schedule: FieldSchedule, fromMs: number, toMs: number, stepMs: number): number[] {
  const dues = new Set<number>();
  for (let wall = fromMs - DAY; wall < toMs + DAY; wall += stepMs) {
    const date = new Date(wall);
    const days = [
      schedule.daysOfMonth.includes(date.getUTCDate()),
      schedule.daysOfWeek.includes(date.getUTCDay()),
    ];
    const isDay = schedule.eitherDay ? days.includes(true) : !days.includes(false);
    const matches = isDay && schedule.months.includes(date.getUTCMonth() + 1) &&
      schedule.hours.includes(date.getUTCHours()) &&
      schedule.minutes.includes(date.getUTCMinutes()) &&
      schedule.seconds.includes(date.getUTCSeconds());
    if (!matches) continue;
    const plain = Temporal.PlainDateTime.from(date.toISOString().slice(0, -1));
    const zoned = (disambiguation: "compatible" | "later") =>
      plain.toZonedDateTime(schedule.zone, { disambiguation }).epochMilliseconds;
    dues.add(zoned("compatible"));
    if (schedule.hours.length === 24) dues.add(zoned("later"));
  }
  return [...dues].filter((due) => due > fromMs && due < toMs).sort((a, b) => a - b);
}

function allBetween(schedule: Schedule, fromMs: number, toMs: number): number[] {
  const dues: number[] = [];
  for (let due = next(schedule, fromMs); due !== undefined && due < toMs;) {
    dues.push(due);
    due = next(schedule, due);
  }
  return dues;
}

const TEXTS = [
  "* * * * *",
  "*/30 * * * *",
  "17 * * * *",
  "30 2 * * *",
  "0,15,45 0-3 * * *",
  "*/10 1-2 * * *",
  "0 0 * * *",
  "30 23 * * sun",
  "59 */2 1-7 * 0",
];

for (const zone of ZONES) {
  Deno.test(`next() starts each time once around every change of the clock in ${zone}`, () => {
    const moments = transitions(zone);
    assert.ok(moments.length > 0 || zone === "Asia/Kolkata");
    for (const moment of moments.length > 0 ? moments : [FROM_MS]) {
      for (const text of TEXTS) {
        const schedule = scheduleOf(text, zone) as FieldSchedule;
        const [fromMs, toMs] = [moment - 6 * HOUR, moment + 6 * HOUR];
        const want = byWall(schedule, fromMs, toMs, 60_000);
        const said = `${text} around ${new Date(moment).toISOString()}`;
        assert.deepEqual(iso(allBetween(schedule, fromMs, toMs)), iso(want), said);
      }
    }
  });

  Deno.test(`next() is due on every day of ten years in ${zone}`, () => {
    for (const text of ["30 2 * * *", "0 0 * * *", "45 1 * * *"]) {
      const dues = allBetween(scheduleOf(text, zone), FROM_MS, TO_MS);
      const days = dues.map((due) =>
        Temporal.Instant.fromEpochMilliseconds(due).toZonedDateTimeISO(zone).toPlainDate()
          .toString()
      );
      assert.equal(new Set(days).size, days.length, "no day has two");
      assert.ok(Math.abs(days.length - (TO_MS - FROM_MS) / DAY) <= 1, `${days.length} days`);
    }
  });
}

Deno.test("next() lets no half hour out when the hour comes twice", () => {
  const dues = upcoming(scheduleOf("*/30 * * * *", "Europe/Berlin"), at("2026-10-25T00:00Z"), 4);
  assert.deepEqual(iso(dues).map((due) => due.slice(11, 16)), ["00:30", "01:00", "01:30", "02:00"]);
});

Deno.test("next() makes up for a time that the clock skips, and does not repeat one", () => {
  const schedule = scheduleOf("30 2 * * *", "Europe/Berlin");
  const [skipped, after] = upcoming(schedule, at("2027-03-27T12:00Z"), 2);
  assert.deepEqual(iso([skipped!, after!]), [
    "2027-03-28T01:30:00.000Z",
    "2027-03-29T00:30:00.000Z",
  ]);
  const [first, second] = upcoming(schedule, at("2026-10-24T12:00Z"), 2);
  assert.deepEqual(iso([first!, second!]), [
    "2026-10-25T00:30:00.000Z",
    "2026-10-26T01:30:00.000Z",
  ]);
});

Deno.test("next() counts @every from 1970, wherever it looks from", () => {
  const schedule = scheduleOf("@every 90s");
  assert.deepEqual(upcoming(schedule, 0, 3), [90_000, 180_000, 270_000]);
  assert.equal(next(schedule, 89_999), 90_000);
});

Deno.test("next() finds a day that is eight years away", () => {
  const schedule = scheduleOf("0 0 29 2 *");
  assert.equal(next(schedule, at("2096-03-01T00:00Z")), at("2104-02-29T00:00Z"));
});

const field = (min: number, max: number) =>
  fc.oneof(
    fc.constant("*"),
    fc.integer({ min, max }).map(String),
    fc.integer({ min: 1, max: Math.max(2, max - min) }).map((step) => `*/${step}`),
    fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }))
      .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
    fc.array(fc.integer({ min, max }), { minLength: 1, maxLength: 4 }).map((list) => list.join()),
  );

Deno.test("next() grows, and what lies between two of its times is none", () => {
  const texts = fc.tuple(field(0, 59), field(0, 59), field(0, 23), field(1, 28), field(1, 12));
  fc.assert(fc.property(
    texts,
    fc.constantFrom(...ZONES),
    fc.integer({ min: FROM_MS, max: TO_MS }),
    fc.double({ min: 0, max: 1, noNaN: true }),
    (fields, zone, fromMs, share) => {
      const schedule = scheduleOf(`${fields.join(" ")} *`, zone);
      const due = next(schedule, fromMs)!;
      assert.ok(due > fromMs && due % 1000 === 0);
      assert.equal(next(schedule, fromMs + Math.floor((due - 1 - fromMs) * share)), due);
    },
  ));
});

Deno.test("next() agrees with another library where that one knows the rules", () => {
  // It takes `*/1` and `?` for no stars, and has its own mind about changes of the clock.
  const texts = fc.tuple(field(0, 59), field(0, 59), field(0, 23), field(1, 28), field(1, 12));
  fc.assert(fc.property(
    texts.map((fields) => `${fields.join(" ")} *`).filter((text) => !/\/1 /.test(text)),
    fc.integer({ min: FROM_MS, max: TO_MS }),
    (text, fromMs) => {
      const schedule = scheduleOf(text);
      const witness = new Cron(text, { timezone: "UTC", mode: "6-part", sloppyRanges: true });
      const want = witness.nextRuns(5, new Date(fromMs)).map((date) => date.getTime());
      assert.deepEqual(iso(upcoming(schedule, fromMs, 5)), iso(want), text);
    },
  ));
});
