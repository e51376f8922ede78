import assert from "node:assert/strict";
import { Members } from "../../../daemon/cluster/members.ts";
import { LogEcho } from "../../../daemon/logs/log_echo.ts";
import { createLog } from "../../../lib/log.ts";
import { stored } from "../../support/builders.ts";
import { fact, ScriptedEngine } from "../../support/logs.ts";

function parts() {
  const engine = new ScriptedEngine();
  const members = new Members();
  const lines: Record<string, unknown>[] = [];
  const waiting = new Set<() => void>();
  const log = createLog({
    level: "info",
    format: "json",
    write: (line) => {
      lines.push(JSON.parse(line));
      for (const done of [...waiting]) done();
    },
  });
  const echo = new LogEcho({ docker: engine, members, nodeId: "n1", log, now: () => 0 });
  const said = async (count: number) => {
    while (lines.length < count) await new Promise<void>((resolve) => waiting.add(resolve));
    return lines.map(({ level, message, component, container, stream, line }) =>
      [level, message, component, container, stream, line].join(" ")
    );
  };
  return { engine, members, echo, said };
}

const LOUD = stored({ name: "loud", docker: { logDriver: "maelstrom" } });

Deno.test("LogEcho copies what instances write, also those to come, of the components that want it", async () => {
  const { engine, members, echo, said } = parts();
  await using _echo = echo;
  members.report(fact("i1", "loud"));
  members.report(fact("i2", "quiet"));
  echo.follow([LOUD, stored({ name: "quiet", docker: { logDriver: "local" } })]);
  engine.container("i2").write("nobody hears this");
  engine.container("i1").write("one");
  engine.container("i1").write("two", "stderr");
  assert.deepEqual(await said(2), [
    "info component says loud i1 stdout one",
    "info component says loud i1 stderr two",
  ]);
  engine.container("i3").write("three");
  members.report(fact("i3", "loud", 2));
  assert.equal((await said(3))[2], "info component says loud i3 stdout three");
});

Deno.test("LogEcho ends with the component, or when it wants it no longer", async () => {
  const { engine, members, echo, said } = parts();
  await using _echo = echo;
  members.report(fact("i1", "loud"));
  echo.follow([LOUD]);
  engine.container("i1").write("one");
  await said(1);
  echo.follow([]);
  await new Promise((resolve) => setTimeout(resolve, 10));
  engine.container("i1").write("two");
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal((await said(1)).length, 1);
});
