import assert from "node:assert/strict";
import { type FieldSchedule, parseSchedule } from "../../../lib/cron/schedule.ts";

/** The schedule of `text`, which must be right. */
function read(text: string, timezone = ""): FieldSchedule {
  const parsed = parseSchedule(text, timezone);
  assert.ok("schedule" in parsed && parsed.schedule.kind === "fields", JSON.stringify(parsed));
  return parsed.schedule;
}

const range = (from: number, to: number, step = 1) =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step);

const understood: readonly { text: string; want: Partial<FieldSchedule> }[] = [
  { text: "5 6 */2 ? 3", want: { minutes: [5], hours: [6], daysOfMonth: range(1, 31, 2) } },
  { text: "5/10 * * * *", want: { minutes: range(5, 55, 10), seconds: [0] } },
  { text: "*/61 * * * *", want: { minutes: [0] } },
  { text: "10-20/5,59 * * * *", want: { minutes: [10, 15, 20, 59] } },
  { text: "0 0 * JAN-mar Sun,6", want: { months: [1, 2, 3], daysOfWeek: [0, 6] } },
  { text: "*/20 * * * * *", want: { seconds: [0, 20, 40], minutes: range(0, 59) } },
  { text: "@weekly", want: { daysOfWeek: [0], hours: [0], minutes: [0], eitherDay: false } },
  { text: "@MIDNIGHT", want: { hours: [0], minutes: [0] } },
  { text: "  TZ=Asia/Tokyo   0 3 * * *  ", want: { zone: "Asia/Tokyo", hours: [3] } },
  { text: "CRON_TZ=UTC @yearly", want: { zone: "UTC", months: [1], daysOfMonth: [1] } },
  // Source: the ancestor's day rule: a full star in a day field makes both match.
  { text: "0 0 13 * 5", want: { eitherDay: true } },
  { text: "0 0 13 * ?", want: { eitherDay: false } },
  { text: "0 0 */1 * 1", want: { eitherDay: false } },
  { text: "0 0 */2 * 1", want: { eitherDay: true } },
];

for (const { text, want } of understood) {
  Deno.test(`parseSchedule() reads ${JSON.stringify(text)}`, () => {
    const schedule = read(text);
    for (const [key, value] of Object.entries(want)) {
      assert.deepEqual(schedule[key as keyof FieldSchedule], value, key);
    }
  });
}

const faults: readonly { text: string; zone?: string; says: RegExp }[] = [
  { text: "", says: /^must be five fields like .*, six with seconds first, or a descriptor/ },
  { text: "TZ=UTC", says: /^must be five fields/ },
  { text: "* * * *", says: /^must be five fields/ },
  { text: "* * * * * * *", says: /^must be five fields/ },
  { text: "60 * * * *", says: /^minute must be 0 to 59, a range.*found "60"$/ },
  { text: "* 24 * * *", says: /^hour must be 0 to 23.*found "24"$/ },
  { text: "* * 0 * *", says: /^day of month must be 1 to 31.*found "0"$/ },
  { text: "* * * 13 *", says: /^month must be 1 to 12 or jan to dec.*found "13"$/ },
  { text: "* * * * 7", says: /^day of week must be 0 to 6 or sun to sat.*found "7"$/ },
  { text: "60 * * * * *", says: /^second must be 0 to 59.*found "60"$/ },
  { text: "1,,2 * * * *", says: /^minute must be .*found ""$/ },
  { text: "-5 * * * *", says: /^minute must be .*found "-5"$/ },
  { text: "* * L * *", says: /^day of month must be .*found "L"$/ },
  { text: "* * * * 5#2", says: /^day of week must be .*found "5#2"$/ },
  { text: "*/0 * * * *", says: /^minute must have a step of 1 or more, found "\*\/0"$/ },
  { text: "9-5 * * * *", says: /^minute must not end before it begins, found "9-5"$/ },
  { text: "0 0 30 2 *", says: /^never comes: no such month has a day 30$/ },
  { text: "0 0 31 4,6 *", says: /^never comes: no such month has a day 31$/ },
  { text: "@fortnightly", says: /^descriptor must be one of @yearly.*found "@fortnightly"$/ },
  { text: "@every", says: /^@every must be followed by 1s to ten years.*found ""$/ },
  { text: "@every 900ms", says: /^@every must be followed by 1s/ },
  { text: "@every soon", says: /found "soon"$/ },
  { text: "TZ=Mars/One 0 3 * * *", says: /^zone must be an IANA zone.*found "Mars\/One"$/ },
  { text: "TZ= 0 3 * * *", says: /^zone must be an IANA zone.*found ""$/ },
  { text: "0 3 * * *", zone: "Local", says: /^must be an IANA zone.*found "Local"$/ },
  { text: "TZ=UTC 0 3 * * *", zone: "Asia/Tokyo", says: /names the zone "UTC", but timezone is/ },
];

for (const { text, zone, says } of faults) {
  Deno.test(`parseSchedule() refuses ${JSON.stringify(text)} in ${zone ?? "no zone"}`, () => {
    const parsed = parseSchedule(text, zone);
    assert.ok("fault" in parsed);
    assert.match(parsed.fault, says);
    assert.equal(parsed.setting, zone === "Local" ? "timezone" : "schedule");
  });
}

Deno.test("parseSchedule() reads lengths of time, without what is below a second", () => {
  const lengths = { "1h30m": 5400_000, "90s": 90_000, "1500ms": 1000, "0.5h": 1800_000 };
  for (const [text, everyMs] of Object.entries(lengths)) {
    assert.deepEqual(parseSchedule(`@every ${text}`), { schedule: { kind: "every", everyMs } });
  }
});
