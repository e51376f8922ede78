/**
 * Makes the file that unpacks itself: a shell script, the bundle and this Deno, for machines and
 * builds where `deno compile` has no runtime to compile with. The same bundle and runtime give the
 * same bytes. Knows nothing of what the program does.
 * @module
 */
import { dirname, join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { gzip } from "node:zlib";
import { MaelstromError } from "../lib/errors.ts";
import { bundle, BUNDLE_DIR, type BundleFile, ENTRY } from "./bundle.ts";
import launcher from "./launcher.sh" with { type: "text" };
import { DIST_DIR, runScript, sha256, sizeText, UNSTABLE_FLAGS, VERSION } from "./project.ts";

/** What {@linkcode pack} makes. */
export interface PackOptions {
  readonly files: readonly BundleFile[];
  /** Path of the Deno that goes into it. It decides the machine that the result runs on. */
  readonly runtime: string;
  /** Path of the result. */
  readonly output: string;
  /** 1 is fast, 9 is small. @default {9} */
  readonly level?: number;
}

/** Sizes of what was packed, in bytes. */
export interface PackReport {
  /** Shell script at the beginning. */
  readonly launcher: number;
  /** Bundle, packed. */
  readonly program: number;
  /** Deno, packed. */
  readonly runtime: number;
  /** Name of the folder in the cache. */
  readonly hash: string;
}

/** How the launcher starts the program: all that the project's settings would have said. */
export const RUN_FLAGS: readonly string[] = [
  ...["--quiet", "--allow-all", "--no-prompt", "--no-config", "--no-lock", "--no-remote"],
  ...["--no-npm", "--cached-only", "--no-check", ...UNSTABLE_FLAGS],
];

/**
 * Writes the executable that unpacks itself. It takes its place by a rename, so that one that is
 * running is not disturbed.
 *
 * @throws {MaelstromError} invalid: a file's name cannot stand in the shell script
 */
export async function pack(options: PackOptions): Promise<PackReport> {
  const { files, runtime, output, level = 9 } = options;
  const odd = files.find(({ name }) => !/^[\w.-]+$/.test(name) || name === "maelstrom");
  if (odd) throw new MaelstromError("invalid", `Cannot pack: file name "${odd.name}" is not plain`);
  const runtimeBytes = await Deno.readFile(runtime);
  const program = await packed(
    new TextEncoder().encode(files.map(({ text }) => text).join("")),
    level,
  );
  const packedRuntime = await packed(runtimeBytes, level);
  const values = {
    VERSION,
    RUNTIME_SIZE: `${runtimeBytes.length}`,
    RUNTIME_PACKED: `${packedRuntime.length}`,
    PROGRAM_PACKED: `${program.length}`,
    // The runtime is one more.
    FILE_COUNT: `${files.length + 1}`,
    FILES: files.map(({ name, size }) => `${name} ${size}`).join("\n"),
    FLAGS: RUN_FLAGS.join(" "),
    ENTRY,
  };
  const content = await Promise.all([program, packedRuntime].map(sha256));
  const hash = (await sha256(new TextEncoder().encode(fill({ ...values, HASH: content.join() }))))
    .slice(0, 16);
  const script = new TextEncoder().encode(fill({ ...values, HASH: hash }));
  await writeExecutable(output, [script, program, packedRuntime]);
  return {
    launcher: script.length,
    program: program.length,
    runtime: packedRuntime.length,
    hash,
  };
}

function fill(values: Readonly<Record<string, string>>): string {
  return launcher.replaceAll(/@([A-Z_]+)@/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`the launcher asks for "${name}"`);
    return value;
  });
}

/** `bytes` packed with gzip; its header carries no time and no name. */
async function packed(bytes: Uint8Array, level: number): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await promisify(gzip)(bytes, { level }));
}

async function writeExecutable(path: string, parts: readonly Uint8Array[]): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.new-${Deno.pid}`;
  try {
    {
      using file = await Deno.open(temporary, { write: true, create: true, truncate: true });
      for (const part of parts) {
        for (let at = 0; at < part.length;) at += await file.write(part.subarray(at));
      }
    }
    await Deno.chmod(temporary, 0o755);
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}

if (import.meta.main) {
  await runScript(async () => {
    const { values } = parseArgs({
      args: Deno.args,
      options: {
        runtime: { type: "string", default: Deno.execPath() },
        output: { type: "string", default: join(DIST_DIR, "maelstrom") },
      },
    });
    const report = await pack({ files: await bundle(BUNDLE_DIR), ...values });
    console.log(`${sizeText(report.launcher).padStart(10)}  launcher`);
    console.log(`${sizeText(report.program).padStart(10)}  program`);
    console.log(`${sizeText(report.runtime).padStart(10)}  runtime`);
    console.log(
      `${sizeText((await Deno.stat(values.output)).size).padStart(10)}  ${values.output}`,
    );
  });
}
