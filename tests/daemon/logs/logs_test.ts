import assert from "node:assert/strict";
import { Members } from "../../../daemon/cluster/members.ts";
import { Logs } from "../../../daemon/logs/logs.ts";
import type { LogRequest } from "../../../daemon/logs/log_request.ts";
import type { LogStream } from "../../../daemon/logs/log_stream.ts";
import type { LogEntry } from "../../../lib/contract/logs.ts";
import { MaelstromError } from "../../../lib/errors.ts";
import { silentLog } from "../../../lib/log.ts";
import { fact, ScriptedEngine } from "../../support/logs.ts";

const ALL: LogRequest = { globs: [], sinceMs: 0, follow: false, nodes: "all" };
const FOLLOW: LogRequest = { ...ALL, follow: true };

function parts({ bufferCharsMax = 100_000, stallMs = 60_000 } = {}) {
  const engine = new ScriptedEngine();
  const members = new Members();
  const context = { docker: engine, members, nodeId: "n1", log: silentLog, now: Date.now };
  return { engine, members, logs: new Logs({ ...context, bufferCharsMax, stallMs }) };
}

/** `component/instance: line`, and what else there is to tell. */
function shown(entry: LogEntry): string {
  const said = "line" in entry
    ? `${entry.stream} ${entry.line}`
    : "dropped" in entry
    ? `dropped ${entry.dropped}`
    : `notice ${entry.notice}`;
  return `${entry.component}/${entry.instance}: ${said}`;
}

/** The next `count` entries. */
async function next(stream: LogStream, count: number): Promise<string[]> {
  const got: string[] = [];
  while (got.length < count) {
    const entries = await stream.take(10_000);
    assert.ok(entries && entries.length > 0, `only ${got.length} of ${count} came: ${got}`);
    got.push(...entries.map(shown));
  }
  return got;
}

async function rest(stream: LogStream): Promise<string[]> {
  const got: string[] = [];
  for (let part = await stream.take(10_000); part; part = await stream.take(10_000)) {
    got.push(...part.map(shown));
  }
  return got;
}

Deno.test("Logs.open() says once why an instance cannot be read, and reads the others", async () => {
  const { engine, members, logs } = parts();
  engine.container("i1").break(
    new MaelstromError("engine_unavailable", "Cannot read: driver does not support reading", {
      status: 501,
    }),
  );
  engine.container("i2").write("hello");
  members.report(fact("i1", "shop"));
  members.report(fact("i2", "shop"));
  await using stream = logs.open(FOLLOW);
  const got = await next(stream, 2);
  assert.deepEqual(got.toSorted(), [
    "shop/i1: notice Cannot read: driver does not support reading",
    "shop/i2: stdout hello",
  ]);
});

Deno.test("Logs.open() goes on when the engine broke off, and says so", async () => {
  const { engine, members, logs } = parts();
  const container = engine.container("i1");
  container.write("before");
  members.report(fact("i1", "shop"));
  await using stream = logs.open(FOLLOW);
  assert.deepEqual(await next(stream, 1), ["shop/i1: stdout before"]);
  container.break(new MaelstromError("engine_unavailable", "Cannot reach Docker"));
  container.write("after");
  assert.deepEqual(await next(stream, 2), [
    "shop/i1: notice Cannot reach Docker; lines may be missing",
    "shop/i1: stdout after",
  ]);
  assert.ok(engine.asked[1]!.sinceMs! > 0, "it asks for what came since");
});

Deno.test("Logs.open() refuses more than 64 streams, and any when it is stopping", async () => {
  const { members, logs } = parts();
  members.report(fact("i1", "shop"));
  const streams = Array.from({ length: 64 }, () => logs.open(FOLLOW));
  assert.throws(() => logs.open(FOLLOW), { code: "queue_full" });
  await streams[0]![Symbol.asyncDispose]();
  logs.open(FOLLOW);
  await logs[Symbol.asyncDispose]();
  assert.equal(logs.size, 0);
  assert.throws(() => logs.open(FOLLOW), { code: "stopping" });
});

