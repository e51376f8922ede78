import assert from "node:assert/strict";
import { Pruner, type PrunerOptions } from "../../../daemon/prune/pruner.ts";
import type { PruneItem, PruneNotice } from "../../../lib/contract/prune.ts";
import type { DockerClient } from "../../../lib/docker/client.ts";
import { MaelstromError } from "../../../lib/errors.ts";
import { createLog, silentLog } from "../../../lib/log.ts";
import { OwnImages } from "../../support/docker/own_images.ts";
import { labelled } from "../../support/docker/labelled.ts";

const LIMIT = AbortSignal.timeout(120_000);

/** A pruner that may remove images of `images` only, and no containers. */
function pruner({ repository, test }: OwnImages, options: Partial<PrunerOptions> = {}): Pruner {
  return new Pruner({
    docker: test.docker,
    policy: { images: true, keep: [], only: [`${repository}*`], ageMs: 0, diskPct: 0 },
    isOurs: () => false,
    isKnown: () => false,
    named: () => Promise.resolve([]),
    diskPct: () => Promise.resolve(undefined),
    log: silentLog,
    now: () => Date.now(),
    ...options,
  });
}

/** `name: outcome` of each thing. */
function outcomes(entries: readonly (PruneItem | PruneNotice)[]): string[] {
  return entries.flatMap((entry) =>
    entry.kind === "notice" ? [] : [`${entry.names[0] ?? entry.id}: ${entry.outcome}`]
  ).toSorted();
}

Deno.test("Pruner.run() says what would go, then removes it and nothing else", async () => {
  await using images = new OwnImages();
  const old = await images.make("old");
  const named = await images.make("named");
  const run = pruner(images, { named: () => Promise.resolve([`docker.io/library/${named}`]) });
  const dry = await Array.fromAsync(run.run(true, LIMIT));
  assert.deepEqual(outcomes(dry), [`${old}: would_remove`]);
  assert.deepEqual(await images.left(), [named, old]);
  const wet = await Array.fromAsync(run.run(false, LIMIT));
  assert.deepEqual(outcomes(wet), [`${old}: removed`]);
  assert.deepEqual(await images.left(), [named]);
});

Deno.test("Pruner.run() keeps an image that a component names by the time it would go", async () => {
  await using images = new OwnImages();
  const ref = await images.make("late");
  const answers: string[][] = [[], [ref]];
  const run = pruner(images, { named: () => Promise.resolve(answers.shift() ?? [ref]) });
  assert.deepEqual(await Array.fromAsync(run.run(false, LIMIT)), []);
  assert.deepEqual(await images.left(), [ref]);
});

Deno.test("Pruner.run() tells of an image that is in use after all, and goes on", async () => {
  await using images = new OwnImages();
  const { docker } = images.test;
  const used = await images.make("used");
  const free = await images.make("free");
  await images.test.create({ Image: used, Cmd: ["/none"] });
  const hidden: PrunerOptions["docker"] = {
    listImages: (signal) => docker.listImages(signal),
    listContainers: () => Promise.resolve([]),
    removeImage: (ref, options, signal) => docker.removeImage(ref, options, signal),
    removeContainer: (id, options, signal) => docker.removeContainer(id, options, signal),
  };
  const entries = await Array.fromAsync(pruner(images, { docker: hidden }).run(false, LIMIT));
  assert.deepEqual(outcomes(entries), [`${free}: removed`, `${used}: in_use`]);
});

Deno.test("Pruner.run() removes stopped containers of ours, never others'", async () => {
  await using images = new OwnImages();
  await using others = labelled();
  const { test } = images;
  const ours = (labels: Readonly<Record<string, string>>) =>
    Object.entries(test.labels).every(([name, value]) => labels[name] === value);
  const left = await test.create();
  const known = await test.create({ name: `known-${crypto.randomUUID()}` });
  const runs = await test.run();
  const foreign = await others.create();
  const run = pruner(images, { isOurs: ours, isKnown: (name) => name.startsWith("known-") });
  const entries = await Array.fromAsync(run.run(false, LIMIT));
  assert.deepEqual(entries.map((entry) => entry.kind === "container" && entry.id), [left]);
  const listed = await test.docker.listContainers({ labels: [test.label], all: true }, LIMIT);
  assert.deepEqual(listed.map(({ id }) => id).toSorted(), [known, runs].toSorted());
  assert.ok(await test.docker.inspectContainer(foreign, LIMIT));
});

