import assert from "node:assert/strict";
import { Listeners } from "../../../daemon/store/listeners.ts";
import { createLog } from "../../../lib/log.ts";

Deno.test("Listeners.call() logs one that throws and calls the others", () => {
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "text", write: (line) => lines.push(line) });
  const listeners = new Listeners(log);
  const called: string[] = [];
  listeners.add(() => {
    throw new Error("broken");
  });
  const twice = () => called.push("twice");
  const end = listeners.add(twice);
  listeners.add(twice);
  listeners.call();
  assert.deepEqual(called, ["twice", "twice"]);
  assert.match(lines.join("\n"), /listener failed .*broken/);
  end();
  end();
  listeners.call();
  assert.equal(called.length, 3);
  listeners.clear();
  listeners.call();
  assert.equal(called.length, 3);
});
