import assert from "node:assert/strict";
import { Tasks } from "../../../lib/async/tasks.ts";
import { createLog } from "../../../lib/log.ts";

function setUp() {
  const lines: string[] = [];
  const log = createLog({ level: "debug", format: "json", write: (line) => lines.push(line) });
  return { tasks: new Tasks(log), lines };
}

Deno.test("Tasks aborts and awaits what it started", async () => {
  const { tasks } = setUp();
  let ended = false;
  tasks.run("wait", async (signal) => {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    ended = true;
  });
  assert.deepEqual(tasks.names(), ["wait"]);
  await tasks[Symbol.asyncDispose]();
  assert.ok(ended);
  assert.deepEqual(tasks.names(), []);
});

Deno.test("Tasks logs a failure with the task's name, and no abort", async () => {
  const { tasks, lines } = setUp();
  tasks.run("fail", () => Promise.reject(new Error("broken")));
  tasks.run("abort", () => Promise.reject(new DOMException("stop", "AbortError")));
  await tasks[Symbol.asyncDispose]();
  assert.equal(lines.length, 1);
  const line = JSON.parse(lines[0]!);
  assert.equal(line.task, "fail");
  assert.equal(line.error, "broken");
});
