import assert from "node:assert/strict";
import { Images } from "../../../daemon/converger/images.ts";
import { Tasks } from "../../../lib/async/tasks.ts";
import type { DockerComponent } from "../../../lib/contract/v1.ts";
import { isAbort } from "../../../lib/errors.ts";
import { createLog } from "../../../lib/log.ts";
import { stored } from "../../support/builders.ts";
import { failure } from "../../support/docker/failure.ts";
import { labelled } from "../../support/docker/labelled.ts";
import { PULL } from "../../support/docker/pull.ts";
import { startRegistry } from "../../support/docker/registry.ts";
import { witness } from "../../support/docker/witness.ts";

const NOWHERE = "127.0.0.1:1/none:1";

/** Images over the real engine, with a registry of the test's own. */
async function setUp({ allowsPullCommand = false, retryMs = 60_000 } = {}) {
  const stack = new AsyncDisposableStack();
  const registry = stack.use(await startRegistry());
  const { docker, signal } = stack.use(labelled());
  stack.defer(() => registry.clean(docker));
  const lines: Record<string, unknown>[] = [];
  const waiting = new Set<() => void>();
  const log = createLog({
    level: "info",
    format: "json",
    write: (line) => {
      lines.push(JSON.parse(line));
      for (const look of [...waiting]) look();
    },
  });
  const tasks = stack.use(new Tasks(log));
  const images = new Images({
    docker,
    log,
    tasks,
    allowsPullCommand,
    passwordOf: ({ docker: { pullPassword } }) => pullPassword,
    retryMs,
    now: () => Date.now(),
  });
  const entry = (parts: Partial<DockerComponent> = {}, version = 1) =>
    stored({ version, docker: { image: registry.ref, ...parts } });
  /** Resolves when `count` lines with this message are in the log. */
  const told = (message: string, count = 1) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (lines.filter((line) => line.message === message).length < count) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  const [quiet, go] = [() => {}, new AbortController().signal];
  const node = { registry, docker, images, tasks, lines, entry, told, quiet, go, signal };
  return { ...node, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Resolves when `condition` holds; what it waits for happens in this process. */
async function holds(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

Deno.test("Images.pull() pulls once for everybody who wants the same at one time", async () => {
  await using node = await setUp();
  const { registry, images, entry, lines } = node;
  const release = registry.hold();
  const heard: (string | undefined)[][] = [[], [], []];
  const pulls = heard.map((seen) => images.pull(entry(), (text) => seen.push(text), node.go));
  await registry.held();
  release();
  await Promise.all(pulls);
  assert.equal(registry.pulls(), 1);
  for (const seen of heard) {
    assert.equal(seen[0], `pulling ${registry.ref}`);
    assert.equal(seen.at(-1), undefined);
  }
  const end = lines.find(({ message }) => message === "pulled image");
  assert.ok(typeof end?.ms === "number" && typeof end.sizeMiB === "number");
  assert.deepEqual([end.component, end.image, end.isNew], ["shop", registry.ref, true]);
  await images.pull(entry(), node.quiet, node.go);
  assert.equal(registry.pulls(), 2, "a later one looks again");
});

Deno.test("Images.pull() tells how far it is, at most four times a second", async () => {
  await using node = await setUp();
  const { registry, images } = node;
  const ref = await registry.put("big", { layerBytes: 8 * 2 ** 20 });
  const release = registry.hold();
  const seen: { text: string; atMs: number }[] = [];
  const half = Promise.withResolvers<void>();
  const pulling = images.pull(node.entry({ image: ref }), (text = "") => {
    seen.push({ text, atMs: performance.now() });
    if (Number(/, (\d+) %$/.exec(text)?.[1] ?? 0) > 0) half.resolve();
  }, node.go);
  await half.promise;
  release();
  await pulling;
  const numbered = seen.filter(({ text }) => text.endsWith("%"));
  assert.match(numbered[0]!.text, /^pulling 127\.0\.0\.1:\d+\/team\/tiny:big, \d+ %$/);
  for (const [at, { atMs }] of numbered.entries()) {
    assert.ok(at === 0 || atMs - numbered[at - 1]!.atMs >= 240, "too often");
  }
});

Deno.test("Images.pull() goes on while one still waits and ends with the last", async () => {
  await using node = await setUp();
  const { registry, images, entry } = node;
  const release = registry.hold();
  const stops = [new AbortController(), new AbortController()];
  const pulls = stops.map(({ signal }) => images.pull(entry(), node.quiet, signal));
  await registry.held();
  stops[0]!.abort();
  await assert.rejects(pulls[0]!, isAbort);
  assert.equal(node.tasks.names().length, 1, "the other one still waits");
  stops[1]!.abort();
  await assert.rejects(pulls[1]!, isAbort);
  await registry.left();
  release();
  // Who comes next begins anew and has nothing of what was called off.
  await images.pull(entry(), node.quiet, node.go);
  assert.equal(registry.pulls(), 2);
});

Deno.test("Images.pull() tells each who waits why it failed", async () => {
  await using node = await setUp();
  const { images, entry } = node;
  const pulls = [1, 2].map(() => images.pull(entry({ image: NOWHERE }), node.quiet, node.go));
  for (const pull of pulls) {
    await assert.rejects(pull, failure("engine_unavailable", /connection refused/));
  }
  assert.equal(node.lines.filter(({ message }) => message === "pulling image").length, 1);
});

Deno.test("Images.refresh() asks the registry only when the component wants that", async () => {
  await using node = await setUp();
  const { registry, images, entry } = node;
  assert.equal(await images.refresh(entry(), node.quiet, node.go), undefined);
  assert.equal(registry.pulls(), 0);
  const onStart = entry({ pullImageOnStart: true });
  assert.equal(await images.refresh(onStart, node.quiet, node.go), undefined);
  const before = (await witness().getImage(registry.ref).inspect()).Id;
  await registry.put("1");
  assert.equal(await images.refresh(onStart, node.quiet, node.go), undefined);
  assert.notEqual((await witness().getImage(registry.ref).inspect()).Id, before);
});

Deno.test("Images.refresh() lets a start go on with what is here when the pull fails", async () => {
  await using node = await setUp();
  const onStart = node.entry({ image: NOWHERE, pullImageOnStart: true });
  const error = await node.images.refresh(onStart, node.quiet, node.go);
  assert.match(error?.message ?? "", /connection refused/);
  assert.ok(
    node.lines.some(({ level, message }) =>
      level === "warn" && String(message).startsWith("cannot pull image, going on")
    ),
  );
});

Deno.test("Images.ensure() pulls what is not here, and says why it cannot", async () => {
  await using node = await setUp();
  const { registry, images, entry } = node;
  await images.ensure(entry(), node.quiet, node.go);
  await images.ensure(entry(), node.quiet, node.go);
  assert.equal(registry.pulls(), 1);
  for (const pullImageOnStart of [true, false]) {
    const absent = entry({ image: NOWHERE, pullImageOnStart });
    await assert.rejects(
      images.ensure(absent, node.quiet, node.go),
      failure("engine_unavailable", /connection refused/),
    );
  }
});

Deno.test("Images.follow() pulls on put once for each version", async () => {
  await using node = await setUp();
  const { registry, images, entry } = node;
  images.follow([entry()]);
  assert.deepEqual(node.tasks.names(), [], "only for who wants it");
  const first = entry({ pullImageOnPut: true });
  images.follow([first]);
  images.follow([first]);
  await node.told("pulled image");
  images.follow([first]);
  assert.equal(await images.refresh(first, node.quiet, node.go), undefined);
  assert.equal(registry.pulls(), 1, "a start does not ask again");
  images.follow([entry({ pullImageOnPut: true }, 2)]);
  await node.told("pulled image", 2);
  assert.equal(registry.pulls(), 2);
});

Deno.test("Images.refresh() waits for the pull on put that is under way", async () => {
  await using node = await setUp();
  const { registry, images, entry } = node;
  const release = registry.hold();
  const onPut = entry({ pullImageOnPut: true });
  images.follow([onPut]);
  await registry.held();
  const refreshing = images.refresh(onPut, node.quiet, node.go);
  release();
  assert.equal(await refreshing, undefined);
  assert.equal(registry.pulls(), 1);
  assert.ok(await node.docker.imageExists(registry.ref, node.go));
});

Deno.test("Images.follow() tells of a pull on put that failed, until it is well or gone", async () => {
  await using node = await setUp();
  const { images, entry } = node;
  images.follow([entry({ image: NOWHERE, pullImageOnPut: true })]);
  await node.told("cannot pull image on put");
  const [told] = images.failures();
  assert.deepEqual(
    [told?.componentName, told?.componentVersion, told?.attempts, told?.retryAt],
    ["shop", 1, 1, 0],
  );
  assert.ok(told?.pullRetryAt! > Date.now(), "it is tried again");
  assert.match(told?.message ?? "", /connection refused/);
  images.follow([entry({ pullImageOnPut: true }, 2)]);
  assert.deepEqual(images.failures(), []);
  await node.told("pulled image");
  images.follow([entry({ image: NOWHERE, pullImageOnPut: true }, 3)]);
  await node.told("cannot pull image on put", 2);
  images.follow([]);
  assert.deepEqual(images.failures(), []);
});

Deno.test("Images.follow() tries a pull on put again, a few times, and then leaves it to a start", async () => {
  await using node = await setUp({ retryMs: 1 });
  const { images, entry, lines } = node;
  images.follow([entry({ image: NOWHERE, pullImageOnPut: true })]);
  await node.told("cannot pull image on put", 10);
  const tries = lines.filter(({ message }) => message === "cannot pull image on put");
  assert.deepEqual(tries.map(({ attempts }) => attempts), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assert.deepEqual(tries.map(({ backOffMs }) => backOffMs).slice(0, 4), [1, 2, 4, 8]);
  const [told] = images.failures();
  assert.deepEqual([told?.attempts, told?.retryAt, told?.pullRetryAt], [10, 0, 0]);
  await holds(() => node.tasks.names().length === 0);
});

Deno.test("Images.follow() is well once a later try, or a start, has pulled the image", async () => {
  await using node = await setUp({ retryMs: 200 });
  const { registry, images, entry } = node;
  const late = `${registry.address}/team/tiny:late`;
  images.follow([entry({ image: late, pullImageOnPut: true })]);
  await node.told("cannot pull image on put");
  await registry.put("late");
  await holds(() => images.failures().length === 0);
  assert.equal(node.lines.filter(({ message }) => message === "pulled image").length, 1);
  const slow = await setUp();
  await using _slow = slow;
  const soon = slow.entry({
    image: `${slow.registry.address}/team/tiny:soon`,
    pullImageOnPut: true,
  });
  slow.images.follow([soon]);
  await slow.told("cannot pull image on put");
  assert.equal(await slow.images.refresh(soon, slow.quiet, slow.go), undefined, "no wait for it");
  await slow.registry.put("soon");
  await slow.images.ensure(soon, slow.quiet, slow.go);
  assert.deepEqual(slow.images.failures(), []);
});

Deno.test("Images.follow() ends the pull of a version that is no longer wanted", async () => {
  await using node = await setUp();
  const { registry, images, entry } = node;
  const release = registry.hold();
  images.follow([entry({ pullImageOnPut: true })]);
  await registry.held();
  images.follow([]);
  await registry.left();
  release();
  assert.deepEqual(images.failures(), []);
});

Deno.test("Images.follow() pulls for two components at a time, and for all in the end", async () => {
  await using node = await setUp();
  const { registry, images } = node;
  const refs = await Promise.all(["a", "b", "c", "d"].map((tag) => registry.put(tag)));
  const release = registry.hold();
  images.follow(
    refs.map((image, at) => stored({ name: `shop${at}`, docker: { image, pullImageOnPut: true } })),
  );
  await node.told("pulling image", 2);
  await registry.held();
  assert.deepEqual(
    node.tasks.names().filter((name) => name.startsWith("pull on put")),
    ["pull on put shop0", "pull on put shop1"],
  );
  release();
  await node.told("pulled image", 4);
});

Deno.test("Images.pull() refuses a pull command unless the node allows it", async () => {
  await using node = await setUp();
  const component = node.entry({ pullCommand: [...PULL] });
  await assert.rejects(
    node.images.pull(component, node.quiet, node.go),
    failure("not_allowed", /this node runs none; set MAEL_PULL_COMMAND=on for the daemon/),
  );
});

Deno.test("Images.pull() runs the pull command instead, and looks for what it should have brought", async () => {
  await using node = await setUp({ allowsPullCommand: true });
  const { images, entry, registry } = node;
  await assert.rejects(
    images.pull(entry({ pullCommand: ["true"] }), node.quiet, node.go),
    failure("not_found", /its pullCommand ended well, but it is not here$/),
  );
  assert.equal(registry.pulls(), 0);
  await images.pull(entry({ pullCommand: [...PULL] }), node.quiet, node.go);
  assert.equal(registry.pulls(), 1);
  assert.ok(await node.docker.imageExists(registry.ref, node.go));
});

Deno.test("Images: a node that stops ends its pulls and waits for their end", async () => {
  await using node = await setUp();
  const { registry, images, tasks } = node;
  registry.hold();
  images.follow([node.entry({ pullImageOnPut: true })]);
  const starting = images.pull(node.entry(), node.quiet, node.go);
  starting.catch(() => {});
  await registry.held();
  await tasks[Symbol.asyncDispose]();
  await assert.rejects(starting, isAbort);
  await registry.left();
  assert.ok(!node.lines.some(({ level }) => level !== "info"), "a stop is no failure");
});
