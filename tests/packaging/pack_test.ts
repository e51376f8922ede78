import assert from "node:assert/strict";
import { join } from "node:path";
import { type BundleFile, ENTRY } from "../../packaging/bundle.ts";
import { pack } from "../../packaging/pack.ts";
import { testDockerHost } from "../support/docker/labelled.ts";
import { assertLikeSource, run, testBundle, type TestFolder, testFolder } from "./made.ts";

/** A packed program, an empty cache, and the environment that names it. */
interface Packed extends TestFolder {
  readonly file: string;
  readonly cache: string;
  readonly env: Readonly<Record<string, string>>;
  /** Folder in the cache that the program unpacks into. */
  readonly unpacked: string;
}

/** The real program with the real runtime; packed fast rather than small. */
async function packProgram(): Promise<Packed> {
  await using bundle = await testBundle();
  return await packWith(bundle.files, Deno.execPath());
}

/** Stands for the runtime where only the launcher is of interest: it says what it was told. */
const ECHO = `#!/bin/sh
[ "$1" = --version ] && exit 0
while [ "\${1%${ENTRY}}" = "$1" ]; do shift; done
shift
for word in "$@"; do printf '<%s>' "$word"; done
exit 7
`;

async function packEcho(): Promise<Packed> {
  const file = (name: string, text: string): BundleFile => ({
    name,
    text,
    size: new TextEncoder().encode(text).length,
    imports: [],
    lazyImports: [],
  });
  await using folder = await testFolder();
  const runtime = join(folder.path, "echo");
  await Deno.writeTextFile(runtime, ECHO);
  return await packWith([file("chunk-00000000.js", "// ü\n"), file(ENTRY, "//\n")], runtime);
}

