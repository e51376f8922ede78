import assert from "node:assert/strict";
import { DockerClient } from "../../../lib/docker/client.ts";
import { isAbort } from "../../../lib/errors.ts";
import { failure } from "../../support/docker/failure.ts";
import {
  afterVersion,
  chunk,
  fakeEngine,
  jsonAnswer,
  streamHead,
} from "../../support/docker/fake_engine.ts";
import { labelled } from "../../support/docker/labelled.ts";
import { witness } from "../../support/docker/witness.ts";

const NOBODY = "0".repeat(64);

/** A container that runs `script` and has ended. */
async function ended(test: ReturnType<typeof labelled>, script: string, Tty = false) {
  const id = await test.run({ Cmd: ["/bin/deno", "eval", script], Tty });
  await witness().getContainer(id).wait();
  return id;
}

Deno.test("DockerClient.containerLogs() fails when there is no such container", async () => {
  await using test = labelled();
  await assert.rejects(
    Array.fromAsync(test.docker.containerLogs(NOBODY, { signal: test.signal })),
    failure("not_found", /^Cannot read the output of container "000000000000"/),
  );
});

for (
  const { name, pieces, want } of [
    {
      name: "inside a frame",
      pieces: [chunk("\x01\0\0\0\0\0\0\x09half"), "0\r\n\r\n"],
      want: /ends inside a frame/,
    },
    {
      name: "in the middle of the answer",
      pieces: [chunk("\x01\0\0\0\0\0\0\x02a\n")],
      want: /closed the connection early/,
    },
    {
      name: "with bytes that are no frame",
      pieces: [chunk("GARBAGE BYTES")],
      want: /begins with the bytes 71 65/,
    },
  ]
) {
  Deno.test(`DockerClient.containerLogs() fails when the output breaks ${name}`, async () => {
    await using engine = await fakeEngine(afterVersion(async function* ({ target }) {
      if (target.includes("/logs")) {
        yield streamHead;
        yield* pieces;
      } else {
        yield jsonAnswer({
          Id: NOBODY,
          Name: "/x",
          Created: "",
          Image: "",
          Config: { Image: "", Tty: false },
          State: { Status: "running", StartedAt: "", FinishedAt: "" },
        });
      }
    }));
    using docker = new DockerClient({ host: engine.host });
    const signal = new AbortController().signal;
    await assert.rejects(
      Array.fromAsync(docker.containerLogs(NOBODY, { follow: true, signal })),
      failure("engine_unavailable", want),
    );
  });
}

Deno.test("DockerClient.containerLogs() believes the content type of newer engines", async () => {
  await using engine = await fakeEngine(async function* ({ target }) {
    if (target === "/version") return yield jsonAnswer({ ApiVersion: "1.44" });
    const type = target.includes("framed") ? "multiplexed" : "raw";
    yield `HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.${type}-stream\r\n` +
      `Connection: close\r\n\r\n${type === "raw" ? "plain\r\n" : "\x02\0\0\0\0\0\0\x04oh!\n"}`;
  });
  using docker = new DockerClient({ host: engine.host });
  const signal = new AbortController().signal;
  assert.deepEqual(
    await Array.fromAsync(docker.containerLogs("framed", { signal })),
    [{ stream: "stderr", line: "oh!" }],
  );
  assert.deepEqual(
    await Array.fromAsync(docker.containerLogs("terminal", { signal })),
    [{ stream: "stdout", line: "plain" }],
  );
  assert.equal(engine.seen.length, 3);
});

Deno.test("DockerClient.containerLogs() tells the two outputs apart", async () => {
  await using test = labelled();
  const id = await ended(test, "console.log('grüße 👋\\n\\nlast'); console.error('wrong')");
  const lines = await Array.fromAsync(test.docker.containerLogs(id, { signal: test.signal }));
  const of = (stream: string) =>
    lines.filter((one) => one.stream === stream).map(({ line }) => line);
  assert.deepEqual(of("stdout"), ["grüße 👋", "", "last"]);
  assert.deepEqual(of("stderr"), ["wrong"]);
});

Deno.test("DockerClient.containerLogs() reads the output of a terminal", async () => {
  await using test = labelled();
  const id = await ended(test, "console.log('one'); console.log('two')", true);
  const lines = await Array.fromAsync(test.docker.containerLogs(id, { signal: test.signal }));
  assert.deepEqual(lines.map(({ stream, line }) => [stream, line]), [
    ["stdout", "one"],
    ["stdout", "two"],
  ]);
  for (const { atMs } of lines) assert.ok(Math.abs(atMs! - Date.now()) < 60_000);
});

Deno.test("DockerClient.containerLogs() cuts a long line", async () => {
  await using test = labelled();
  const id = await ended(test, "console.log('x'.repeat(100_000)); console.log('next')");
  const lines = await Array.fromAsync(test.docker.containerLogs(id, { signal: test.signal }));
  assert.deepEqual(lines.map(({ line }) => line.length), [65_536, 34_464, 4]);
});

Deno.test("DockerClient.containerLogs() follows until the container stops", async () => {
  await using test = labelled();
  const id = await test.run();
  const lines: string[] = [];
  for await (
    const { line } of test.docker.containerLogs(id, { follow: true, signal: test.signal })
  ) {
    lines.push(line);
    if (lines.length === 1) {
      await test.docker.stopContainer(id, {
        graceSeconds: 30,
        signal: test.signal,
      });
    }
  }
  assert.deepEqual(lines, ["listening on 8080"]);
});

Deno.test("DockerClient.containerLogs() ends with its signal, also while nothing is written", async () => {
  await using test = labelled();
  const stop = new AbortController();
  const id = await test.run();
  await assert.rejects(async () => {
    for await (
      const _line of test.docker.containerLogs(id, { follow: true, signal: stop.signal })
    ) {
      setTimeout(() => stop.abort(), 0);
    }
  }, isAbort);
});

Deno.test("DockerClient.containerLogs() may be left in the middle", async () => {
  await using test = labelled();
  const id = await ended(test, "for (let i = 0; i < 20000; i++) console.log(i)");
  for await (const { line } of test.docker.containerLogs(id, { signal: test.signal })) {
    if (line === "7") break;
  }
});

Deno.test("DockerClient.containerLogs() gives only what was written since then", async () => {
  await using test = labelled();
  const id = await ended(test, "console.log('old')");
  const options = { sinceMs: Date.now() + 60_000, signal: test.signal };
  assert.deepEqual(await Array.fromAsync(test.docker.containerLogs(id, options)), []);
  const all = { sinceMs: Date.now() - 60_000, signal: test.signal };
  assert.equal((await Array.fromAsync(test.docker.containerLogs(id, all))).length, 1);
});

Deno.test("DockerClient.lastLogLines() gives the last lines, oldest first", async () => {
  await using test = labelled();
  const id = await ended(test, "for (let i = 0; i < 50; i++) console.log(i)");
  assert.deepEqual(await test.docker.lastLogLines(id, 3, test.signal), ["47", "48", "49"]);
  assert.deepEqual(await test.docker.lastLogLines(id, 0, test.signal), []);
});
