import assert from "node:assert/strict";
import { parseLength, parseSince } from "../../../lib/contract/since.ts";

const NOW_MS = Date.UTC(2024, 4, 1, 12);
const MINUTE = 60_000;

const cases: readonly [text: string, want: number | undefined][] = [
  ["10m", NOW_MS - 10 * MINUTE],
  ["1h30m", NOW_MS - 90 * MINUTE],
  ["1.5h", NOW_MS - 90 * MINUTE],
  ["2d", NOW_MS - 2 * 24 * 60 * MINUTE],
  ["250ms", NOW_MS - 250],
  ["0s", NOW_MS],
  ["99999d", 0],
  ["2024-05-01T11:00:00Z", NOW_MS - 60 * MINUTE],
  ["2024-05-01T11:00:00.250Z", NOW_MS - 60 * MINUTE + 250],
  ["2024-05-01 13:00+02:00", NOW_MS - 60 * MINUTE],
  ["2024-05-01Z", NOW_MS - 12 * 60 * MINUTE],
  ["2024-05-01", new Date(2024, 4, 1).getTime()],
  ["2024-05-01T11:00", new Date(2024, 4, 1, 11).getTime()],
  ["1714561200", NOW_MS - 60 * MINUTE],
  ["1714561200.5", NOW_MS - 60 * MINUTE + 500],
  ["", undefined],
  ["10", 10_000],
  ["10x", undefined],
  ["m", undefined],
  ["-10m", undefined],
  ["10m 5s", undefined],
  ["yesterday", undefined],
  ["2024-13-01", undefined],
  ["2024-05-01T25:00", undefined],
];
for (const [text, want] of cases) {
  Deno.test(`parseSince() reads "${text}" as ${want}`, () => {
    assert.equal(parseSince(text, NOW_MS), want);
  });
}

Deno.test("parseLength() takes lengths of time and nothing else", () => {
  assert.equal(parseLength("1h30m"), 5400_000);
  assert.equal(parseLength("90d"), 90 * 24 * 3600_000);
  for (const text of ["", "90", "2024-05-01", "1y", "-1d"]) {
    assert.equal(parseLength(text), undefined);
  }
});
