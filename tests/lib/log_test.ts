import assert from "node:assert/strict";
import { MaelstromError } from "../../lib/errors.ts";
import { createLog, type LogOptions } from "../../lib/log.ts";

function setUp(parts: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const now = () => new Date("2026-01-02T03:04:05.678Z");
  const write = (line: string) => lines.push(line);
  return { lines, log: createLog({ level: "info", format: "text", write, now, ...parts }) };
}

Deno.test("createLog() writes text that can be read and split", () => {
  const { lines, log } = setUp();
  log.with({ node: "n1" }).info("ready", { port: 80, path: "/a b", list: [1], empty: "" });
  assert.deepEqual(lines, [
    '03:04:05.678 INFO  ready node=n1 port=80 path="/a b" list=[1] empty=""',
  ]);
});

Deno.test("createLog() writes one JSON object a line", () => {
  const { lines, log } = setUp({ format: "json" });
  log.warn("odd", { line: "a\nb" });
  assert.deepEqual(JSON.parse(lines[0]!), {
    time: "2026-01-02T03:04:05.678Z",
    level: "warn",
    message: "odd",
    line: "a\nb",
  });
});

Deno.test("createLog() drops lines below its level", () => {
  const { lines, log } = setUp({ level: "error" });
  log.debug("x");
  log.warn("x");
  assert.deepEqual(lines, []);
});

Deno.test("createLog() flattens an error, with its code or where it came from", () => {
  const { lines, log } = setUp({ format: "json" });
  log.error("a", { error: new MaelstromError("not_found", "none") });
  log.error("b", { error: new TypeError("bug") });
  assert.equal(JSON.parse(lines[0]!).code, "not_found");
  assert.equal(JSON.parse(lines[0]!).stack, undefined);
  assert.match(JSON.parse(lines[1]!).stack, /log_test/);
});
