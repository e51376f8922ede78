/** What the tests of packaging make and run: a bundle in a folder of its own, and processes. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { bundle, type BundleFile } from "../../packaging/bundle.ts";
import { PROJECT_DIR, UNSTABLE_FLAGS } from "../../packaging/project.ts";

/** A folder that is gone when the test ends. */
export interface TestFolder extends AsyncDisposable {
  readonly path: string;
}

/** Makes a {@linkcode TestFolder}. */
export async function testFolder(): Promise<TestFolder> {
  const path = await Deno.makeTempDir({ prefix: "maelstrom-packaging-" });
  return {
    path,
    async [Symbol.asyncDispose]() {
      await Deno.remove(path, { recursive: true });
    },
  };
}

/** A bundle in a folder that is gone when the test ends. */
export interface TestBundle extends TestFolder {
  readonly files: readonly BundleFile[];
}

/** Bundles the program. */
export async function testBundle(): Promise<TestBundle> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await testFolder());
  const path = join(folder.path, "bundle");
  const files = await bundle(path);
  const kept = stack.move();
  return { path, files, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** How a program ended. */
export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What {@linkcode run} may be told. */
export interface RunOptions {
  /** The whole environment but for PATH. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
}

/** Runs a program to its end. */
export async function run(
  path: string,
  args: readonly string[],
  { env = {}, cwd = "/", input }: RunOptions = {},
): Promise<RunResult> {
  const child = new Deno.Command(path, {
    args: [...args],
    cwd,
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH")!, NO_COLOR: "1", ...env },
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (input !== undefined) {
    const writer = child.stdin!.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  }
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Runs the program from its sources. */
export function runSource(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const env = { HOME: Deno.env.get("HOME") ?? "/", ...denoDir(), ...options.env };
  const flags = ["run", "--quiet", "--allow-all", "--no-check", "--frozen", "--cached-only"];
  const main = join(PROJECT_DIR, "main.ts");
  return run(Deno.execPath(), [...flags, main, ...args], { ...options, env });
}

/** Runs `main.js` of a bundle with an empty cache and no settings but the unstable features. */
export async function runBundle(
  entry: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  await using cache = await testFolder();
  const flags = ["run", "--quiet", "--allow-all", "--no-config", "--no-lock", "--no-remote"];
  return await run(
    Deno.execPath(),
    [...flags, "--cached-only", ...UNSTABLE_FLAGS, entry, ...args],
    { ...options, env: { DENO_DIR: cache.path, ...options.env } },
  );
}

/** Commands that need no node, from each corner of the program. */
const TELLING: readonly { readonly args: readonly string[]; readonly input?: string }[] = [
  { args: ["version"] },
  { args: ["version", "--json"] },
  { args: ["version", "--licenses"] },
  { args: ["help"] },
  { args: ["help", "comp", "put"] },
  { args: ["daemon", "--help"] },
  { args: ["no-such-word"] },
  { args: ["daemon", "--no-such-flag"] },
  { args: ["comp", "put", "-f", "-"], input: "a: [1\nb" },
  { args: ["comp", "put", "-f", "-"], input: "name: a\nno such field: 1\n" },
];

/** Asserts that `attempt` does in some telling cases what the program does from its sources. */
export async function assertLikeSource(
  attempt: (args: readonly string[], options: RunOptions) => Promise<RunResult>,
): Promise<void> {
  for (const { args, input } of TELLING) {
    const options = input === undefined ? {} : { input };
    const [got, want] = await Promise.all([attempt(args, options), runSource(args, options)]);
    assert.deepEqual(got, want, `maelstrom ${args.join(" ")}`);
  }
}

function denoDir(): Record<string, string> {
  const path = Deno.env.get("DENO_DIR");
  return path ? { DENO_DIR: path } : {};
}