async function packWith(files: readonly BundleFile[], runtime: string): Promise<Packed> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await testFolder());
  const file = join(folder.path, "maelstrom");
  const cache = join(folder.path, "cache");
  const { hash } = await pack({ files, runtime, output: file, level: 1 });
  const kept = stack.move();
  return {
    path: folder.path,
    file,
    cache,
    env: { MAELSTROM_CACHE: cache },
    unpacked: join(cache, hash),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

Deno.test("pack() makes a program that does what the sources do", async () => {
  await using packed = await packProgram();
  // Broken settings in the folder of the caller are none of the program's business.
  const cwd = join(packed.path, "somewhere");
  await Deno.mkdir(cwd);
  for (const name of ["deno.json", "package.json", ".npmrc", "deno.lock"]) {
    await Deno.writeTextFile(join(cwd, name), "{ not json");
  }
  await assertLikeSource((args, options) =>
    run(packed.file, args, { ...options, cwd, env: packed.env })
  );
  const { mode } = await Deno.stat(packed.unpacked);
  assert.equal(mode! & 0o777, 0o700);
});

Deno.test("pack() makes a file that costs next to nothing when it is unpacked", async () => {
  await using packed = await packProgram();
  await run(packed.file, ["version"], { env: packed.env });
  const runtime = join(packed.unpacked, "maelstrom");
  const flags = ["run", "--quiet", "--allow-all", "--no-config", "--cached-only"];
  const direct = [...flags, join(packed.unpacked, ENTRY), "version"];
  const env = { DENO_DIR: join(packed.unpacked, "deno") };
  let [bestMs, bestDirectMs] = [Infinity, Infinity];
  // The least of several is what the program costs; the rest is what else the machine does.
  for (let time = 0; time < 12; time++) {
    bestMs = Math.min(bestMs, await timeMs(() => run(packed.file, ["version"], packed)));
    bestDirectMs = Math.min(bestDirectMs, await timeMs(() => run(runtime, direct, { env })));
  }
  console.log(`    packed ${bestMs.toFixed(1)} ms, direct ${bestDirectMs.toFixed(1)} ms`);
  assert.ok(bestMs < bestDirectMs + 40, `packed ${bestMs} ms, direct ${bestDirectMs} ms`);
});

Deno.test("pack() makes a process that is the runtime: signals reach it, its exit code comes back", async () => {
  await using packed = await packProgram();
  const dataDir = join(packed.path, "data");
  await using child = new Deno.Command(packed.file, {
    args: ["daemon"],
    env: {
      ...packed.env,
      MAEL_DATA_DIR: dataDir,
      // 0 turns a listener off.
      MAEL_PUBLIC_PORT: "0",
      MAEL_PRIVATE_PORT: "0",
      DOCKER_HOST: testDockerHost,
    },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let log = "";
  let isTold = false;
  for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
    log += text;
    if (isTold || !log.includes("node ready")) continue;
    assert.equal(await Deno.readLink(`/proc/${child.pid}/exe`), join(packed.unpacked, "maelstrom"));
    child.kill("SIGTERM");
    isTold = true;
  }
  const { code, signal } = await child.status;
  assert.ok(isTold, log);
  assert.deepEqual({ code, signal }, { code: 0, signal: null }, log);
  assert.match(log, /stopped/);
});

Deno.test("the launcher passes words on as they are, and the exit code back", async () => {
  await using packed = await packEcho();
  const words = ["a b", "", "*", "$HOME", "'\"\\", "-x", "--", "ü\n"];
  const { code, stdout, stderr } = await run(packed.file, words, packed);
  assert.equal(stdout, words.map((word) => `<${word}>`).join(""));
  assert.equal(code, 7, stderr);
});

Deno.test("the launcher finds itself however it was called", async () => {
  await using packed = await packEcho();
  const folder = join(packed.path, "with space");
  await Deno.mkdir(folder);
  await Deno.symlink(packed.file, join(folder, "m"));
  const PATH = `${folder}:${Deno.env.get("PATH")}`;
  const attempts: [string, string, string[]][] = [
    ["a symbolic link", join(folder, "m"), ["x"]],
    ["PATH", "/usr/bin/env", ["m", "x"]],
    ["a relative path", "/bin/sh", ["-c", 'cd "$1" && ./m x', "sh", folder]],
    ["a shell that reads it", "/bin/sh", [join(folder, "m"), "x"]],
    ["a closed standard input", "/bin/sh", ["-c", '"$1" x <&-', "sh", packed.file]],
    ["every stream closed", "/bin/sh", ["-c", '"$1" x <&- >&- 2>&-', "sh", packed.file]],
    ["a symbolic link again", join(folder, "m"), ["x"]],
  ];
  for (const [name, path, args] of attempts) {
    // From nothing each time, because unpacking is what opens files.
    await Deno.remove(packed.cache, { recursive: true }).catch(() => {});
    const { code, stdout, stderr } = await run(path, args, { env: { ...packed.env, PATH } });
    assert.equal(code, 7, `${name}: ${stderr}`);
    if (name !== "every stream closed") assert.equal(stdout, "<x>", name);
  }
});

Deno.test("the launcher chooses its cache by the environment", async () => {
  await using packed = await packEcho();
  const home = join(packed.path, "home");
  const inHome = join(home, ".cache/maelstrom");
  const cases: [Record<string, string>, string][] = [
    [{ HOME: home }, inHome],
    [{ HOME: home, XDG_CACHE_HOME: "relative", MAELSTROM_CACHE: "" }, inHome],
    [{ HOME: home, XDG_CACHE_HOME: join(home, "x y") }, join(home, "x y/maelstrom")],
    [{ HOME: home, XDG_CACHE_HOME: "/nowhere", MAELSTROM_CACHE: join(home, "own") }, `${home}/own`],
  ];
  for (const [env, want] of cases) {
    const { code, stderr } = await run(packed.file, [], { env });
    assert.equal(code, 7, stderr);
    assert.equal((await namesIn(want)).length, 1, want);
    await Deno.remove(want, { recursive: true });
  }
});

Deno.test("the launcher unpacks for many first runs at once", async () => {
  await using packed = await packEcho();
  const runs = await Promise.all(Array.from({ length: 12 }, () => run(packed.file, ["x"], packed)));
  for (const { code, stdout, stderr } of runs) assert.equal(`${code}${stdout}`, "7<x>", stderr);
  assert.deepEqual(await namesIn(packed.unpacked), ["chunk-00000000.js", "maelstrom", ENTRY]);
});

Deno.test("the launcher unpacks the real program for two first runs at once", async () => {
  await using packed = await packProgram();
  const runs = await Promise.all([1, 2].map(() => run(packed.file, ["version"], packed)));
  for (const { code, stdout, stderr } of runs) {
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^maelstrom /);
  }
  assert.equal((await namesIn(packed.cache)).length, 1, "something was left over");
});

Deno.test("the launcher repairs a damaged cache", async () => {
  await using packed = await packEcho();
  const at = (name: string) => join(packed.unpacked, name);
  const damages: [string, () => Promise<void>][] = [
    ["nothing yet", async () => {}],
    ["no entry", () => Deno.remove(at(ENTRY))],
    ["no runtime", () => Deno.remove(at("maelstrom"))],
    ["a chunk cut short", () => Deno.truncate(at("chunk-00000000.js"), 1)],
    ["an empty runtime", () => Deno.truncate(at("maelstrom"), 0)],
    ["a runtime that may not be run", () => Deno.chmod(at("maelstrom"), 0o600)],
    ["a run that was killed while it unpacked", async () => {
      await Deno.remove(at(ENTRY));
      await Deno.mkdir(join(packed.cache, "new.1.0"));
    }],
    ["nothing any more", () => Deno.remove(packed.cache, { recursive: true })],
  ];
  for (const [name, damage] of damages) {
    await damage();
    const { code, stdout, stderr } = await run(packed.file, ["x"], packed);
    assert.equal(`${code}${stdout}${stderr}`, "7<x>", name);
    assert.equal((await Deno.stat(at("maelstrom"))).size, ECHO.length, name);
  }
});

Deno.test("the launcher refuses a cache that others could have filled", async () => {
  await using packed = await packEcho();
  await run(packed.file, [], packed);
  await Deno.chmod(packed.unpacked, 0o777);
  const { code, stderr } = await run(packed.file, [], packed);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^maelstrom: Cannot trust ".*": others may write to it \(drwxrwxrwx\); .*\n$/,
  );
  if (Deno.uid() !== 0) return;
  await Deno.chmod(packed.unpacked, 0o700);
  await Deno.chown(packed.unpacked, 65534, 65534);
  assert.match((await run(packed.file, [], packed)).stderr, /it belongs to another user; set MAEL/);
});

