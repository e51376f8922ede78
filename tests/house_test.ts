/** Holds the house together: which way imports point, and what stands in one place only. */
import assert from "node:assert/strict";
import { dirname, join, relative } from "node:path";

const ROOT = join(import.meta.dirname!, "..");
const IMPORT = /(?:^|\n)\s*(?:import|export)\b[^"'`;]*?from\s*"(\.[^"]+)"|import\("(\.[^"]+)"\)/g;

/** In `daemon/` a file imports its own folder or a lower step. */
const STEPS: Record<string, number> = {
  "": 5,
  gateway: 4,
  api: 4,
  sources: 4,
  dashboard: 4,
  router: 3,
  scheduler: 3,
  converger: 3,
  volumes: 3,
  inventory: 3,
  logs: 3,
  prune: 3,
  cluster: 2,
  secrets: 2,
  store: 1,
};

async function* files(folder: string, suffix = ".ts"): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(join(ROOT, folder))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* files(path, suffix);
    else if (entry.name.endsWith(suffix)) yield path;
  }
}

async function importsOf(path: string): Promise<string[]> {
  const text = await Deno.readTextFile(join(ROOT, path));
  return [...text.matchAll(IMPORT)].map((match) => {
    const target = join(ROOT, dirname(path), (match[1] ?? match[2])!);
    return relative(ROOT, target);
  });
}

const top = (path: string) => path.split("/")[0]!;
const room = (path: string) => path.split("/").length > 2 ? path.split("/")[1]! : "";

Deno.test("the house: lib imports only lib", async () => {
  for await (const path of files("lib")) {
    for (const target of await importsOf(path)) {
      assert.equal(top(target), "lib", `${path}: ${target}`);
    }
  }
});

Deno.test("the house: cli imports only cli and lib, and the daemon's command for its help", async () => {
  const allowed = ["cli", "lib", "deno.json"];
  for await (const path of files("cli")) {
    for (const target of await importsOf(path)) {
      const ok = allowed.includes(top(target)) || target === "daemon/command.ts";
      assert.ok(ok, `${path}: ${target}`);
    }
  }
});

Deno.test("the house: in daemon imports point down", async () => {
  for await (const path of files("daemon")) {
    const step = STEPS[room(path)];
    assert.ok(step !== undefined, `${path} is in no known room`);
    for (const target of await importsOf(path)) {
      if (top(target) === "lib") continue;
      assert.equal(top(target), "daemon", `${path}: ${target}`);
      const ok = room(target) === room(path) || STEPS[room(target)]! < step;
      assert.ok(ok, `${path}: ${target} is not below it`);
    }
  }
});

Deno.test("the house: the pinned Deno is the same wherever it is named", async () => {
  const pinned = (await Deno.readTextFile(join(ROOT, ".dvmrc"))).trim();
  assert.match(pinned, /^\d+\.\d+\.\d+$/);
  for (const path of ["README.md", ".ci/run"]) {
    const text = await Deno.readTextFile(join(ROOT, path));
    for (const [, version] of text.matchAll(/deno@(\d[\w.]*)/g)) {
      assert.equal(version, pinned, path);
    }
  }
  assert.equal(Deno.version.deno, pinned, "these tests run on another Deno");
});

Deno.test("the house: the lock file names no host", async () => {
  const lock = await Deno.readTextFile(join(ROOT, "deno.lock"));
  assert.doesNotMatch(lock, /tarball|https?:/);
});

Deno.test("the house: every dependency has its sentence", async () => {
  const page = await Deno.readTextFile(join(ROOT, "docs/decisions/dependencies.md"));
  const config = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
  for (const name of Object.keys(config.imports)) {
    assert.ok(page.includes(`\`${name}\``), `${name} is not in docs/decisions/dependencies.md`);
  }
});
