import assert from "node:assert/strict";
import { parseCrontab } from "../../../lib/project/crontab.ts";

Deno.test("parseCrontab() reads schedules and paths, and says which lines it ignores", () => {
  const text = `
  # nightly
  1 2 * * *   /cron/one
  5   6 */2  ?  9   /cron/two?a=b

  @every 1h\t/cron/three\r
  /alone
  * * * * * nopath
  `;
  assert.deepEqual(parseCrontab(text), {
    entries: [
      { schedule: "1 2 * * *", path: "/cron/one", line: 3 },
      { schedule: "5 6 */2 ? 9", path: "/cron/two?a=b", line: 4 },
      { schedule: "@every 1h", path: "/cron/three", line: 6 },
    ],
    ignored: [7, 8],
  });
  assert.deepEqual(parseCrontab(""), { entries: [], ignored: [] });
});