Deno.test("the launcher says why it cannot fill its cache", async (t) => {
  await using packed = await packEcho();
  const failing = async (name: string, script: string, want: RegExp) =>
    await t.step(name, async () => {
      await Deno.remove(packed.cache, { recursive: true }).catch(() => {});
      const args = ["-c", script, "sh", packed.file];
      const { code, stdout, stderr } = await run("/bin/sh", args, packed);
      assert.equal(code, 1, stdout + stderr);
      assert.match(stderr, want);
      assert.equal(stderr.trim().split("\n").length, 1, stderr);
    });
  await failing(
    "no folder can be made",
    'MAELSTROM_CACHE=/proc/none "$1"',
    /^maelstrom: Cannot write to the cache "\/proc\/none": .*; set MAELSTROM_CACHE to /,
  );
  await failing(
    "a file that is damaged",
    'head -c -9 "$1" >"$1.cut"; sh "$1.cut"',
    /^maelstrom: Cannot unpack ".*\.cut" into ".*": .*gzip: .*the file is damaged$/m,
  );
  if (!await canMount()) {
    console.log("    not proved here, for it takes the right to mount: read-only, full, noexec");
    return;
  }
  const mounted = (options: string) =>
    `mkdir -p "$MAELSTROM_CACHE" && mount -t tmpfs -o ${options} none "$MAELSTROM_CACHE" && "$1"`;
  const inside = (options: string) => `unshare --mount sh -c '${mounted(options)}' sh "$1"`;
  await failing(
    "read-only",
    inside("ro"),
    /Cannot write to the cache ".*": .*Read-only file system/,
  );
  await failing("full", inside("size=4k"), /Cannot unpack ".*": .*No space left.*disk is full/);
  await failing("noexec", inside("noexec"), /Cannot run from the cache ".*": .*noexec.*MAELSTROM_/);
});

async function canMount(): Promise<boolean> {
  const args = ["--mount", "sh", "-c", "mount -t tmpfs none /mnt"];
  try {
    return (await run("unshare", args)).code === 0;
  } catch {
    return false;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  return entries.map(({ name }) => name).filter((name) => name !== "deno").sort();
}

async function timeMs(act: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await act();
  return performance.now() - start;
}
