import assert from "node:assert/strict";
import { Freezer, untilIdle, type Use } from "../../../daemon/converger/freezer.ts";
import { DockerClient } from "../../../lib/docker/client.ts";
import { createLog } from "../../../lib/log.ts";
import { fakeEngine, fakeVersion } from "../../support/docker/fake_engine.ts";

const never = new AbortController().signal;
const IDLE_MS = 50;

/** Waits for an instance whose use a test changes. */
function setUp(isSpare = () => true) {
  const use = { inFlight: 0, lastMs: Date.now() };
  const end = new AbortController();
  const looks: Use[] = [];
  const idle = untilIdle({
    idleTimeoutMs: IDLE_MS,
    use() {
      looks.push({ ...use });
      return use;
    },
    isSpare,
    now: () => Date.now(),
  }, end.signal);
  return { use, end, looks, idle };
}

Deno.test("untilIdle() waits for the idle time to pass since the last use", async () => {
  const { use, idle } = setUp();
  const begun = use.lastMs;
  assert.equal(await idle, true);
  assert.ok(Date.now() - begun >= IDLE_MS);
});

Deno.test("untilIdle() goes on waiting when there was use meanwhile", async () => {
  const { use, idle } = setUp();
  setTimeout(() => use.lastMs = Date.now(), IDLE_MS / 2);
  assert.equal(await idle, true);
  assert.ok(Date.now() - use.lastMs >= IDLE_MS);
});

for (const hindrance of ["a request in progress", "being needed"]) {
  Deno.test(`untilIdle() is never true with ${hindrance}, and ends with its signal`, async () => {
    const { use, end, looks, idle } = setUp(() => hindrance === "a request in progress");
    if (hindrance === "a request in progress") use.inFlight = 1;
    const look = () => looks.length < 2 ? setTimeout(look, 5) : end.abort();
    look();
    assert.equal(await idle, false);
  });
}

async function engineThat(status: number, message: string) {
  const engine = await fakeEngine(async function* ({ target }) {
    const body = JSON.stringify(target.endsWith("/version") ? fakeVersion : { message });
    const head = target.endsWith("/version") ? 200 : status;
    yield `HTTP/1.1 ${head} X\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  });
  const warnings: string[] = [];
  const log = createLog({ level: "warn", format: "text", write: (line) => warnings.push(line) });
  const docker = new DockerClient({ host: engine.host });
  return { engine, docker, warnings, freezer: new Freezer(docker, log) };
}

Deno.test("Freezer.pause() tells once of an engine that cannot", async () => {
  const { engine, docker, warnings, freezer } = await engineThat(500, "no freezer");
  await using _engine = engine;
  using _docker = docker;
  for (const name of ["a", "b"]) assert.equal(await freezer.pause(name, never), false);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /cannot freeze, .*container=a .*no freezer/);
});

Deno.test("Freezer takes a container that is so already, and none that is gone", async () => {
  for (
    const { status, message, want } of [
      { status: 409, message: "Container a is already paused", want: true },
      { status: 404, message: "No such container: a", want: false },
    ]
  ) {
    const { engine, docker, warnings, freezer } = await engineThat(status, message);
    await using _engine = engine;
    using _docker = docker;
    assert.equal(await freezer.pause("a", never), want);
    assert.deepEqual(warnings, []);
  }
});

Deno.test("Freezer.unpause() is false when the container stays as it is", async () => {
  const { engine, docker, warnings, freezer } = await engineThat(500, "no way");
  await using _engine = engine;
  using _docker = docker;
  assert.equal(await freezer.unpause("a", never), false);
  assert.equal(warnings.length, 1);
});
