import assert from "node:assert/strict";
import { DockerClient } from "../../../lib/docker/client.ts";
import { isAbort } from "../../../lib/errors.ts";
import { failure } from "../../support/docker/failure.ts";
import { afterVersion, fakeEngine, jsonAnswer } from "../../support/docker/fake_engine.ts";
import { labelled } from "../../support/docker/labelled.ts";

const NOBODY = "0".repeat(64);
const UPGRADED = "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";

function evaluate(script: string): string[] {
  return ["/bin/deno", "eval", script];
}

Deno.test("DockerClient.exec() fails when there is nothing to run in", async () => {
  await using test = labelled();
  const options = { timeoutMs: 10_000, signal: test.signal };
  await assert.rejects(
    test.docker.exec(NOBODY, ["x"], options),
    failure("not_found", /^Cannot run "x" in container "000000000000": No such container/),
  );
  const id = await test.create();
  await assert.rejects(
    test.docker.exec(id, ["x"], options),
    failure("invalid", /is not running/, { status: 409 }),
  );
});

for (
  const { name, answer, want } of [
    {
      name: "breaks off before the 101",
      answer: ["HTTP/1.1 101 UPG"],
      want: /the engine broke off/,
    },
    { name: "refuses", answer: [jsonAnswer({ message: "no more" }, 500)], want: /: no more$/ },
    {
      name: "breaks off inside a frame",
      answer: [UPGRADED, "\x01\0\0"],
      want: /ends inside a frame/,
    },
    { name: "sends no frame", answer: [UPGRADED + "hello world"], want: /begins with the bytes/ },
    {
      name: "sends a head without end",
      answer: ["HTTP/1.1 101 X\r\nx: " + "y".repeat(70_000)],
      want: /Cannot run/,
    },
  ]
) {
  Deno.test(`DockerClient.exec() fails when the engine ${name}`, async () => {
    await using engine = await fakeEngine(afterVersion(async function* ({ target }) {
      if (target.endsWith("/start")) yield* answer;
      else yield jsonAnswer({ Id: "e1", ExitCode: 0 }, 201);
    }));
    using docker = new DockerClient({ host: engine.host });
    const signal = new AbortController().signal;
    await assert.rejects(
      docker.exec("c1", ["x"], { timeoutMs: 10_000, signal }),
      failure("engine_unavailable", want),
    );
  });
}

Deno.test("DockerClient.exec() ends when the time is up", async () => {
  await using test = labelled();
  const id = await test.run();
  await assert.rejects(
    test.docker.exec(id, evaluate("setInterval(() => {}, 1e6)"), {
      timeoutMs: 100,
      signal: test.signal,
    }),
    failure("timeout", /^Cannot run "\/bin\/deno" in container ".{12}": no end within 100 ms$/),
  );
});

Deno.test("DockerClient.exec() ends with its signal", async () => {
  await using test = labelled();
  const stop = new AbortController();
  const id = await test.run();
  const running = test.docker.exec(id, evaluate("setInterval(() => {}, 1e6)"), {
    timeoutMs: 60_000,
    signal: stop.signal,
  });
  for await (
    const { action } of test.docker.events({
      filters: { container: [id] },
      sinceMs: Date.now() - 60_000,
      signal: test.signal,
    })
  ) {
    if (action.startsWith("exec_start")) break;
  }
  stop.abort();
  await assert.rejects(running, isAbort);
});

Deno.test("DockerClient.exec() gives exit code and both outputs", async () => {
  await using test = labelled();
  const id = await test.run();
  const script = "console.log('out'); console.error('err'); Deno.exit(3)";
  assert.deepEqual(
    await test.docker.exec(id, evaluate(script), { timeoutMs: 10_000, signal: test.signal }),
    { exitCode: 3, stdout: "out\n", stderr: "err\n" },
  );
});

Deno.test("DockerClient.exec() tells when the command is not there", async () => {
  await using test = labelled();
  const id = await test.run();
  const result = await test.docker.exec(id, ["/no/such"], {
    timeoutMs: 10_000,
    signal: test.signal,
  })
    .then(({ exitCode }) => exitCode, (error: unknown) => error);
  assert.ok(result === 126 || result === 127, String(result));
});

Deno.test("DockerClient.exec() hands over the whole input, and its end", async () => {
  await using test = labelled();
  const id = await test.run();
  const script =
    "const t = await new Response(Deno.stdin.readable).text(); console.log(t.length, t.at(-1))";
  const stdin = "x".repeat(500_000) + "é";
  assert.deepEqual(
    await test.docker.exec(id, evaluate(script), { stdin, timeoutMs: 20_000, signal: test.signal }),
    { exitCode: 0, stdout: "500001 é\n", stderr: "" },
  );
});

Deno.test("DockerClient.exec() lets a command end without reading its input", async () => {
  await using test = labelled();
  const id = await test.run();
  const stdin = new Uint8Array(100 * 1024);
  const { exitCode } = await test.docker.exec(id, evaluate("Deno.exit(5)"), {
    stdin,
    timeoutMs: 20_000,
    signal: test.signal,
  });
  assert.equal(exitCode, 5);
});

Deno.test("DockerClient.exec() keeps the first MiB of a large output", async () => {
  await using test = labelled();
  const id = await test.run();
  const script = "for (let i = 0; i < 400; i++) console.log('abcdefg'.repeat(1000))";
  const { exitCode, stdout } = await test.docker.exec(id, evaluate(script), {
    timeoutMs: 20_000,
    signal: test.signal,
  });
  assert.deepEqual([exitCode, stdout.length], [0, 1024 * 1024]);
});
