import assert from "node:assert/strict";
import { ensureEngine, withLockFile } from "../../../examples/quickstart/engine.ts";
import { isAbort } from "../../../lib/errors.ts";
import { testDockerHost } from "../../support/docker/labelled.ts";

const signal = new AbortController().signal;
const ENGINE = new URL("../../../examples/quickstart/engine.ts", import.meta.url).href;

/** What a process with `DOCKER_HOST` set prints when it asks for an engine. */
async function ensureIn(dockerHost: string): Promise<string> {
  const script = `import { ensureEngine } from ${JSON.stringify(ENGINE)};
    const signal = new AbortController().signal;
    await ensureEngine({ say: console.log, signal }).catch((e) => console.log(e.code, e.message));`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--ext=ts", script],
    env: { DOCKER_HOST: dockerHost },
    stderr: "inherit",
  }).output();
  return new TextDecoder().decode(stdout);
}

Deno.test("ensureEngine() touches nothing when the engine was asked for by name", async () => {
  assert.equal(
    await ensureIn("unix:///nowhere/docker.sock"),
    "engine_unavailable Cannot reach Docker at unix:///nowhere/docker.sock: no such file; " +
      "start that engine, or unset DOCKER_HOST\n",
  );
});

Deno.test("ensureEngine() says nothing when an engine answers", async () => {
  await ensureEngine({ say: (text) => assert.fail(text), signal });
  assert.equal(await ensureIn(testDockerHost), "");
});

Deno.test("ensureEngine() ends with its signal", async () => {
  await assert.rejects(ensureEngine({ say: () => {}, signal: AbortSignal.abort() }), isAbort);
});

Deno.test("withLockFile() lets one in at a time, and the next after a failure", async () => {
  const path = await Deno.makeTempFile();
  try {
    let inside = 0;
    const enter = (fails: boolean) =>
      withLockFile(path, signal, async () => {
        assert.equal(++inside, 1);
        await Deno.stat(path);
        inside--;
        if (fails) throw new Error("fails");
        return "done";
      });
    const ends = await Promise.allSettled([enter(true), enter(false), enter(false)]);
    assert.deepEqual(ends.map(({ status }) => status), ["rejected", "fulfilled", "fulfilled"]);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("withLockFile() gives up waiting with its signal", async () => {
  const path = await Deno.makeTempFile();
  try {
    const stop = new AbortController();
    await withLockFile(path, signal, async () => {
      const waiting = withLockFile(path, stop.signal, () => Promise.resolve());
      stop.abort();
      await assert.rejects(waiting, isAbort);
    });
  } finally {
    await Deno.remove(path);
  }
});
