import assert from "node:assert/strict";
import { join } from "node:path";
import { loadSettings } from "../../daemon/config.ts";
import { PROJECT_DIR } from "../../packaging/project.ts";
import { run, testFolder } from "./made.ts";

const UNIT = join(PROJECT_DIR, "packaging/maelstrom.service");
const ENV = join(PROJECT_DIR, "packaging/maelstrom.env");

const hasSystemd = await run("systemd-analyze", ["--version"]).then(
  ({ code }) => code === 0,
  () => false,
);
const why = hasSystemd ? "" : " (skipped: there is no systemd-analyze)";

Deno.test({
  name: `maelstrom.service is a unit that systemd understands${why}`,
  ignore: !hasSystemd,
  fn: async () => {
    await using folder = await testFolder();
    const path = join(folder.path, "maelstrom.service");
    const unit = await Deno.readTextFile(UNIT);
    assert.match(unit, /^ExecStart=\/usr\/local\/bin\/maelstrom daemon$/m);
    // systemd wants the program to be there; it is installed after the unit was checked.
    await Deno.writeTextFile(path, unit.replace("/usr/local/bin/maelstrom", "/bin/true"));
    const verified = await run("systemd-analyze", ["verify", path]);
    const about = verified.stderr.split("\n").filter((line) => line.includes("maelstrom"));
    assert.deepEqual(about, []);
    assert.equal(verified.code, 0, verified.stderr);
    // In tenths of systemd's 0 (closed) to 10 (open).
    const secure = await run("systemd-analyze", [
      "security",
      "--offline=1",
      "--threshold=25",
      path,
    ]);
    assert.equal(secure.code, 0, secure.stdout);
  },
});

Deno.test("maelstrom.service waits longer than the daemon takes to stop", async () => {
  const unit = await Deno.readTextFile(UNIT);
  const { drainSeconds, shutdownPauseSeconds } =
    loadSettings({ args: [], env: {}, readFile: () => "" }).settings;
  const limitSeconds = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]);
  assert.ok(limitSeconds >= drainSeconds + shutdownPauseSeconds + 15, `${limitSeconds} s`);
});

Deno.test("maelstrom.env sets nothing as it is, and shows settings that the daemon takes", async () => {
  const text = await Deno.readTextFile(ENV);
  assert.doesNotMatch(text, /^[^#\n]/m);
  const shown = text.replaceAll(/^#(?=[A-Z_]+=)/gm, "");
  const { warnings } = loadSettings({ args: ["-f", ENV], env: {}, readFile: () => shown });
  assert.deepEqual(warnings, []);
});
