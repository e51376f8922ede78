/**
 * What the packaging scripts know of the project: where it lies, which Deno it is built with, which
 * unstable features it uses; and how they run Deno and end. Knows nothing of any one form of delivery.
 * @module
 */
import { join } from "node:path";
import settings from "../deno.json" with { type: "json" };
import { MaelstromError, messageOf } from "../lib/errors.ts";

/** Absolute path of the project's folder. */
export const PROJECT_DIR: string = join(import.meta.dirname!, "..");

/** Where the scripts put what they make, unless told otherwise. */
export const DIST_DIR: string = join(PROJECT_DIR, "dist");

/** Version of maelstrom, such as `0.1.0`. */
export const VERSION: string = settings.version;

/** `--unstable-net` and the like: what `deno.json` turns on, for runs that do not read it. */
export const UNSTABLE_FLAGS: readonly string[] = settings.unstable.map((name) =>
  `--unstable-${name}`
);

/** What a finished run of Deno left. */
export interface DenoResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How {@linkcode runDeno} differs from a run here and now. */
export interface RunDenoOptions {
  readonly cwd?: string;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the Deno that runs this script, without colours, and waits for its end. */
export async function runDeno(
  args: readonly string[],
  { cwd = PROJECT_DIR, env = {} }: RunDenoOptions = {},
): Promise<DenoResult> {
  const command = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd,
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", RUST_BACKTRACE: "0", ...env },
    stdin: "null",
  });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/**
 * Makes sure that the running Deno is the one that `.dvmrc` names, for it goes into what is made.
 *
 * @throws {MaelstromError} invalid: another version is running
 */
export async function checkDenoVersion(): Promise<void> {
  const wanted = (await Deno.readTextFile(join(PROJECT_DIR, ".dvmrc"))).trim();
  if (Deno.version.deno === wanted) return;
  throw new MaelstromError(
    "invalid",
    `Cannot build: .dvmrc asks for Deno ${wanted}, this is ${Deno.version.deno}`,
  );
}

/** Lower-case hexadecimal SHA-256 of `bytes`. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** `bytes` for people: `917 B`, `12.3 KB`, `42.6 MB`, in powers of 1000. */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Runs a script to its end; a failure becomes one line on standard error and exit code 1. */
export async function runScript(script: () => Promise<void>): Promise<void> {
  try {
    await script();
  } catch (error) {
    console.error(messageOf(error));
    Deno.exit(1);
  }
}
