import assert from "node:assert/strict";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { ENTRY } from "../../packaging/bundle.ts";
import { checkExecutable, compile } from "../../packaging/compile.ts";
import { type Payload, readPayload } from "../../packaging/payload.ts";
import { PROJECT_DIR, runDeno } from "../../packaging/project.ts";
import { assertLikeSource, run, runBundle, testBundle, testFolder } from "./made.ts";

const GOLDEN = new URL("../golden/payload.txt", import.meta.url);

/**
 * Compiles with a whole `deno` as the runtime, which there is everywhere. The result carries the
 * real payload, though it takes no notice of it when it runs.
 */
async function compileOnDeno(directory: string): Promise<Uint8Array> {
  await using bundle = await testBundle();
  const output = join(directory, "maelstrom");
  await compile({ bundleDir: bundle.path, output, base: Deno.execPath() });
  return await Deno.readFile(output);
}

async function compiledPayload(): Promise<Payload> {
  await using folder = await testFolder();
  return readPayload(await compileOnDeno(folder.path));
}

Deno.test("readPayload() refuses what is not a compiled program", async () => {
  const elf = await Deno.readFile(Deno.execPath());
  assert.throws(() => readPayload(new Uint8Array()), /not an ELF-64 file/);
  assert.throws(() => readPayload(new TextEncoder().encode("#!/bin/sh\n".repeat(9))), /not an ELF/);
  assert.throws(() => readPayload(elf.subarray(0, 64)), /Cannot read the payload/);
  assert.throws(() => readPayload(elf), /no section \.note\.sui/);
});

Deno.test("compile() puts only what is meant into the settings", async () => {
  const { settings, settingsText } = await compiledPayload();
  assert.equal(settings.entrypoint_key, ENTRY);
  assert.deepEqual(settings.argv, []);
  for (const [name, allowed] of Object.entries(settings.permissions)) {
    if (name.startsWith("allow_")) assert.deepEqual(allowed, [], `${name}: [] allows all`);
    else if (name === "prompt") assert.equal(allowed, false);
    else assert.equal(allowed, null, name);
  }
  const { default: project } = await import("../../deno.json", { with: { type: "json" } });
  assert.deepEqual(settings.unstable_config.features, project.unstable);
  assert.deepEqual(settings.env_vars_from_env_file, {});
  assert.equal(settings.workspace_resolver.import_map, null);
  assert.equal(settings.node_modules, null);
  // A cache would be read from a path in /tmp that anybody can write first.
  assert.equal(settings.code_cache_key, null);
  assert.equal(settings.ca_data, null);
  assert.equal(settings.app_name, "maelstrom");
  for (const secret of [PROJECT_DIR, userInfo().homedir, "/tmp/", "file:"]) {
    if (secret.length > 1) assert.ok(!settingsText.includes(secret), `"${secret}" is in it`);
  }
});

Deno.test("compile() embeds the bundle and nothing else", async () => {
  const { files } = await compiledPayload();
  const stems = files.map(({ path }) => path.replace(/-[0-9A-F]{8}\.js$/, "-*.js"));
  const listing = [...new Set(stems)].sort().map((line) => `${line}\n`).join("");
  if (Deno.env.get("UPDATE_GOLDEN") === "1") await Deno.writeTextFile(GOLDEN, listing);
  const golden = await Deno.readTextFile(GOLDEN);
  assert.equal(listing, golden, "the embedded files changed; UPDATE_GOLDEN=1 writes the new list");
});

Deno.test("compile() gives the same bytes for the same bundle", async () => {
  await using folder = await testFolder();
  const first = await compileOnDeno(folder.path);
  const second = await compileOnDeno(folder.path);
  // Buffers compare fast; a difference in 100 MB is not worth printing.
  assert.ok(indexOfDifference(first, second) === -1, "two executables differ");
});

Deno.test("compile() embeds a program that is complete", async () => {
  await using folder = await testFolder();
  for (const { path, bytes } of (await compiledPayload()).files) {
    await Deno.mkdir(dirname(join(folder.path, path)), { recursive: true });
    await Deno.writeFile(join(folder.path, path), bytes);
  }
  await assertLikeSource((args, options) => runBundle(join(folder.path, ENTRY), args, options));
});

Deno.test("compile() says in one line which runtime is missing", async () => {
  await using folder = await testFolder();
  await Deno.writeTextFile(join(folder.path, ENTRY), "");
  const output = join(folder.path, "maelstrom");
  const target = "aarch64-unknown-linux-gnu";
  const base = join(folder.path, "no-such-file");
  await assert.rejects(
    compile({ bundleDir: folder.path, output, target, base }),
    (error: Error) => {
      assert.match(error.message, /^Cannot compile for aarch64-unknown-linux-gnu: /);
      assert.match(error.message, /"denort".*is missing.*DENORT_BIN/);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    },
  );
  await assert.rejects(Deno.stat(output), Deno.errors.NotFound);
});

Deno.test("checkExecutable() refuses an executable made from a whole deno", async () => {
  await using folder = await testFolder();
  await compileOnDeno(folder.path);
  const path = join(folder.path, "maelstrom");
  await assert.rejects(checkExecutable(path), /is DENORT_BIN the "denort"/);
});

Deno.test("the compile script refuses a target it does not know", async () => {
  const { code, stderr } = await runDeno(
    ["run", "-A", "--no-check", "packaging/compile.ts", "--target", "riscv64"],
  );
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^Cannot compile for "riscv64": the targets are x86_64-.* and aarch64-.*\n$/,
  );
});

const realBase = Deno.env.get("DENORT_BIN");

// Only a true runtime proves that the embedded files are found, and that execPath() is the file.
Deno.test({
  name: "a compiled executable does what the sources do" +
    (realBase ? "" : " (skipped: DENORT_BIN does not name Deno's runtime, denort)"),
  ignore: !realBase,
  fn: async () => {
    await using bundle = await testBundle();
    await using folder = await testFolder();
    const output = join(folder.path, "maelstrom");
    await compile({ bundleDir: bundle.path, output });
    await checkExecutable(output);
    await assertLikeSource((args, options) => run(output, args, options));
  },
});

function indexOfDifference(one: Uint8Array, other: Uint8Array): number {
  if (one.length !== other.length) return Math.min(one.length, other.length);
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return at;
  return -1;
}