Deno.test("Logs.open() gives what is there and ends, without follow", async () => {
  const { engine, members, logs } = parts();
  engine.container("i1").write("a");
  engine.container("i1").write("b", "stderr");
  engine.container("i2").write("c");
  for (const [id, component] of [["i1", "shop"], ["i2", "blog"], ["i3", "shop"]] as const) {
    members.report(fact(id, component));
  }
  await using stream = logs.open({ ...ALL, sinceMs: 123 });
  const got = await rest(stream);
  assert.deepEqual(got.toSorted(), ["blog/i2: stdout c", "shop/i1: stderr b", "shop/i1: stdout a"]);
  assert.equal(engine.asked[0]?.sinceMs, 123);
});

Deno.test("Logs.open() waits for a slow reader of what is there, and loses nothing", async () => {
  const { engine, members, logs } = parts({ bufferCharsMax: 500, stallMs: 0 });
  for (let i = 0; i < 1000; i++) engine.container("i1").write(String(i));
  members.report(fact("i1", "shop"));
  await using stream = logs.open(ALL);
  assert.equal((await rest(stream)).length, 1000);
});

Deno.test("Logs.open() tells a reader that stopped how many lines it missed", async () => {
  const { engine, members, logs } = parts({ bufferCharsMax: 500, stallMs: 0 });
  const container = engine.container("i1");
  for (let i = 0; i < 1000; i++) container.write("x");
  members.report(fact("i1", "shop"));
  await using stream = logs.open(FOLLOW);
  // The engine's stream is read to its end although nobody takes anything.
  while (engine.open === 0 || engine.asked.length === 0) await Promise.resolve();
  container.end();
  while (engine.open > 0) await new Promise((resolve) => setTimeout(resolve, 0));
  const got = await next(stream, 6);
  assert.equal(got.filter((entry) => entry.endsWith("stdout x")).length, 5);
  assert.equal(got.at(-1), "shop/i1: dropped 995");
});

Deno.test("Logs.open() chooses components by globs", async () => {
  const { engine, members, logs } = parts();
  for (const name of ["shop", "blog-web", "blog-api"]) {
    engine.container(name).write("x");
    members.report(fact(name, name));
  }
  await using stream = logs.open({ ...ALL, globs: ["blog-*"] });
  assert.deepEqual((await rest(stream)).map((entry) => entry.split("/")[0]).toSorted(), [
    "blog-api",
    "blog-web",
  ]);
});

Deno.test("Logs.open() follows a new version, and the old one to its last line", async () => {
  const { engine, members, logs } = parts();
  const old = engine.container("i1");
  old.write("one");
  members.report(fact("i1", "shop"));
  await using stream = logs.open(FOLLOW);
  assert.deepEqual(await next(stream, 1), ["shop/i1: stdout one"]);
  members.report(fact("i2", "shop", 2));
  members.report({ ...fact("i1", "shop"), status: "stopping" });
  engine.container("i2").write("two");
  assert.deepEqual(await next(stream, 1), ["shop/i2: stdout two"]);
  members.forget("i1");
  old.write("last words");
  old.end();
  assert.deepEqual(await next(stream, 1), ["shop/i1: stdout last words"]);
});

Deno.test("Logs.open() waits for the container of an instance that is starting", async () => {
  const { engine, members, logs } = parts();
  await using stream = logs.open(FOLLOW);
  members.report({ ...fact("i1", "shop"), status: "starting" });
  while (engine.asked.length === 0) await Promise.resolve();
  engine.container("i1").write("first");
  assert.deepEqual(await next(stream, 1), ["shop/i1: stdout first"]);
});

Deno.test("Logs.open() leaves no stream open when its reader goes", async () => {
  const { engine, members, logs } = parts();
  for (let i = 0; i < 10; i++) {
    engine.container(`i${i}`).write("x");
    members.report(fact(`i${i}`, "shop"));
  }
  const stream = logs.open(FOLLOW);
  await next(stream, 10);
  assert.equal(engine.open, 10);
  const waiting = stream.take(60_000);
  await stream[Symbol.asyncDispose]();
  assert.equal(await waiting, undefined);
  assert.equal(engine.open, 0);
  members.report(fact("late", "shop"));
  assert.equal(engine.asked.length, 10);
});