/** An engine without Docker, for what a real one cannot be made to do. */
function engine(parts: Partial<PrunerOptions["docker"]> = {}): PrunerOptions["docker"] {
  const image = (tag: string): Awaited<ReturnType<DockerClient["listImages"]>>[number] => ({
    id: `sha256:${tag.padEnd(64, "0")}`,
    tags: [tag],
    digests: [],
    createdAtMs: 0,
    sizeBytes: 2 ** 20,
    labels: {},
  });
  return {
    listImages: () => Promise.resolve([image("a:1"), image("b:1")]),
    listContainers: () => Promise.resolve([]),
    removeImage: () => Promise.resolve("done"),
    removeContainer: () => Promise.resolve("done"),
    ...parts,
  };
}

function fakePruner(docker: PrunerOptions["docker"], log = silentLog): Pruner {
  return new Pruner({
    docker,
    policy: { images: true, keep: [], only: [], ageMs: 0, diskPct: 0 },
    isOurs: () => false,
    isKnown: () => false,
    named: () => Promise.resolve([]),
    diskPct: () => Promise.resolve(undefined),
    log,
    now: () => Date.now(),
  });
}

Deno.test("Pruner.run() tells what failed and goes on", async () => {
  const removeImage = (ref: string) =>
    ref === "a:1"
      ? Promise.reject(new MaelstromError("engine_unavailable", "Cannot remove: disk error"))
      : Promise.resolve("done" as const);
  const entries = await Array.fromAsync(fakePruner(engine({ removeImage })).run(false, LIMIT));
  assert.deepEqual(outcomes(entries), ["a:1: failed", "b:1: removed"]);
  assert.equal(entries[0]?.kind === "image" && entries[0].error, "Cannot remove: disk error");
});

Deno.test("Pruner.run() is one at a time, and free again however a run ends", async () => {
  const pruner = fakePruner(engine());
  const first = pruner.run(true, LIMIT);
  await first.next();
  await assert.rejects(pruner.run(true, LIMIT).next(), { code: "already_exists" });
  await first.return();
  assert.equal((await Array.fromAsync(pruner.run(true, LIMIT))).length, 2);
  const listImages = () => Promise.reject(new MaelstromError("engine_unavailable", "gone"));
  const broken = fakePruner(engine({ listImages }));
  for (let i = 0; i < 2; i++) {
    await assert.rejects(broken.run(false, LIMIT).next(), { code: "engine_unavailable" });
  }
});

Deno.test("Pruner.run() stops between two steps when its signal aborts", async () => {
  const stop = new AbortController();
  const run = fakePruner(engine()).run(false, stop.signal);
  assert.equal((await run.next()).done, false);
  stop.abort();
  await assert.rejects(run.next(), { name: "AbortError" });
});

Deno.test("Pruner.keepPruning() runs each period, tells the log, and survives failures", async () => {
  const lines: { message: string; removed?: number }[] = [];
  const stop = new AbortController();
  let looks = 0;
  const listImages = async (signal: AbortSignal) => {
    if (++looks === 1) throw new MaelstromError("engine_unavailable", "gone");
    return await engine().listImages(signal);
  };
  const log = createLog({
    level: "info",
    format: "json",
    write: (line) => {
      lines.push(JSON.parse(line));
      if (lines.at(-1)?.message === "prune done") stop.abort();
    },
  });
  await fakePruner(engine({ listImages }), log).keepPruning(5, stop.signal);
  assert.deepEqual(lines.map(({ message }) => message), [
    "prune failed",
    "pruned",
    "pruned",
    "prune done",
  ]);
  assert.equal(lines.at(-1)?.removed, 2);
});
