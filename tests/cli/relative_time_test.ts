import assert from "node:assert/strict";
import { relativeTime } from "../../cli/relative_time.ts";

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;
const cases: [number, string][] = [
  [0, "now"],
  [999, "now"],
  [SECOND, "1 second ago"],
  [59 * SECOND, "59 seconds ago"],
  [60 * SECOND, "1 minute ago"],
  [HOUR - 1, "59 minutes ago"],
  [HOUR, "1 hour ago"],
  [DAY, "1 day ago"],
  [13 * DAY, "1 week ago"],
  [31 * DAY, "1 month ago"],
  [800 * DAY, "2 years ago"],
  [-3 * SECOND, "3 seconds from now"],
];
for (const [agoMs, want] of cases) {
  Deno.test(`relativeTime() says ${want} for ${agoMs} ms`, () => {
    assert.equal(relativeTime(1e12 - agoMs, 1e12), want);
  });
}
