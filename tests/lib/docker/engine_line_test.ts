/** The tests' own way to the engine: it knows when what a dead caller asked for is done. @module */
import assert from "node:assert/strict";
import { EngineLine } from "../../support/docker/engine_line.ts";
import { labelled, testDockerHost } from "../../support/docker/labelled.ts";

/** A socket whose server ends each call when `release` is called, and not when its caller goes. */
async function slowEngine() {
  const folder = await Deno.makeTempDir({ prefix: "maelstrom-line-" });
  const path = `${folder}/engine.sock`;
  const listener = Deno.listen({ transport: "unix", path });
  const { promise, resolve: release } = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const serving = (async () => {
    using connection = await listener.accept();
    await connection.read(new Uint8Array(64));
    asked.resolve();
    await promise;
    await connection.write(new TextEncoder().encode("done")).catch(() => {});
  })();
  return {
    path,
    folder,
    asked: asked.promise,
    release,
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

Deno.test("EngineLine.finish() waits for what a caller that is gone had asked", async () => {
  await using engine = await slowEngine();
  await using line = new EngineLine(`${engine.folder}/line.sock`, engine.path);
  {
    using caller = await Deno.connect({ transport: "unix", path: line.path });
    await caller.write(new TextEncoder().encode("create"));
    await engine.asked;
  }
  await assert.rejects(line.finish(50), /the engine is busy with 1 calls after 50 ms/);
  const finished = line.finish(5000);
  engine.release();
  await finished;
});

Deno.test("EngineLine.finish() finds a container whose creator was killed while it asked", async () => {
  await using test = labelled();
  const folder = await Deno.makeTempDir({ prefix: "maelstrom-line-" });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const line = stack.use(
    new EngineLine(`${folder}/line.sock`, testDockerHost.slice("unix://".length)),
  );
  const body = JSON.stringify({ Image: await test.image(), Labels: test.labels });
  const request = "POST /v1.41/containers/create HTTP/1.1\r\nHost: a\r\n" +
    `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const count = 5;
  for (let n = 0; n < count; n++) {
    {
      using caller = await Deno.connect({ transport: "unix", path: line.path });
      await caller.write(new TextEncoder().encode(request));
    }
    // Calls are taken in their order: when this one is answered, the other has been taken.
    using next = await Deno.connect({ transport: "unix", path: line.path });
    await next.write(new TextEncoder().encode("GET /_ping HTTP/1.1\r\nHost: a\r\n\r\n"));
    await next.read(new Uint8Array(1024));
  }
  await line.finish(30_000);
  const listed = await test.docker.listContainers(
    { labels: [test.label], all: true },
    test.signal,
  );
  assert.equal(listed.length, count);
});
